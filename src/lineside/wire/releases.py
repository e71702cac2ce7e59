"""How a gateway asks the plant which models are offered, and fetches them in pieces."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE

PIECE: Final = 512 << 10
"""Bytes of a bundle in one reply: within what one message may carry."""

_T = TypeVar("_T")


class ReleaseRequest(msgspec.Struct, frozen=True, array_like=True):
    """Asks for the offers of a line (empty digest), or for a piece of the bundle of that digest from an offset on."""

    digest: str = ""
    offset: int = 0


class ReleaseReply(msgspec.Struct, frozen=True, array_like=True):
    """The signed offers, one for each place that has a model; or the piece that was asked for, and the whole's size.

    ``canaries`` are the signed canary offers beside them; who does not know them does not read them.
    """

    offers: tuple[bytes, ...] = ()
    piece: bytes = b""
    size: int = 0
    canaries: tuple[bytes, ...] = ()


def encode(message: ReleaseRequest | ReleaseReply) -> bytes:
    """Return a message as bytes."""
    return msgspec.msgpack.encode(message)


def decode(data: bytes, kind: type[_T]) -> _T:
    """Return the message of a kind that the bytes hold; raises `IntegrityError` where they hold none."""
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except UNREADABLE as error:
        raise IntegrityError(f"a message about releases cannot be read: {error}") from error
