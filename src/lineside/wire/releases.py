"""How a gateway asks the plant which models to run, and fetches them in pieces."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lineside.domain.errors import IntegrityError

PIECE: Final = 512 << 10
"""Bytes of a bundle in one reply: within what one message may carry."""

_T = TypeVar("_T")


class ReleaseRequest(msgspec.Struct, frozen=True, array_like=True):
    """Asks for the list of models in service (empty name), or for a piece of one from an offset on."""

    name: str = ""
    offset: int = 0


class ReleaseEntry(msgspec.Struct, frozen=True, array_like=True):
    """One model in service: its name, and digest and size of its bundle's bytes."""

    name: str
    digest: str
    size: int


class ReleaseReply(msgspec.Struct, frozen=True, array_like=True):
    """The models in service, and the piece that was asked for."""

    entries: tuple[ReleaseEntry, ...]
    piece: bytes = b""


def encode(message: ReleaseRequest | ReleaseReply) -> bytes:
    """Return a message as bytes."""
    return msgspec.msgpack.encode(message)


def decode(data: bytes, kind: type[_T]) -> _T:
    """Return the message of a kind that the bytes hold; raises `IntegrityError` where they hold none."""
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"a message about releases cannot be read: {error}") from error
