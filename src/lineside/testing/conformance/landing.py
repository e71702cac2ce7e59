"""What every `lineside.ports.Landing` keeps to. Subclass, and give the ``landing`` fixture (a new, empty one)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lineside.ports import Landing
from lineside.testing.records import a_readings_body, a_record
from lineside.wire.records import Record, RecordKind
from lineside.wire.watermarks import Refusal

A_LOT = 1 << 30


async def _land(landing: Landing, *records: Record) -> int:
    marks = await landing.land(records)
    return marks[records[0].header.writer, records[0].header.epoch].sequence


async def _sequences(landing: Landing, after: int = 0) -> list[int]:
    return [item.record.header.sequence for item in await landing.after(after, A_LOT)]


class LandingConformance:
    """The suite; fixture: ``landing``."""

    async def test_the_watermark_is_the_prefix_without_a_gap(self, landing: Landing) -> None:
        """Later records do not move it; the missing one does, over all that waited."""
        assert await _land(landing, a_record(1)) == 1
        assert await _land(landing, a_record(3), a_record(4)) == 1
        assert await _land(landing, a_record(6)) == 1
        assert await _land(landing, a_record(2)) == 4

    async def test_a_stream_can_be_asked_for_without_landing_anything(self, landing: Landing) -> None:
        """Its watermark and gaps are those of the last landing; a stream that never landed is at 0."""
        assert (await landing.watermark("gw", "e1")).sequence == 0
        await landing.land([a_record(1), a_record(3)])
        mark = await landing.watermark("gw", "e1")
        assert (mark.sequence, mark.missing) == (1, (2,))

    async def test_gaps_are_named(self, landing: Landing) -> None:
        """What is absent below the newest record that came is listed."""
        marks = await landing.land([a_record(1), a_record(4), a_record(6)])
        assert marks["gw", "e1"].missing == (2, 3, 5)

    async def test_records_behind_a_gap_are_not_handed_on(self, landing: Landing) -> None:
        """They come once the gap is filled, and then in the writer's order."""
        await _land(landing, a_record(3), a_record(1))
        assert await _sequences(landing) == [1]
        await _land(landing, a_record(2))
        assert await _sequences(landing) == [1, 2, 3]

    async def test_a_record_that_comes_again_changes_nothing(self, landing: Landing) -> None:
        """In one call, in two, before and behind the watermark, and while it waits."""
        await _land(landing, a_record(1), a_record(1), a_record(3), a_record(3))
        assert await _land(landing, a_record(1), a_record(2), a_record(3), a_record(2)) == 3
        assert await _sequences(landing) == [1, 2, 3]

    async def test_identities_stay_known_when_the_rows_are_gone(self, landing: Landing) -> None:
        """A record that was forgotten does not come back when it is sent again."""
        await _land(landing, a_record(1), a_record(2))
        position = (await landing.after(0, A_LOT))[-1].position
        await landing.forget(position)
        assert await _land(landing, a_record(1), a_record(2)) == 2
        assert await _sequences(landing) == []
        assert await _land(landing, a_record(3)) == 3
        assert (await landing.after(0, A_LOT))[0].position > position

    async def test_writers_and_epochs_are_counted_apart(self, landing: Landing) -> None:
        """A new epoch begins at one again."""
        others = [a_record(1, writer="other"), a_record(1, epoch="e2"), a_record(2, epoch="e2")]
        marks = await landing.land([a_record(1), *others])
        assert {key: mark.sequence for key, mark in marks.items()} == {
            ("gw", "e1"): 1, ("other", "e1"): 1, ("gw", "e2"): 2,
        }  # fmt: skip

    async def test_positions_ascend_and_nothing_appears_behind_one_already_read(self, landing: Landing) -> None:
        """Whoever has read up to a position has read everything up to it, for ever."""
        seen: list[tuple[int, int]] = []
        position = 0
        for sequence in (5, 1, 3, 2, 8, 4, 6, 7):
            await _land(landing, a_record(sequence))
            for item in await landing.after(position, A_LOT):
                assert item.position > position
                position = item.position
                seen.append((position, item.record.header.sequence))
        assert [sequence for _, sequence in seen] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert [item.position for item in await landing.after(0, A_LOT)] == [at for at, _ in seen]

    async def test_reading_is_bounded_but_never_stuck(self, landing: Landing) -> None:
        """At least one record comes, however large."""
        await landing.land([a_record(n, bytes(1000), kind=RecordKind.EVENTS) for n in range(1, 6)])
        assert len(await landing.after(0, 1)) == 1
        assert len(await landing.after(0, 2500)) == 2

    async def test_another_record_under_the_same_identity_is_refused(self, landing: Landing) -> None:
        """The first holds: two writers share an identity, and that must be seen."""
        await landing.land([a_record(1), a_record(3)])
        for sequence in (1, 3):
            other = a_record(sequence, a_readings_body(0, 3), kind=RecordKind.READINGS)
            mark = (await landing.land([other]))["gw", "e1"]
            assert mark.refusal is Refusal.CONFLICT
        await landing.land([a_record(2)])
        kinds = [item.record.header.kind for item in await landing.after(0, A_LOT)]
        assert kinds == [RecordKind.CATALOGUE] * 3

    async def test_any_order_and_repetition_lands_everything_once(self, landing: Landing) -> None:
        """Concurrently, from two writers, each record twice."""
        records = [a_record(n, writer=writer) for n in range(1, 40) for writer in ("a", "b")] * 2
        records.sort(key=lambda record: (record.header.sequence * 7919) % 41)
        await asyncio.gather(*(landing.land([record]) for record in records))
        found: Sequence[Record] = [item.record for item in await landing.after(0, A_LOT)]
        for writer in ("a", "b"):
            mine = [record.header.sequence for record in found if record.header.writer == writer]
            assert mine == list(range(1, 40))
