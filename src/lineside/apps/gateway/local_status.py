"""The running gateway's own word, for who stands at the machine: a socket that says how it does and takes nothing.

It is a file of the data folder, which its owner alone may enter, and it answers on a full disk and without a network.
Whoever connects gets one JSON document and the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError, UnavailableError
from lineside.wire.status import GatewayStatus
from lineside.wire.unreadable import UNREADABLE

WITHIN_SECONDS: Final = 5.0
_OWNER_ONLY: Final = 0o600


async def serve_status(path: Path, status: Callable[[], GatewayStatus]) -> None:
    """Answer at the path until cancelled; what an ended process left there is replaced."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(msgspec.json.encode(status()))
            await writer.drain()
        writer.close()

    with _bound(path) as listening:
        server = await asyncio.start_unix_server(answer, sock=listening)
        async with server:
            await server.serve_forever()


def ask_status(path: Path) -> GatewayStatus:
    """Return what the gateway that runs in this data folder says of itself.

    Raises:
        UnavailableError: none answers.
        IntegrityError: something else answers.
    """
    try:
        with _short(path) as name, socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(WITHIN_SECONDS)
            asked.connect(name)
            said = b"".join(iter(lambda: asked.recv(1 << 16), b""))
    except OSError as error:
        raise UnavailableError(
            f"no gateway answers: {error.strerror or error}",
            where=str(path),
            next_step="start it, or name its data folder by --data",
        ) from error
    try:
        return msgspec.json.decode(said, type=GatewayStatus)
    except UNREADABLE as error:
        raise IntegrityError(f"what answers is no gateway of this version: {error}", where=str(path)) from error


@contextlib.contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        with _short(path) as name:
            listening.bind(name)
        path.chmod(_OWNER_ONLY)
        try:
            yield listening
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name of the socket that is short enough for the kernel's 108 bytes, however deep the folder lies."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
