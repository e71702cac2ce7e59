import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest

from lineside.adapters.clocks import SystemClock
from lineside.domain.errors import StorageError
from lineside.flows.forward import Forwarder, Origin
from lineside.flows.ingest import Ingest, serve_ingest
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.fakes.landing import FakeLanding
from lineside.testing.fakes.outbox import FakeOutbox
from lineside.testing.records import CATALOGUE, a_readings_body, a_record
from lineside.wire.asks import Ask, encode_ask
from lineside.wire.codecs import encode_catalogue
from lineside.wire.records import Record, RecordHeader, RecordKind, pack
from lineside.wire.subjects import Subjects
from lineside.wire.watermarks import Refusal, Watermark, read_watermark, sign_watermark

KEY = b"k" * 32
SUBJECTS = Subjects("site", "line")
A_LOT = 1 << 30
READINGS = [(RecordKind.READINGS, a_readings_body(0, 3), 3)]


class Link:
    """An outbox and a landing table with a bus between them."""

    def __init__(self) -> None:
        self.outbox = FakeOutbox()
        self.bus = FakeBus(max_payload=100_000)
        self.landing = FakeLanding()
        self.followed: list[Record] = []
        self.clock = SystemClock()
        self.ingest = Ingest(
            landing=self.landing, key=KEY, site="site", lines={"line"}, clock=self.clock, follow=self._follow
        )
        self.forwarder = self.a_forwarder(self.outbox, "first")

    def a_forwarder(self, outbox: FakeOutbox, holder: str) -> Forwarder:
        return Forwarder(
            outbox=outbox,
            bus=self.bus,
            origin=Origin(writer="gw", holder=holder, subjects=SUBJECTS),
            key=KEY,
            within=0.2,
        )

    async def _follow(self, record: Record) -> None:
        self.followed.append(record)

    def landed(self) -> list[int]:
        return [item.record.header.sequence for item in self.landing.landed]

    @contextlib.asynccontextmanager
    async def forwarding(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.forwarder.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def drained(self) -> None:
        async with asyncio.timeout(10):
            await self.forwarder.drained()


@pytest.fixture
async def link() -> Link:
    link = Link()
    await serve_ingest(link.bus, link.ingest, "site", ["line"])
    return link


async def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for is plain state
            await asyncio.sleep(0.005)


async def test_everything_committed_lands_once_in_order(link: Link) -> None:
    await link.outbox.commit(READINGS * 50)
    async with link.forwarding():
        await link.outbox.commit(READINGS * 50)
        link.forwarder.wake()
        await link.drained()
    assert link.landed() == list(range(1, 101))
    assert link.forwarder.status.backlog == 0


async def test_an_outage_delays_and_loses_nothing(link: Link) -> None:
    link.bus.down = True
    async with link.forwarding():
        await link.outbox.commit(READINGS * 30)
        await until(lambda: link.forwarder.status.failures >= 2)
        assert not link.forwarder.status.reachable
        assert "no connection" in link.forwarder.status.problem
        link.bus.down = False
        await link.drained()
        await until(lambda: link.forwarder.status.problem == "")
    assert link.landed() == list(range(1, 31))


async def test_lost_replies_double_nothing(link: Link) -> None:
    link.bus.lose_replies = 4
    async with link.forwarding():
        await link.outbox.commit(READINGS * 40)
        await link.drained()
    assert link.landed() == list(range(1, 41))


async def test_a_plant_that_cannot_store_gives_no_answer_until_it_can(link: Link) -> None:
    link.landing.broken = True
    async with link.forwarding():
        await link.outbox.commit(READINGS * 3)
        await until(lambda: link.forwarder.status.failures >= 2)
        assert link.landed() == []
        link.landing.broken = False
        await link.drained()
    assert link.landed() == [1, 2, 3]


async def test_what_is_too_large_is_set_aside_and_does_not_hold_up_the_rest(link: Link) -> None:
    async with link.forwarding():
        await link.outbox.commit([*READINGS, (RecordKind.READINGS, a_readings_body(0, 100_000), 100_000), *READINGS])
        await link.drained()
    kinds = [item.record.header.kind for item in link.landing.landed]
    assert kinds == [RecordKind.READINGS, RecordKind.QUARANTINE, RecordKind.READINGS]
    assert link.forwarder.status.set_aside == 1
    assert "at most" in link.outbox.aside[2] or "too large" in link.outbox.aside[2]


async def test_what_the_plant_cannot_read_is_set_aside(link: Link) -> None:
    async with link.forwarding():
        await link.outbox.commit([(RecordKind.PARTS, b"no parts", 1), *READINGS])
        await link.drained()
    assert link.outbox.aside[1].startswith("unreadable")
    assert [item.record.header.kind for item in link.landing.landed] == [RecordKind.QUARANTINE, RecordKind.READINGS]
    assert link.ingest.counts.refused[Refusal.UNREADABLE] == 1


async def test_a_line_that_the_plant_does_not_know_waits_for_the_set_up_to_change(link: Link) -> None:
    lines: set[str] = set()
    link.ingest._lines = lines
    async with link.forwarding():
        await link.outbox.commit(READINGS)
        await until(lambda: link.forwarder.status.failures >= 2)
        assert "not_ours" in link.forwarder.status.problem
        lines.add("line")
        await link.drained()
    assert not link.outbox.aside
    assert link.landed() == [1]


async def test_an_answer_that_is_not_signed_with_the_key_confirms_nothing(link: Link) -> None:
    link.ingest._key = b"other"
    async with link.forwarding():
        await link.outbox.commit(READINGS)
        await until(lambda: link.forwarder.status.failures >= 2)
        assert link.forwarder.status.confirmed == 0
        assert "signature" in link.forwarder.status.problem
        link.ingest._key = KEY
        await link.drained()


async def test_what_is_confirmed_is_forgotten_and_nothing_else(link: Link) -> None:
    async with link.forwarding():
        await link.outbox.commit(READINGS * 5)
        await link.drained()
        await until(lambda: not link.outbox.records)
    assert link.outbox.last == 5


async def test_a_restarted_forwarder_goes_on_where_the_plant_is(link: Link) -> None:
    await link.outbox.commit(READINGS * 20)
    link.outbox.begun = link.outbox.last
    await link.landing.land(list(link.outbox.records.values())[:17])
    async with link.forwarding():
        await link.drained()
    assert link.landed() == list(range(1, 21))
    assert link.forwarder.status.requests == 3


async def test_an_outbox_restored_from_a_copy_goes_on_in_a_new_epoch_and_is_noticed(link: Link) -> None:
    await link.outbox.commit(READINGS * 3)
    await link.landing.land(list(link.outbox.records.values()))
    copy = FakeOutbox()
    await copy.commit(READINGS)
    copy.begun = copy.last
    await copy.commit(READINGS * 2)
    link.forwarder = link.a_forwarder(copy, "restored")
    async with link.forwarding():
        await until(lambda: link.forwarder.status.restored == 1)
        await link.drained()
    epochs = [item.record.header.epoch for item in link.landing.landed]
    assert epochs == ["fake"] * 3 + ["fake+"] * 2


async def test_of_two_live_holders_of_one_outbox_the_older_is_refused_and_both_are_seen(link: Link) -> None:
    twin = FakeOutbox()
    older, newer = link.a_forwarder(link.outbox, "older"), link.a_forwarder(twin, "newer")
    ask = Ask("gw", "fake", "site", "line", "older")
    running = [asyncio.create_task(older.run())]
    try:
        await until(lambda: older.status.failures == 0 and link.bus.requests >= 1)
        running.append(asyncio.create_task(newer.run()))
        await until(lambda: link.bus.requests >= 2)
        mark = read_watermark(await link.ingest.handle(encode_ask(ask)), KEY)
        assert mark.refusal is Refusal.HELD
        assert "stop one of the two" in mark.refused
        assert list(link.ingest.counts.second_holders) == ["gw"]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_a_holder_that_is_refused_keeps_its_records_and_says_why(link: Link) -> None:
    link.ingest._holders.speak("gw", "fake", "first", link.clock.now())
    link.ingest._holders.speak("gw", "fake", "newer", link.clock.now())
    async with link.forwarding():
        await link.outbox.commit(READINGS)
        await until(lambda: link.forwarder.status.held)
        assert "another live gateway" in link.forwarder.status.problem
        assert link.landed() == []


async def test_a_record_that_is_never_answered_is_set_aside_after_five_tries(link: Link) -> None:
    land = link.landing.land

    async def land_all_but_one(records: Sequence[Record]) -> Mapping[tuple[str, str], Watermark]:
        if any(record.header.sequence == 2 and record.header.kind is RecordKind.READINGS for record in records):
            raise StorageError("the plant stumbles over this one")
        return await land(records)

    link.landing.land = land_all_but_one  # type: ignore[method-assign]
    await link.outbox.commit(READINGS * 12)
    async with link.forwarding():
        async with asyncio.timeout(120):
            while not link.outbox.aside:
                await link.outbox.commit(READINGS)  # others are answered meanwhile
                await asyncio.sleep(0.05)
        await link.drained()
    assert "no answer in 5 tries" in link.outbox.aside[2]
    assert link.landed() == list(range(1, link.outbox.last + 1))


async def test_two_holders_of_one_identity_are_counted(link: Link) -> None:
    await link.landing.land([a_record(2, epoch="fake")])
    async with link.forwarding():
        await link.outbox.commit(READINGS * 2)
        await link.drained()
    assert link.forwarder.status.conflicts == 1
    assert 2 in link.outbox.aside


async def test_whoever_follows_the_line_sees_what_has_landed(link: Link) -> None:
    async with link.forwarding():
        await link.outbox.commit(READINGS * 2)
        await link.drained()
    assert sorted(record.header.sequence for record in link.followed) == [1, 2]
    assert link.ingest.counts.landed[RecordKind.READINGS] == 2


def numbered(sequence: Any) -> bytes:
    """Return a record of a sequence that may be none."""
    body = encode_catalogue(CATALOGUE)
    return pack(RecordHeader("gw", "e1", sequence, "site", "line", RecordKind.CATALOGUE, 1, 1), body)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", Refusal.DAMAGED),
        (a_record(1).data[:-1] + b"?", Refusal.DAMAGED),
        (a_record(1, site="elsewhere").data, Refusal.NOT_OURS),
        (a_record(1, line="l2").data, Refusal.NOT_OURS),
        (a_record(1, writer="stranger").data, Refusal.NOT_OURS),
        (a_record(1, b"?", kind=RecordKind.CATALOGUE).data, Refusal.UNREADABLE),
        (a_record(1, a_readings_body(0, 5)[:-8], kind=RecordKind.READINGS).data, Refusal.UNREADABLE),
        (a_record(1, b"\xff" * 40, kind=RecordKind.ALERTS).data, Refusal.UNREADABLE),
        (numbered(-1), Refusal.DAMAGED),
        (numbered(1.5), Refusal.DAMAGED),
        (numbered(2**63), Refusal.DAMAGED),
    ],
    ids=["empty", "cut", "site", "line", "writer", "catalogue", "readings", "alerts", "below", "half", "beyond"],
)
async def test_a_request_that_must_not_be_landed_is_answered_with_the_reason(data: bytes, refusal: Refusal) -> None:
    landing = FakeLanding()
    ingest = Ingest(landing=landing, key=KEY, site="site", lines={"line"}, clock=SystemClock(), writers={"gw"})
    watermark = read_watermark(await ingest.handle(data), KEY)
    assert watermark.refusal is refusal
    assert landing.landed == []
    assert ingest.counts.refused[refusal] == 1


def test_a_watermark_that_refuses_nothing_has_no_refusal() -> None:
    assert read_watermark(sign_watermark(Watermark("a", "b", 1), KEY), KEY).refusal is None
