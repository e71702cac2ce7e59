"""The demo as real processes: a fault in the cell becomes an alert, and inspection confirms it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.nats_server import read_address
from lineside.apps.demo.commands import Command, Status
from lineside.apps.demo.panel import Panel
from lineside.apps.layout import Layout
from running_line import eventually

pytestmark = pytest.mark.system


class RunningDemo:
    """`lineside demo` in a folder, at twice its usual speed and with a short past."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.port = port
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "lineside", "demo", "--data", str(self.root), "--port", str(self.port)]
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--speed", "40", "--days", "9"], stdout=log, stderr=subprocess.STDOUT, text=True
            )
        eventually(lambda: "running:" in self.log(), 400, saying=self.log)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        eventually(lambda: self.process is not None and self.process.poll() is not None, saying=self.log)
        return self.process.returncode

    def ask(self, command: Command) -> Status:
        async def over_the_bus() -> Status:
            address = read_address(Layout(self.root).nats)
            assert address is not None
            bus = await NatsBus.open(address, name="test", within=10)
            try:
                return await Panel(bus, "north_works", "dc_07").ask(command)
            finally:
                await bus.close()

        return asyncio.run(over_the_bus())

    def rows(self, table: str) -> list[dict[str, Any]]:
        path = Layout(self.root).history / table
        if not (path / "_delta_log").exists():
            return []
        found: list[dict[str, Any]] = DeltaTable(str(path)).to_pyarrow_table().to_pylist()
        return found

    @property
    def log_file(self) -> Path:
        return self.root.with_suffix(".log")

    def log(self) -> str:
        return self.log_file.read_text()


@pytest.fixture
def demo(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path / "demo", free_port())
    running.start()
    yield running
    assert running.process is not None
    if running.process.poll() is None:
        running.stop()


def alerts(demo: RunningDemo) -> list[dict[str, Any]]:
    return [row for row in demo.rows("alert_events") if row["kind"] == "raised"]


def confirmed(demo: RunningDemo) -> set[str]:
    """The parts in alarm that inspection found not to conform."""
    suspects = {row["unit"] for row in demo.rows("alert_events") if row["cause"] == "porosity_cooling"}
    outcomes = [row for row in demo.rows("outcomes") if row["characteristic"] == "porosity"]
    return suspects & {row["unit"] for row in outcomes if row["value"] == "nonconforming"}


def corrected(demo: RunningDemo) -> bool:
    """Whether the gateway has heard what earlier castings weighed, and says so of a later one."""
    return any(row["measured"] for row in demo.rows("predictions") if row["characteristic"] == "weight")


def test_a_closed_cooling_valve_is_alerted_confirmed_and_survives_a_second_start(demo: RunningDemo) -> None:
    raised = eventually(
        lambda: [row for row in alerts(demo) if row["cause"] == "porosity_cooling"], 180, saying=demo.log
    )
    assert raised[0]["priority"] == "critical"
    eventually(lambda: confirmed(demo), 180, saying=demo.log)
    eventually(lambda: corrected(demo), 180, saying=demo.log)
    assert "hot_day" in demo.ask(Command("start", "hot_day")).broken
    before = demo.ask(Command("status"))
    assert demo.stop() == 0
    assert not (demo.root / "pids.json").exists()
    demo.start()
    after = demo.ask(Command("status"))
    assert "generate" not in demo.log()
    assert after.now > before.now
    # The cell goes back to its oldest unfinished shot and makes those since then again.
    eventually(lambda: demo.ask(Command("status")).shots >= before.shots, saying=demo.log)
    eventually(lambda: "hot_day" in demo.ask(Command("status")).broken, saying=demo.log)
    # What came too late for its part, as it may while the demo starts, makes a revision of it beside the first record.
    parts = [(row["cycle_id"], row["revision"] or 0) for row in demo.rows("parts")]
    assert len(parts) == len(set(parts))
    assert "Traceback" not in demo.log()
