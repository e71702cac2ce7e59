"""A whole line for system tests: its plan, its model, its files, and `lineside up` as real processes."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from deltalake import DeltaTable

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.releasing import put_in_service
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.parts import PartTable
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import make_batch
from lineside.domain.units import SECOND
from lineside.learn.fit import FitRequest, fit

PLAN = """\
lineside: 1
site: {id: works}
area: {id: foundry}
line: {id: dc07, name: Die casting DC-07}
part: {number: "4711"}
sources:
  - {id: machine, kind: files, path: inbox, layout: wide, time_column: time}
stations:
  - {id: cast, name: Cast, cycle: {by: trigger, signal: running}, lateness: 0 s, live_within: 10 min}
signals:
  - {id: die_temp, name: Die temperature, station: cast, source: machine, unit: degC, features: [mean]}
  - {id: flow, name: Cooling water, station: cast, source: machine, unit: l/min, features: [mean]}
  - {id: running, station: cast, source: machine, role: trigger}
characteristics:
  - {id: porosity, name: Porosity, station: cast, model: {family: normal}}
reactions:
  - id: cooling
    characteristic: porosity
    signals: [die_temp, flow]
    text: "Porosity likely: cooling is too weak."
    priority: critical
    steps: [{do: adjust, text: Open the chiller valve}]
  - {id: other, characteristic: porosity, text: Porosity likely., steps: [{do: inspect, text: Look at the part}]}
"""
READINGS_PER_CYCLE = 10
SIGNALS = ("die_temp", "flow", "running")


def eventually(what: Callable[[], Any], within: float = 120.0, *, saying: Callable[[], str] = str) -> Any:
    """Return the first truthy answer of ``what``; fail when there is none in time, with what ``saying`` says."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        answer = what()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not in {within} s: {saying()}")


@dataclass(slots=True)
class RunningLine:
    """The line's folder, and the supervisor while it runs."""

    root: Path
    port: int
    process: subprocess.Popen[str] | None = None
    cycles: int = 0
    measured: int = field(default_factory=lambda: time.time_ns() - 120 * SECOND)

    @property
    def layout(self) -> Layout:
        """Where everything of it is."""
        return Layout(self.root / "data")

    def start(self) -> None:
        """Start `lineside up` and wait until every part of it runs."""
        command = [sys.executable, "-m", "lineside", "up", "--plan", str(self.root / "plan.yaml")]
        command += ["--data", str(self.layout.root), "--port", str(self.port)]
        with (self.root / "up.log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, text=True)
        eventually(lambda: all(self.pids().get(name) for name in ("nats", "plant", "gateway")), saying=self.log)

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def log(self) -> str:
        """What the processes have printed."""
        return (self.root / "up.log").read_text()

    def pids(self) -> dict[str, int | None]:
        """The process ids of its parts."""
        try:
            found: dict[str, int | None] = json.loads((self.layout.root / "pids.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def kill(self, part: str) -> None:
        """Kill a part as a crash would, and wait until the supervisor has started another."""
        pid = eventually(lambda: self.pids().get(part))
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.pids().get(part) not in {None, pid}, saying=lambda: f"{part} was not started again")

    def deliver(self, cycles: int, die_temp: float = 200.0) -> None:
        """Put a file of readings of so many cycles into the inbox, measured after those before and lately."""
        generator = np.random.default_rng(self.cycles)
        size = cycles * READINGS_PER_CYCLE
        target = self.root / "inbox" / f"shots-{self.cycles:06d}.csv"
        partial = target.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["time", *SIGNALS])
            for row in range(size):
                moment = datetime.fromtimestamp((self.measured + row * 10_000_000) / SECOND, tz=UTC)
                values = (die_temp + generator.normal(0, 2), 12 + generator.normal(0, 0.3))
                running = int(row % READINGS_PER_CYCLE < READINGS_PER_CYCLE - 2)
                rows.writerow([moment.isoformat(), *(f"{value:.3f}" for value in values), running])
        partial.rename(target)
        self.measured += size * 10_000_000
        self.cycles += cycles

    @property
    def delivered(self) -> int:
        """How many readings the inbox has held so far."""
        return self.cycles * READINGS_PER_CYCLE * len(SIGNALS)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table of the history, without revisions that late readings have made."""
        path = self.layout.history / table
        if not (path / "_delta_log").exists():
            return []
        found: list[dict[str, Any]] = DeltaTable(str(path)).to_pyarrow_table().to_pylist()
        return [row for row in found if not row.get("revision")]

    def audited(self, actions: set[str]) -> set[str]:
        """The alert events that the audit chains hold under some actions."""
        paths = [path for path in (self.layout.gateway_audit, self.layout.plant_audit) if path.exists()]
        entries = [entry for path in paths for entry in read_chain(path) if entry.action in actions]
        return {json.loads(entry.content)["event"] for entry in entries}


def prepared_line(root: Path, port: int) -> RunningLine:
    """Set a line up with a trained model; it does not run yet."""
    (root / "inbox").mkdir()
    (root / "plan.yaml").write_text(PLAN)
    line = RunningLine(root, port)
    line.layout.create()
    plan = load_plan(root / "plan.yaml")
    table, later = _parts(plan, 300, seed=1), _parts(plan, 300, seed=2)
    bundle = fit(FitRequest(plan=plan, characteristic="porosity", table=table, calibration=later)).bundle
    put_in_service(line.layout, plan, bundle)
    return line


@contextmanager
def running_line(root: Path, port: int) -> Iterator[RunningLine]:
    """Set a line up with a trained model, run it, and see to it that it ends."""
    line = prepared_line(root, port)
    line.start()
    try:
        yield line
    finally:
        if line.process is not None and line.process.poll() is None:
            line.stop()


def _parts(plan: Plan, cycles: int, seed: int) -> PartTable:
    """Return parts of good cycles, assembled as the gateway does."""
    generator = np.random.default_rng(1000 + seed)
    size = cycles * READINGS_PER_CYCLE
    times = np.arange(size, dtype=np.int64) * 10_000_000 + seed * 10**15
    running = (np.arange(size) % READINGS_PER_CYCLE < READINGS_PER_CYCLE - 2).astype(float)
    values = np.column_stack([200 + generator.normal(0, 2, size), 12 + generator.normal(0, 0.3, size), running])
    batch = make_batch(catalogue_for(plan), np.tile(np.arange(3), size), np.repeat(times, 3), values.ravel())
    assembler = CycleAssembler(plan, "cast", batch.catalogue)
    parts = [part for part in [*assembler.push(batch), *assembler.flush()] if not part.incomplete]
    return PartTable(
        recipe=assembler.recipe,
        unit=tuple(part.unit for part in parts),
        started=np.array([part.started for part in parts]),
        ended=np.array([part.ended for part in parts]),
        features=np.stack([part.features for part in parts]),
        group=("",) * len(parts),
        outcome=("",) * len(parts),
    )
