"""A small HTTP server in this process, which answers as a handler says and can misbehave on demand."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from lineside.testing.peers.ports import free_port

HttpFault = Literal["", "hang", "cut", "reset"]
"""No answer at all; an answer that ends in the middle; a connection that is reset in the middle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """What was asked: the path, the query by name, the headers by lower-case name."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpReply:
    """What is answered."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpPeer:
    """A server that can be stopped and started again at the same port."""

    def __init__(self, answer: Callable[[HttpRequest], HttpReply], *, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.fault: HttpFault = ""
        self.requests: list[HttpRequest] = []
        self._answer = answer
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The address, as a plan writes it."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening, and end all connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._reply(writer, _request_in(head))
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, request: HttpRequest) -> None:
        self.requests.append(request)
        if self.fault == "hang":
            await asyncio.sleep(3600)
        reply = self._answer(request)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} -", *(f"{key}: {value}" for key, value in headers.items())]
        data = ("\r\n".join(lines) + "\r\n\r\n").encode() + reply.body
        if self.fault:
            writer.write(data[: len(data) // 2])
            await writer.drain()
            if self.fault == "reset":
                plug = writer.get_extra_info("socket")
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError
        writer.write(data)
        await writer.drain()


def _request_in(head: bytes) -> HttpRequest:
    first, *lines = head.decode("latin-1").split("\r\n")
    url = urlsplit(first.split(" ")[1])
    pairs = (line.partition(":") for line in lines if line)
    return HttpRequest(
        path=url.path,
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers={name.lower(): value.strip() for name, _, value in pairs},
    )
