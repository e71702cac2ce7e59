"""A server of OPC UA that changes all its signals at a steady pace, as a process of its own, beside the cores measured.

Usage: ``python opcua_server.py SIGNALS INTERVAL_MS``; prints its address when it listens.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds

from lineside.testing.peers.ports import free_port
from subjects.elsewhere import move_elsewhere


def node_of(number: int) -> str:
    """Return the node id of a signal."""
    return f"ns=2;s=Line.Signal{number:04}"


@contextmanager
def running(work: dict[str, Any]) -> Iterator[str]:
    """Start a server for a work, yield its address, and stop it."""
    command = [sys.executable, __file__, str(work["signals"]), str(work["interval_ms"])]
    benchmarks = Path(__file__).resolve().parent.parent
    environment = os.environ | {"PYTHONPATH": f"{benchmarks.parent / 'src'}{os.pathsep}{benchmarks}"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        move_elsewhere(process.pid, work["cores"])
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def _serve(signals: int, interval: float) -> None:
    server = Server()
    await server.init()
    url = f"opc.tcp://127.0.0.1:{free_port()}/bench"
    server.set_endpoint(url)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:bench")
    nodes = []
    for number in range(signals):
        node = ua.NodeId.from_string(node_of(number))
        nodes.append((await server.nodes.objects.add_variable(node, f"Signal{number:04}", 0.0)).nodeid)
    await server.start()
    print(url, flush=True)
    due, step = time.monotonic(), 0
    while True:
        step, due = step + 1, due + interval
        now = datetime.now(tz=UTC)
        for node in nodes:
            data = ua.DataValue(Value=ua.Variant(float(step), ua.VariantType.Double), SourceTimestamp=now)
            await server.iserver.aspace.write_attribute_value(node, AttributeIds.Value, data)
        await asyncio.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]) / 1000))
