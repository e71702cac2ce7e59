"""Births and goodbyes of gateways, after Sparkplug B: who has come, with all that it is, and who has gone, and how.

A gateway sends its birth when it starts, when the plant is reachable again, and when the plant asks (`BIRTHS_WANTED` on
the control subject). When it ends in order it sends a goodbye. Silence says the same without a goodbye: the plant then
shows the gateway as gone, with the last that it said.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE

_T = TypeVar("_T")

BIRTH: Final = "birth"
GOODBYE: Final = "goodbye"
"""Last tokens of the live subjects."""
BIRTHS_WANTED: Final = b"births wanted"
"""What a plant that has just started says on the control subject."""


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway with all its identities and versions; ``started`` and ``time`` are UTC ns.

    ``sources`` are pairs of id and kind, ``models`` of name and version; digests are those of the plan.
    """

    gateway: str
    time: int
    started: int
    site: str
    line: str
    version: str
    epoch: str
    plan_revision: int
    judging_digest: str
    response_digest: str
    sources: tuple[tuple[str, str], ...] = ()
    stations: tuple[str, ...] = ()
    models: tuple[tuple[str, str], ...] = ()
    machine: str = ""


class Goodbye(msgspec.Struct, frozen=True, kw_only=True):
    """The last words of a gateway that ends in order."""

    gateway: str
    time: int
    started: int
    words: str


def encode_life(said: Birth | Goodbye) -> bytes:
    """Return a birth or a goodbye as bytes."""
    return msgspec.msgpack.encode(said)


def decode_birth(data: bytes) -> Birth:
    """Return the birth that the bytes hold; raises `IntegrityError` where they hold none."""
    return _decode(data, Birth)


def decode_goodbye(data: bytes) -> Goodbye:
    """Return the goodbye that the bytes hold; raises `IntegrityError` where they hold none."""
    return _decode(data, Goodbye)


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except UNREADABLE as error:
        raise IntegrityError(f"what a gateway says of its life cannot be read: {error}") from error
