"""What every `lineside.ports.History` keeps to. Subclass, and give the ``history`` and ``rows`` fixtures."""

from __future__ import annotations

from collections.abc import Callable

from lineside.ports import History, LandedRecord
from lineside.testing.records import a_readings_body, a_record
from lineside.wire.records import RecordKind

Rows = Callable[[], list[tuple[int, int]]]
"""Returns (sequence, number of readings) of every record of readings that is held, by sequence."""


def readings(first: int, last: int) -> list[LandedRecord]:
    """Return landed records of three readings each at those positions; position 1 is their catalogue."""
    records = []
    for position in range(first, last + 1):
        record = a_record(position)
        if position > 1:
            record = a_record(position, a_readings_body(position, 3), kind=RecordKind.READINGS, count=3)
        records.append(LandedRecord(position=position, record=record))
    return records


class HistoryConformance:
    """The suite; fixtures: ``history`` (a new, empty one), ``rows``."""

    async def test_the_position_is_that_of_the_newest_record(self, history: History, rows: Rows) -> None:
        """From 0 on, whatever the kinds."""
        assert await history.position() == 0
        assert await history.append(readings(1, 1)) == 1
        assert await history.append(readings(2, 4)) == 4
        assert await history.position() == 4
        assert rows() == [(2, 3), (3, 3), (4, 3)]

    async def test_nothing_added_is_nothing_changed(self, history: History, rows: Rows) -> None:
        """An empty stretch keeps the position."""
        await history.append(readings(1, 2))
        assert await history.append([]) == 2
        assert rows() == [(2, 3)]

    async def test_adding_again_changes_nothing(self, history: History, rows: Rows) -> None:
        """The same stretch, a part of it, and one that reaches beyond."""
        await history.append(readings(1, 4))
        for again in (readings(1, 4), readings(2, 3), readings(3, 6)):
            await history.append(again)
        assert await history.position() == 6
        assert rows() == [(sequence, 3) for sequence in range(2, 7)]
