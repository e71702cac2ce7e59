"""What was measured of parts, on its way from the plant to the gateways whose models expected it.

Measured values come to the plant: from a laboratory, a measuring machine, a file. A gateway asks for those of its
line's variables, when it starts, when the plant is back, and now and then in between; nothing is pushed. Who asks says
how far it has heard, in the plant's own count. After a restart the plant counts anew and tells all that it still has:
to hear a value twice changes nothing (`lineside.domain.judging.late_values`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from lineside.domain.errors import IntegrityError, UnavailableError
from lineside.ports import Bus
from lineside.wire.subjects import Subjects
from lineside.wire.unreadable import UNREADABLE

QUEUE: Final = "measured"
ASK_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 1.0
MOST_TOLD: Final = 1_000
"""Values that are told at once."""


class Asked(msgspec.Struct, frozen=True):
    """Which characteristics are asked for, and how far was heard: which count of the plant's, up to which number."""

    characteristics: tuple[str, ...]
    count: str = ""
    heard: int = 0


class Measured(msgspec.Struct, frozen=True, array_like=True):
    """One value, in the unit of its characteristic."""

    characteristic: str
    unit: str
    value: float


class Told(msgspec.Struct, frozen=True):
    """The values behind what was heard, oldest first, and how far they reach; ``more`` says that there are more."""

    count: str
    last: int
    items: tuple[Measured, ...] = ()
    more: bool = False


Tell = Callable[[Asked], Told]
Take = Callable[[str, Sequence[tuple[str, float]]], None]
_T = TypeVar("_T")


async def serve_measurements(bus: Bus, subjects: Subjects, tell: Tell) -> None:
    """Answer the gateways of a line."""

    async def answer(data: bytes) -> bytes:
        return msgspec.msgpack.encode(tell(_decode(data, Asked)))

    await bus.serve(subjects.measured, answer, QUEUE)


async def fetch_measurements(bus: Bus, subjects: Subjects, asked: Asked, within: float = 2.0) -> Told:
    """Return what was measured since.

    Raises:
        UnavailableError: the plant does not answer.
        IntegrityError: what came is no answer.
    """
    return _decode(await bus.request(subjects.measured, msgspec.msgpack.encode(asked), within), Told)


async def keep_measurements(bus: Bus, subjects: Subjects, characteristics: Sequence[str], take: Take) -> None:
    """Ask until cancelled, and hand what was measured over by characteristic, in the order in which it came."""
    asked = Asked(tuple(characteristics))
    while True:
        pause = ASK_SECONDS
        try:
            told = await fetch_measurements(bus, subjects, asked)
            for name in characteristics:
                found = [(item.unit, item.value) for item in told.items if item.characteristic == name]
                if found:
                    take(name, found)
            asked = Asked(asked.characteristics, told.count, told.last)
            pause = 0.0 if told.more else ASK_SECONDS
        except (UnavailableError, IntegrityError):
            pause = RETRY_SECONDS
        await asyncio.sleep(pause)


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except UNREADABLE as error:
        raise IntegrityError(f"a message about measured values cannot be read: {error}") from error
