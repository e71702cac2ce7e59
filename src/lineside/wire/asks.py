"""How a gateway says that it is there and asks how far the plant is, before it sends anything.

An ask travels to the same subject as records and is answered with the same signed watermark.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE

MAGIC: Final = b"LSA1"


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """``holder`` is a random name of the process that holds the outbox of ``(writer, epoch)`` now."""

    writer: str
    epoch: str
    site: str
    line: str
    holder: str


_decoder: Final = msgspec.msgpack.Decoder(Ask)


def encode_ask(ask: Ask) -> bytes:
    """Return an ask as bytes."""
    return MAGIC + msgspec.msgpack.encode(ask)


def is_ask(data: bytes) -> bool:
    """Return whether a request is an ask and no record."""
    return data[: len(MAGIC)] == MAGIC


def decode_ask(data: bytes) -> Ask:
    """Return the ask that the bytes hold; raises `IntegrityError` where they hold none."""
    try:
        return _decoder.decode(data[len(MAGIC) :])
    except UNREADABLE as error:
        raise IntegrityError(f"an ask cannot be read: {error}") from error
