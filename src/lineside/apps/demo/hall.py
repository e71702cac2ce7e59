"""The hall's climate sensors: JSON messages to the machine side's MQTT broker."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import aiomqtt

from lineside.apps.demo.line import Said

TOPIC: Final = "north_works/hall/climate"
FIELDS: Final = {"hall_temperature": "temperature", "hall_humidity": "humidity"}
_KEPT: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Hall:
    """Publishes what is said of the hall, as one message per moment; while the broker is away, the newest wait."""

    def __init__(self, port: int, username: str, password: str) -> None:
        """Store where the broker is (on loopback) and who we are there."""
        self._port = port
        self._login = (username, password)
        self._waiting: deque[str] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()

    def say(self, readings: Iterable[Said]) -> None:
        """Queue the hall's readings among these for publishing."""
        moments: dict[int, dict[str, float | str]] = {}
        for reading in readings:
            name = FIELDS.get(reading.signal)
            if name is not None:
                moments.setdefault(reading.time, {})[name] = reading.value
        for time, values in moments.items():
            self._waiting.append(json.dumps({"time": _iso(time), **values}))
        if moments:
            self._news.set()

    async def run(self) -> None:
        """Publish for ever, connecting again whenever the broker comes back."""
        while True:
            try:
                username, password = self._login
                async with aiomqtt.Client(
                    "127.0.0.1", self._port, username=username, password=password, identifier="dc07-hall"
                ) as client:
                    await self._publish(client)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.5)

    async def _publish(self, client: aiomqtt.Client) -> None:
        while True:
            while self._waiting:
                await client.publish(TOPIC, self._waiting[0], qos=1)
                self._waiting.popleft()
            self._news.clear()
            await self._news.wait()


def _iso(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time // 1000)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
