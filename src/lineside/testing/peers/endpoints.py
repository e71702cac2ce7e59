"""A web server on loopback that stands where Teams, Slack, ServiceNow, SAP or a partner's webhook would."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered; ``close`` ends the connection without an answer, ``never`` leaves it open without one."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    close: bool = False
    never: bool = False


Answer = Callable[[Request], Response]


@dataclass(slots=True)
class Endpoint:
    """The running server: what it got, and how it answers the next requests; after ``planned`` it answers ``usual``."""

    url: str
    usual: Answer
    got: list[Request] = field(default_factory=list)
    planned: list[Response] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        """Return the answer to a request; one that gets none is not noted."""
        response = self.planned.pop(0) if self.planned else self.usual(request)
        if not (response.close or response.never):
            self.got.append(request)
        return response


@contextlib.asynccontextmanager
async def endpoint(usual: Answer = lambda _: Response()) -> AsyncIterator[Endpoint]:
    """Run a server on a free port of loopback."""
    running: list[Endpoint] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _answer(running[0], reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    running.append(Endpoint(url=f"http://127.0.0.1:{port}", usual=usual))
    try:
        yield running[0]
    finally:
        server.close()


async def _answer(known: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {key.lower(): value for line in head[1:] if line for key, value in [line.split(": ", maxsplit=1)]}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    response = known.answer(Request(method, path, headers, body))
    if response.never:
        await reader.read()
    if response.close or response.never:
        return
    lines = [f"HTTP/1.1 {response.status} X", f"Content-Length: {len(response.body)}", "Connection: close"]
    lines += [f"{key}: {value}" for key, value in response.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + response.body)
    await writer.drain()


def service_now() -> Answer:
    """Return the Table API of an instance that keeps incidents."""
    incidents: dict[str, dict[str, Any]] = {}

    def answer(request: Request) -> Response:
        if request.method == "GET":
            wanted = unquote(request.path).split("correlation_id=")[1].split("&")[0]
            found = [{"sys_id": key} for key, item in incidents.items() if item.get("correlation_id") == wanted]
            return Response(body=json.dumps({"result": found}).encode())
        if request.method == "POST":
            key = f"{len(incidents):032x}"
            incidents[key] = request.json
            return Response(201, {"Location": f"/api/now/table/incident/{key}"})
        incidents[request.path.rpartition("/")[2]].update(request.json)
        return Response()

    return answer


def sap(field: str) -> Answer:
    """Return an OData service that keeps notifications, wants a token with each that is created, and gives one."""
    kept: list[dict[str, Any]] = []

    def answer(request: Request) -> Response:
        if request.method == "GET":
            wanted = unquote(request.path).split("'")[1]
            found = [item for item in kept if item.get(field) == wanted]
            headers = {"x-csrf-token": "T0", "Set-Cookie": "SAP_SESSION=1; path=/; secure"}
            return Response(200, headers, json.dumps({"d": {"results": found}}).encode())
        if request.headers.get("x-csrf-token") != "T0" or "SAP_SESSION=1" not in request.headers.get("cookie", ""):
            return Response(403)
        kept.append(request.json)
        return Response(201, {"Location": f"QualityNotification('{len(kept)}')"})

    return answer
