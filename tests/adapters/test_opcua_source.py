"""What is particular to OPC UA: unknown nodes, lost and frozen servers, wrong settings."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lineside.adapters.opcua.options import OpcuaOptions
from lineside.adapters.opcua.source import open_source
from lineside.domain.errors import ConfigurationError
from lineside.domain.plan.model import OpcuaSpec
from lineside.domain.units import SECOND
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.opcua import LABORATORY, NODES, OpcuaPeer
from lineside.testing.peers.ports import free_port, is_listening, until
from lineside.testing.plans import plan_with_source

BEATING_SERVER = """
import asyncio, sys, time
from datetime import datetime, timezone
from lineside.testing.peers.opcua import LABORATORY, OpcuaPeer
async def main():
    peer = OpcuaPeer()
    peer.port = int(sys.argv[1])
    await peer.start()
    while True:
        await peer.write("temperature", time.time() % 100, time.time_ns())
        await asyncio.sleep(0.05)
asyncio.run(main())
"""


def reasons(reader: Reader) -> list[str]:
    return [item.reason for item in reader.quarantined]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Any]:
    """A server in a process of its own, with its port, that writes a temperature twenty times a second."""
    script = tmp_path / "server.py"
    script.write_text(BEATING_SERVER)
    port = free_port()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(script), str(port)], stderr=subprocess.DEVNULL)

    running = [start()]
    await until(lambda: is_listening(port))

    class Server:
        def __init__(self) -> None:
            self.port = port

        def signal(self, number: int) -> None:
            running[-1].send_signal(number)

        async def start_again(self) -> None:
            await asyncio.to_thread(running[-1].wait)
            running.append(start())
            await until(lambda: is_listening(port))

    yield Server()
    for process in running:
        process.kill()
        await asyncio.to_thread(process.wait)


@pytest.mark.system
async def test_a_killed_server_and_a_frozen_one_are_noticed_recorded_and_come_back_to(server: Any) -> None:
    spec = {**LABORATORY, "url": f"opc.tcp://127.0.0.1:{server.port}/peer"}
    plan = plan_with_source(spec, addresses=NODES)
    options = OpcuaOptions(timeout=2.0, alive=1.0)
    async with reading(open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock(), options=options)) as reader:
        await reader.until(lambda: len(reader.values("temperature")) > 20)
        server.signal(signal.SIGKILL)
        await reader.until(lambda: reasons(reader).count("connection_lost") == 1)
        await server.start_again()
        before = len(reader.values("temperature"))
        await reader.until(lambda: len(reader.values("temperature")) > before + 20)
        assert reasons(reader).count("connection_lost") == 2
        server.signal(signal.SIGSTOP)
        await reader.until(lambda: reasons(reader).count("connection_lost") == 3)
        server.signal(signal.SIGCONT)
        before = len(reader.values("temperature"))
        await reader.until(lambda: len(reader.values("temperature")) > before + 20)
        back = [item for item in reader.quarantined if "It is back after" in item.detail]
        assert len(back) == 2


async def test_a_node_that_the_server_does_not_know_is_reported_and_stops_no_other() -> None:
    peer = OpcuaPeer()
    await peer.start()
    plan = plan_with_source(
        {**LABORATORY, "url": peer.url}, addresses={**NODES, "pressure": "ns=2;s=Nothing", "running": "no node id"}
    )
    async with reading(open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock())) as reader:
        await reader.until(lambda: len(reader.quarantined) >= 2)
        await peer.write("temperature", 21.5, WallClock().now())
        await reader.until(lambda: bool(reader.values("temperature")))
    await peer.stop()
    found = {item.signal: item for item in reader.quarantined}
    assert set(found) == {"pressure", "running"}
    assert {item.reason for item in found.values()} == {"unknown_node"}
    assert "ns=2;s=Nothing" in found["pressure"].detail
    assert "BadNodeIdUnknown" in found["pressure"].detail
    assert "correct the plan's address" in found["pressure"].detail


async def test_a_server_that_is_not_there_is_waited_for_and_closing_does_not_wait() -> None:
    peer = OpcuaPeer()
    plan = plan_with_source({**LABORATORY, "url": peer.url}, addresses=NODES)
    async with reading(open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock())) as reader:
        await reader.until(lambda: reasons(reader) == ["connection_lost"])
        await peer.start()
        await peer.write("temperature", 21.5, WallClock().now())
        await reader.until(lambda: bool(reader.values("temperature")))
        await peer.stop()
        await reader.until(lambda: reasons(reader).count("connection_lost") == 3)


async def test_a_value_that_says_that_others_before_it_were_lost_is_kept_and_the_loss_is_reported() -> None:
    peer = OpcuaPeer()
    await peer.start()
    plan = plan_with_source({**LABORATORY, "url": peer.url}, addresses=NODES)
    async with reading(open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock())) as reader:
        await reader.until(lambda: bool(reader.deliveries))
        await peer.write("temperature", 21.5, WallClock().now(), status=0x0000_0480)
        await reader.until(lambda: bool(reader.values("temperature")))
    await peer.stop()
    assert [(item.signal, item.reason) for item in reader.quarantined] == [("temperature", "lost_at_source")]
    assert 0x0000_0480 in [code for batch in reader.batches for code in batch.status.tolist()]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"url": "http://127.0.0.1"}, "sources.machine.url"),
        ({"url": "opc.tcp://127.0.0.1", "security": "none"}, "sources.machine.security"),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_at_once(spec: dict[str, str], field: str) -> None:
    plan = plan_with_source({"kind": "opcua", **spec}, addresses=NODES)
    with pytest.raises(ConfigurationError) as caught:
        open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock())
    assert caught.value.field == field


def test_the_library_is_not_imported_before_a_source_delivers() -> None:
    code = "import sys, lineside.adapters.opcua.source; sys.exit('asyncua' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_servers_clock_that_differs_is_reported_once_stands_in_its_health_and_is_over_when_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lineside.adapters.opcua.source.CLOCK_INTERVAL", 0.02)
    ahead = [10 * SECOND]
    peer = OpcuaPeer()
    await peer.start()
    plan = plan_with_source({**LABORATORY, "url": peer.url, "clock_within": "1 s"}, addresses=NODES)
    options = OpcuaOptions(now=lambda: WallClock().now() - ahead[0])
    source = open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock(), options=options)
    async with reading(source) as reader:
        await reader.until(lambda: "clock" in dict(source.condition.troubles))
        ahead[0] = 0
        await reader.until(lambda: "clock" not in dict(source.condition.troubles))
    await peer.stop()
    found = [item for item in reader.quarantined if item.reason == "clock_differs"]
    assert len(found) >= 1
    # This server renews the time that it tells once a second.
    said = re.search(r"is (\d+\.\d+) s ahead of this machine's; set both by NTP", found[0].detail)
    assert said is not None
    assert 8.0 < float(said[1]) < 10.5
