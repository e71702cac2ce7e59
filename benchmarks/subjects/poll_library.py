"""The limit of `poll`: pymodbus or httpx alone, with their answers decoded to a list of times and values."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

import httpx
from pymodbus.client import AsyncModbusTcpClient

from subjects.poll_servers import VALUES, start

POLLS = 1_000
Rows = list[tuple[int, float]]


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run of polls of a ``kind`` of source."""
    server, modbus, http = start()
    runs = {"modbus": lambda: _modbus(modbus), "rest": lambda: _rest(http), "mtconnect": lambda: _mtconnect(http)}

    def run() -> dict[str, float]:
        assert server.poll() is None
        return asyncio.run(runs[str(work["kind"])]())

    run()
    return run


async def _timed(poll: Callable[[], Awaitable[Rows]]) -> dict[str, float]:
    await poll()
    began, count = time.thread_time(), 0
    for _ in range(POLLS):
        count += len(await poll())
    return {"value": 1e6 * (time.thread_time() - began) / POLLS, "readings": count / POLLS}


async def _modbus(port: int) -> dict[str, float]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()

    async def poll() -> Rows:
        asked = time.time_ns()
        answer = await client.read_holding_registers(0, count=2 * VALUES, device_id=1)
        middle = (asked + time.time_ns()) // 2
        values = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32, word_order="little")
        return [(middle, value) for value in values]

    answer = await _timed(poll)
    client.close()
    return answer


async def _rest(port: int) -> dict[str, float]:
    async with httpx.AsyncClient() as client:

        async def poll() -> Rows:
            found = json.loads((await client.get(f"http://127.0.0.1:{port}/values")).content)
            return [(found["ts"], found["v"][f"s{number}"]) for number in range(VALUES)]

        return await _timed(poll)


async def _mtconnect(port: int) -> dict[str, float]:
    async with httpx.AsyncClient() as client:

        async def poll() -> Rows:
            answer = await client.get(f"http://127.0.0.1:{port}/sample", params={"from": "1", "count": "1000"})
            root = ET.fromstring(answer.content)
            loads = root.iter("{urn:mtconnect.org:MTConnectStreams:1.3}Load")
            return [(_time(item.get("timestamp", "")), float(item.text or "nan")) for item in loads]

        return await _timed(poll)


def _time(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e9)
