"""Which registers are read together: few requests, no value torn apart, and no bridge over what a device refuses.

Signals of one device and table that stand near each other are read by one request, and the registers between them
are read along, up to a bound. A device that refuses such a request (exceptions 2 and 3) has it cut in two: at its
widest gap, or in the middle where it has none. What was cut stays cut while the process runs. A value that takes
several registers is never cut, since its halves would be of two moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from lineside.adapters.modbus.frames import Ask
from lineside.domain.plan.registers import SINGLE_BITS, RegisterKind

COILS_PER_REGISTER = 16


@dataclass(frozen=True, slots=True)
class Point:
    """Where a signal's value stands; ``address`` counts from 0, ``width`` in registers or bits."""

    signal: str
    device: int
    kind: RegisterKind
    address: int
    width: int

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.width


@dataclass(frozen=True, slots=True)
class Read:
    """One request and the points that it serves, ascending by address."""

    ask: Ask
    points: tuple[Point, ...]

    @property
    def signals(self) -> str:
        """The signals it serves, for people."""
        names = [point.signal for point in self.points]
        return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def plan_reads(points: Sequence[Point], *, most: int, unwanted: int) -> tuple[Read, ...]:
    """Return the reads that serve all points.

    Args:
        points: where values stand, in any order.
        most: registers in one read at most; of coils and discrete inputs 16 times as many.
        unwanted: registers between two points that may be read along, likewise.
    """
    ordered = sorted(points, key=lambda point: (point.device, point.kind, point.address, point.end))
    reads: list[Read] = []
    for (_, kind), group in groupby(ordered, key=lambda point: (point.device, point.kind)):
        factor = COILS_PER_REGISTER if kind in SINGLE_BITS else 1
        reads += _joined(list(group), most * factor, unwanted * factor)
    return tuple(reads)


def cut(read: Read) -> tuple[Read, ...]:
    """Return the reads that take the place of one that a device refuses; none where it serves one place alone."""
    ends = _ends(read.points)
    gaps = [point.address - end for end, point in zip(ends, read.points[1:], strict=False)]
    places = [at for at, gap in enumerate(gaps) if gap >= 0]
    if not places:
        return ()
    middle = (len(read.points) - 2) / 2
    at = max(places, key=lambda place: (gaps[place], -abs(place - middle)))
    return _read(read.points[: at + 1]), _read(read.points[at + 1 :])


def _joined(points: list[Point], most: int, unwanted: int) -> list[Read]:
    reads: list[Read] = []
    first, end, start = points[0].address, points[0].end, 0
    for position, point in enumerate(points[1:], start=1):
        if point.address - end > unwanted or max(end, point.end) - first > most:
            reads.append(_read(points[start:position]))
            first, end, start = point.address, point.end, position
        end = max(end, point.end)
    return [*reads, _read(points[start:])]


def _read(points: Sequence[Point]) -> Read:
    first = points[0]
    count = max(point.end for point in points) - first.address
    return Read(Ask(first.device, first.kind, first.address, count), tuple(points))


def _ends(points: Sequence[Point]) -> list[int]:
    """Return for each point the greatest end up to it; a point may lie within another."""
    ends: list[int] = []
    for point in points:
        ends.append(max(ends[-1], point.end) if ends else point.end)
    return ends
