"""Two endpoints of HTTP in this process, with the signals of `lineside.testing.plans`: what is present, and a log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from lineside.testing.peers.http import HttpPeer, HttpReply, HttpRequest

ROWS: Final[Mapping[str, Any]] = {
    "rows": "$.items",
    "signal_path": "$.tag",
    "value_path": "$.v",
    "time_column": "$.ts",
    "since": "after",
    "cursor": "$.id",
}
"""The fields of a source that reads the log at ``/log``."""
PRESENT: Final = {signal: f"$.press.{signal}" for signal in ("temperature", "pressure", "running", "serial")}
"""The addresses of the signals at ``/present``, whose time is ``$.ts``."""


class RestPeer:
    """The endpoints; ``/log`` answers with at most ``page`` rows behind ``after``."""

    def __init__(self, *, page: int = 100) -> None:
        self.http = HttpPeer(self._answer)
        self.instead: HttpReply | None = None
        """What is answered instead, if anything."""
        self.wanted: dict[str, str] = {}
        """Headers without which a request is refused."""
        self.marks: dict[str, str] = {}
        """Headers that say when the answer at ``/present`` last changed."""
        self.present: dict[str, Any] = {"ts": 0, "press": {}}
        self._page = page
        self._rows: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """The address of the server."""
        return self.http.url

    async def start(self) -> None:
        """Begin to listen."""
        await self.http.start()

    async def stop(self) -> None:
        """Stop listening; what was sent stays."""
        await self.http.stop()

    def send(self, signal: str, time: int, value: object) -> None:
        """Write a value of a signal into the log, and make it the present one."""
        self._rows.append({"id": len(self._rows) + 1, "tag": signal, "v": value, "ts": time})
        self.present = {"ts": time, "press": {**self.present["press"], signal: value}}

    def _answer(self, request: HttpRequest) -> HttpReply:
        if self.instead is not None:
            return self.instead
        if any(request.headers.get(name) != value for name, value in self.wanted.items()):
            return HttpReply(status=401)
        if request.path == "/log":
            after = int(request.query.get("after", 0))
            rows = self._rows[after : after + self._page]
            return _json({"items": rows})
        if self.marks and request.headers.get("if-none-match") == self.marks.get("ETag"):
            return HttpReply(status=304)
        return _json(self.present, self.marks)


def _json(content: object, headers: Mapping[str, str] | None = None) -> HttpReply:
    return HttpReply(body=json.dumps(content).encode(), headers={"Content-Type": "application/json", **(headers or {})})
