"""What every `lineside.ports.Outbox` keeps to. Subclass, and give the ``outbox`` fixture (a new, empty one)."""

from __future__ import annotations

import asyncio

from lineside.domain.quarantine import Quarantined
from lineside.ports import Outbox
from lineside.testing.records import a_readings_body
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind, unpack

A_LOT = 1 << 30


class OutboxConformance:
    """The suite; fixture: ``outbox``."""

    async def test_sequences_ascend_by_one_from_one(self, outbox: Outbox) -> None:
        """Whatever the number of bodies in one commit."""
        assert outbox.last == 0
        assert await outbox.commit([(RecordKind.EVENTS, b"a", 1)]) == (1,)
        assert await outbox.commit([(RecordKind.EVENTS, b"b", 1), (RecordKind.PARTS, b"c", 2)]) == (2, 3)
        assert outbox.last == 3

    async def test_an_empty_commit_is_nothing(self, outbox: Outbox) -> None:
        """It returns no sequence and takes none."""
        assert await outbox.commit([]) == ()
        assert outbox.last == 0

    async def test_what_was_committed_comes_back_under_its_identity(self, outbox: Outbox) -> None:
        """Kind, count and body, in packed bytes whose checksum fits."""
        await outbox.commit([(RecordKind.READINGS, a_readings_body(0, 5), 5)])
        (record,) = await outbox.unsent(0, A_LOT)
        assert record == unpack(record.data)
        assert record.body == a_readings_body(0, 5)
        header = record.header
        assert (header.kind, header.count, header.sequence, header.epoch) == (
            RecordKind.READINGS, 5, 1, outbox.epoch,
        )  # fmt: skip

    async def test_unsent_is_ordered_and_bounded_but_never_stuck(self, outbox: Outbox) -> None:
        """At least one record comes, however large; more only as far as the size allows."""
        await outbox.commit([(RecordKind.EVENTS, bytes(1000), 1) for _ in range(10)])
        assert [item.header.sequence for item in await outbox.unsent(0, 1)] == [1]
        assert [item.header.sequence for item in await outbox.unsent(4, 2500)] == [5, 6]
        assert [item.header.sequence for item in await outbox.unsent(7, A_LOT)] == [8, 9, 10]
        assert await outbox.unsent(10, A_LOT) == ()

    async def test_concurrent_commits_each_get_their_own_sequences(self, outbox: Outbox) -> None:
        """No sequence is given twice, none is left out, and each stands for its own body."""
        given = await asyncio.gather(*(outbox.commit([(RecordKind.EVENTS, b"%d" % n, 1)]) for n in range(50)))
        assert sorted(sequence for (sequence,) in given) == list(range(1, 51))
        bodies = {item.header.sequence: item.body for item in await outbox.unsent(0, A_LOT)}
        assert [bodies[sequence] for (sequence,) in given] == [b"%d" % n for n in range(50)]

    async def test_forgetting_never_restarts_the_sequence(self, outbox: Outbox) -> None:
        """An emptied outbox goes on where it was."""
        await outbox.commit([(RecordKind.EVENTS, b"a", 1)] * 3)
        await outbox.forget(3)
        assert await outbox.commit([(RecordKind.EVENTS, b"b", 1)]) == (4,)

    async def test_what_is_not_confirmed_is_never_forgotten(self, outbox: Outbox) -> None:
        """Only records up to the watermark may go."""
        await outbox.commit([(RecordKind.EVENTS, b"a", 1)] * 5)
        await outbox.forget(2)
        assert {3, 4, 5} <= {item.header.sequence for item in await outbox.unsent(0, A_LOT)}

    async def test_a_renewed_outbox_is_another_stream_that_begins_with_what_this_process_wrote(
        self, outbox: Outbox
    ) -> None:
        """As it must be when the file was restored from a copy."""
        before = outbox.epoch
        await outbox.commit([(RecordKind.EVENTS, b"a", 1), (RecordKind.EVENTS, b"b", 2)])
        await outbox.renew()
        assert outbox.epoch != before
        assert (outbox.last, outbox.begun) == (2, 0)
        found = await outbox.unsent(0, A_LOT)
        assert [(item.header.sequence, item.header.epoch, item.body) for item in found] == [
            (1, outbox.epoch, b"a"), (2, outbox.epoch, b"b"),
        ]  # fmt: skip
        assert await outbox.commit([(RecordKind.EVENTS, b"c", 1)]) == (3,)

    async def test_a_record_set_aside_leaves_a_quarantine_record_in_its_place(self, outbox: Outbox) -> None:
        """It has the same identity and says what was there, why it went and how many items it held."""
        await outbox.commit([(RecordKind.READINGS, a_readings_body(0, 7), 7)])
        await outbox.set_aside(1, "far too large")
        (record,) = await outbox.unsent(0, A_LOT)
        assert (record.header.sequence, record.header.kind) == (1, RecordKind.QUARANTINE)
        (note,) = decode_items(record.body, Quarantined)
        assert note.count == 7
        assert "far too large" in note.detail
