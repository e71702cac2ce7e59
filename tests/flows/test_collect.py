from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest

from lineside.domain.alerts import AlertEvent
from lineside.domain.errors import StorageError
from lineside.domain.health.sources import SourceCondition
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import Prediction
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import Catalogue, ReadingBatch, make_batch
from lineside.domain.receipts import Receipt
from lineside.domain.units import SECOND
from lineside.flows import collect
from lineside.flows.collect import Collector
from lineside.flows.judge import Judged, LineJudge
from lineside.ports import AuditEntry, Judgement, SourceDelivery
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.fakes.outbox import FakeOutbox
from lineside.testing.peers.ports import until
from lineside.testing.plans import CASTING
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind

CATALOGUE = Catalogue(("die_temp", "running"))
STEP = {"do": "adjust", "text": "Open the chiller valve"}


@pytest.fixture(autouse=True)
def _a_disk_is_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "RETRY_SECONDS", 0.0)


def a_plan(cycle: dict[str, Any] | None = None) -> Plan:
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "machine", "kind": "opcua"}],
            "stations": [{"id": "cast", "cycle": cycle or {"by": "trigger", "signal": "running"}, "lateness": "0 s"}],
            "signals": [
                {"id": "die_temp", "station": "cast", "source": "machine", "features": ["mean"]},
                {"id": "running", "station": "cast", "source": "machine", "role": "trigger"},
            ],
            "characteristics": [{"id": "porosity", "station": "cast"}],
            "reactions": [{"id": "any", "characteristic": "porosity", "text": "Porosity likely.", "steps": [STEP]}],
        }
    )


class ListedSource:
    """Delivers a list, then ends; remembers what was acknowledged, and how much was durable then."""

    catalogue = CATALOGUE
    condition = SourceCondition()

    def __init__(self, deliveries: list[SourceDelivery], outbox: FakeOutbox) -> None:
        self._deliveries = deliveries
        self._outbox = outbox
        self.acknowledged: list[tuple[object, int]] = []

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        for delivery in self._deliveries:
            yield delivery

    async def acknowledge(self, token: object) -> None:
        self.acknowledged.append((token, self._outbox.last))

    async def close(self) -> None: ...


def cycle(number: int, temperature: float, token: object = None) -> SourceDelivery:
    start = A_MOMENT + number * 10 * SECOND
    times = [start - 1, start, start + SECOND, start + 2 * SECOND]
    batch = make_batch(CATALOGUE, [1, 1, 0, 1], times, [0, 1, temperature, 0])
    return SourceDelivery(readings=batch, token=token)


class SlowOutbox(FakeOutbox):
    """Its disk takes nothing before ``ready`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()

    async def commit(self, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
        await self.ready.wait()
        return await super().commit(items)


class NotingJudge(FakeJudge):
    """Sets an event as soon as it judges a part."""

    def __init__(self, began: asyncio.Event) -> None:
        super().__init__("porosity", limit=200.0, width=1, cause="any")
        self.began = began

    def judge(self, part: PartRecord, now: int) -> Judgement:
        self.began.set()
        return super().judge(part, now)


class Bench:
    """A collector with everything around it in memory."""

    def __init__(self, plan: Plan | None = None, outbox: FakeOutbox | None = None, tick: float = 0.01) -> None:
        self.outbox = outbox or FakeOutbox()
        self.audit = FakeAudit()
        self.published: list[RecordKind] = []
        self.clock = ManualClock()
        self.judged = asyncio.Event()
        judge = NotingJudge(self.judged)
        line = LineJudge(plan or a_plan(), CATALOGUE, lambda _: judge, "g")
        self.collector = Collector(
            outbox=self.outbox, audit=self.audit, line=line, publish=self.publish, clock=self.clock, tick=tick
        )

    async def publish(self, kind: RecordKind, body: bytes) -> None:
        assert body
        self.published.append(kind)

    async def run(self, *deliveries: SourceDelivery) -> ListedSource:
        source = ListedSource(list(deliveries), self.outbox)
        await self.collector.run({"machine": source})
        return source

    def items(self, kind: RecordKind, of: type[Any]) -> list[Any]:
        found = [record for record in self.outbox.records.values() if record.header.kind is kind]
        return [item for record in found for item in decode_items(record.body, of)]


async def test_a_source_is_acknowledged_only_once_its_readings_are_durable() -> None:
    bench = Bench()
    source = await bench.run(cycle(0, 190, "first"), cycle(1, 190, "second"))
    assert [token for token, _ in source.acknowledged] == ["first", "second"]
    assert all(last > 0 for _, last in source.acknowledged)
    kinds = [record.header.kind for record in bench.outbox.records.values()]
    assert kinds[0] is RecordKind.READINGS


async def test_parts_are_judged_while_the_disk_is_waited_for_and_nothing_of_them_leaves_before_it_has_taken_all() -> (
    None
):
    outbox = SlowOutbox()
    bench = Bench(outbox=outbox)
    running = asyncio.create_task(bench.run(cycle(0, 260, "t")))
    await asyncio.wait_for(bench.judged.wait(), 20)
    assert (outbox.last, bench.audit.kept, bench.published) == (0, [], [])
    outbox.ready.set()
    source = await running
    assert [token for token, _ in source.acknowledged] == ["t"]
    assert bench.published == [RecordKind.PARTS, RecordKind.PREDICTIONS, RecordKind.ALERTS]


class PacedSource(ListedSource):
    """Delivers the next when what came before was taken in, and never ends."""

    def __init__(self, deliveries: list[SourceDelivery], bench: Bench) -> None:
        super().__init__(deliveries, bench.outbox)
        self._bench = bench

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        readings = 0
        for delivery in self._deliveries:
            yield delivery
            assert delivery.readings is not None
            readings += len(delivery.readings)
            await until(partial(self._took, readings))
        await asyncio.Event().wait()

    def _took(self, readings: int) -> bool:
        return self._bench.collector.counts.readings == readings


class CountingOutbox(FakeOutbox):
    """Notes the kinds of what each commit holds."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[list[RecordKind]] = []

    async def commit(self, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
        self.commits.append([kind for kind, _, _ in items])
        return await super().commit(items)


def open_cycle(number: int, token: object = None) -> SourceDelivery:
    """Return a reading within a cycle that does not close."""
    start = A_MOMENT + number * SECOND
    return SourceDelivery(readings=make_batch(CATALOGUE, [0], [start], [190]), token=token)


@asynccontextmanager
async def collecting(bench: Bench, *deliveries: SourceDelivery) -> AsyncIterator[PacedSource]:
    source = PacedSource(list(deliveries), bench)
    running = asyncio.create_task(bench.collector.run({"machine": source}))
    yield source
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_nobody_waits_for_is_one_transaction_with_all_that_came_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect, "GATHER_SECONDS", 1000.0)
    bench = Bench(outbox=(outbox := CountingOutbox()), tick=1000.0)
    async with collecting(bench, open_cycle(-3), open_cycle(-2), cycle(0, 260)):
        await until(lambda: len(bench.published) == 3)
        assert outbox.commits == [[RecordKind.READINGS, RecordKind.PARTS, RecordKind.PREDICTIONS, RecordKind.ALERTS]]
        assert next(record.header.count for record in outbox.records.values()) == 6


async def test_readings_that_seem_to_end_no_cycle_are_taken_soon_though_nothing_comes_after_them() -> None:
    bench = Bench(tick=1000.0)
    begun = SourceDelivery(readings=make_batch(CATALOGUE, [1, 1], [A_MOMENT - 1, A_MOMENT], [0, 1]))
    longer_than_a_cycle_may_last = open_cycle(700)
    async with collecting(bench, begun, longer_than_a_cycle_may_last):
        await until(lambda: RecordKind.PARTS in bench.published)
    [part] = bench.items(RecordKind.PARTS, PartRecord)
    assert part.incomplete


async def test_what_nobody_waits_for_is_recorded_soon_though_nothing_comes_after_it() -> None:
    bench = Bench(outbox=(outbox := CountingOutbox()), tick=1000.0)
    async with collecting(bench, open_cycle(0)):
        await until(lambda: outbox.commits == [[RecordKind.READINGS]])


async def test_what_a_source_waits_for_is_recorded_at_once_with_all_that_was_gathered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect, "GATHER_SECONDS", 1000.0)
    bench = Bench(outbox=(outbox := CountingOutbox()), tick=1000.0)
    async with collecting(bench, open_cycle(-3), open_cycle(-2, "t")) as source:
        await until(lambda: bool(source.acknowledged))
        assert outbox.commits == [[RecordKind.READINGS]]
        assert source.acknowledged == [("t", 1)]


async def test_what_was_gathered_is_recorded_when_the_gateway_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "GATHER_SECONDS", 1000.0)
    bench = Bench(outbox=(outbox := CountingOutbox()), tick=1000.0)
    async with collecting(bench, open_cycle(0)):
        await until(lambda: bench.collector.counts.readings == 1)
        assert outbox.commits == []
    assert outbox.commits == [[RecordKind.READINGS]]


async def test_sources_are_let_go_even_where_the_last_record_fails_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "GATHER_SECONDS", 1000.0)

    class BrokenOutbox(FakeOutbox):
        async def commit(self, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
            raise RuntimeError(f"{len(items)} items, and not a matter of the disk")

    bench = Bench(outbox=BrokenOutbox(), tick=1000.0)
    running = asyncio.create_task(bench.collector.run({"machine": PacedSource([open_cycle(0)], bench)}))
    await until(lambda: bench.collector.counts.readings == 1)
    running.cancel()
    await asyncio.wait([running])
    assert isinstance(running.exception(), RuntimeError)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_alarm_is_recorded_then_published_and_audited() -> None:
    bench = Bench()
    await bench.run(cycle(0, 260))
    [event] = bench.items(RecordKind.ALERTS, AlertEvent)
    assert event.kind == "raised"
    assert [entry.action for entry in bench.audit.kept] == ["alert.raised"]
    assert bench.published == [RecordKind.PARTS, RecordKind.PREDICTIONS, RecordKind.ALERTS]


async def test_what_was_published_leaves_before_the_next_readings_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, order = Bench(), list[str]()

    async def publish(kind: RecordKind, _: bytes) -> None:
        asyncio.get_running_loop().call_soon(order.append, str(kind))  # as a client that sends beside all else

    push_ending = bench.collector._line.push_ending

    def pushed(batch: ReadingBatch, now: int) -> Judged:
        order.append("judged")
        return push_ending(batch, now)

    monkeypatch.setattr(collect, "GROUPED_READINGS", 1)
    monkeypatch.setattr(bench.collector, "_publish", publish)
    monkeypatch.setattr(bench.collector._line, "push_ending", pushed)
    await bench.run(cycle(0, 260), cycle(1, 260))
    sent = [str(kind) for kind in (RecordKind.PARTS, RecordKind.PREDICTIONS, RecordKind.ALERTS)]
    assert order == ["judged", *sent, "judged", *sent]


async def test_finished_part_rows_are_recorded_once_and_judged() -> None:
    bench = Bench(a_plan({"by": "rows"}))
    row = PartRecord(
        cycle_id="cast-1", unit="U1", station="cast", started=A_MOMENT, ended=A_MOMENT, received=A_MOMENT,
        recipe="", features=np.array([260.0]),
    )  # fmt: skip
    await bench.run(SourceDelivery(rows=(row,)))
    assert len(bench.items(RecordKind.PARTS, PartRecord)) == 1
    assert len(bench.items(RecordKind.PREDICTIONS, Prediction)) == 1


async def test_refused_input_is_recorded_with_its_reason() -> None:
    bench = Bench()
    refused = Quarantined(source="machine", reason="not_a_number", detail="NaN", raw=b"NaN", received=1)
    await bench.run(SourceDelivery(quarantined=(refused,), token="t"))
    assert bench.items(RecordKind.QUARANTINE, Quarantined) == [refused]
    assert bench.collector.counts.quarantined == 1


async def test_much_refused_input_is_cut_into_records_that_travel_as_one_message_each() -> None:
    bench = Bench()
    refused = tuple(
        Quarantined(source="machine", reason="not_a_number", detail=str(number), raw=b"x" * 4096, received=1)
        for number in range(1_000)
    )
    await bench.run(SourceDelivery(quarantined=refused))
    records = [item for item in bench.outbox.records.values() if item.header.kind is RecordKind.QUARANTINE]
    assert all(len(record.data) < collect.RECORD_BYTES + 1_000 for record in records)
    assert bench.items(RecordKind.QUARANTINE, Quarantined) == list(refused)


async def test_while_the_disk_fails_nothing_is_acknowledged_and_judgement_goes_on_unrecorded() -> None:
    bench = Bench()
    bench.outbox.broken = True
    source = await bench.run(cycle(0, 260, "t"))
    assert source.acknowledged == []
    assert bench.collector.counts.unrecorded
    assert RecordKind.ALERTS in bench.published
    assert [entry.action for entry in bench.audit.kept] == []


async def test_when_the_disk_is_back_everything_held_is_recorded_acknowledged_and_audited() -> None:
    bench = Bench()
    bench.outbox.broken = True
    await bench.run(cycle(0, 260, "t"))
    bench.outbox.broken = False
    source = await bench.run(cycle(1, 190, "u"))
    assert [token for token, _ in source.acknowledged] == ["u"]
    predictions = bench.items(RecordKind.PREDICTIONS, Prediction)
    assert [item.unrecorded for item in predictions] == [True, False]
    assert [entry.action for entry in bench.audit.kept] == ["alert.raised"]
    assert not bench.collector.counts.unrecorded


async def test_an_alert_waits_for_an_audit_record_that_cannot_be_written() -> None:
    bench = Bench()
    bench.audit.broken = True
    await bench.run(cycle(0, 260))
    bench.audit.broken = False
    await bench.run(cycle(1, 190))
    assert [entry.action for entry in bench.audit.kept] == ["alert.raised"]
    assert len(bench.items(RecordKind.ALERTS, AlertEvent)) == 1


async def test_what_must_be_let_go_leaves_a_counted_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "HELD_BYTES", 100)
    bench = Bench()
    bench.outbox.broken = True
    await bench.run(cycle(0, 190))
    await bench.run(cycle(1, 190))
    bench.outbox.broken = False
    await bench.run(cycle(2, 190))
    [receipt] = bench.items(RecordKind.RECEIPTS, Receipt)
    assert receipt.count == bench.collector.counts.dropped == 4
    assert receipt.signals == ("die_temp", "running")


async def test_a_source_whose_readings_were_let_go_is_acknowledged_with_their_receipt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect, "HELD_BYTES", 100)
    bench = Bench()
    bench.outbox.broken = True
    refused = Quarantined(source="machine", reason="not_a_number", detail="NaN", raw=b"NaN", received=1)
    first = cycle(0, 190, "first")
    await bench.run(SourceDelivery(readings=first.readings, quarantined=(refused,), token="first"))
    source = await bench.run(cycle(1, 190, "second"), cycle(2, 190, "third"))
    assert source.acknowledged == []
    bench.outbox.broken = False
    await bench.run(cycle(3, 190))
    assert [token for token, _ in source.acknowledged] == ["second", "third"]
    [receipt] = bench.items(RecordKind.RECEIPTS, Receipt)
    kept = sum(r.header.count for r in bench.outbox.records.values() if r.header.kind is RecordKind.READINGS)
    assert kept + receipt.count == 16
    assert bench.items(RecordKind.QUARANTINE, Quarantined) == [refused]


async def test_judgement_does_not_wait_for_acknowledgements() -> None:
    bench = Bench()
    judged_before: list[bool] = []

    class SlowSource(ListedSource):
        async def acknowledge(self, token: object) -> None:
            async with asyncio.timeout(5):
                while not bench.published:  # noqa: ASYNC110 - what is waited for is plain state
                    await asyncio.sleep(0.001)
            judged_before.append(True)
            await super().acknowledge(token)

    source = SlowSource([cycle(0, 260, "t")], bench.outbox)
    await bench.collector.run({"machine": source})
    assert judged_before == [True]
    assert [token for token, _ in source.acknowledged] == ["t"]


async def test_an_acknowledgement_that_a_disk_refuses_is_tried_again_in_order() -> None:
    bench = Bench()

    class ForgetfulSource(ListedSource):
        failures = 2

        async def acknowledge(self, token: object) -> None:
            if self.failures:
                self.failures -= 1
                raise StorageError("the position cannot be written")
            await super().acknowledge(token)

    source = ForgetfulSource([cycle(0, 190, "first"), cycle(1, 190, "second")], bench.outbox)
    await bench.collector.run({"machine": source})
    assert [token for token, _ in source.acknowledged] == ["first", "second"]


async def test_a_disk_that_failed_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "RETRY_SECONDS", 60.0)
    bench = Bench()
    bench.outbox.broken = True
    await bench.run(cycle(0, 190, "first"))
    bench.outbox.broken = False
    await bench.run(cycle(1, 190, "second"))
    assert bench.outbox.last == 0
    assert bench.collector.counts.unrecorded


async def test_a_large_delivery_travels_as_records_of_bounded_size() -> None:
    bench = Bench()
    size = 3 * collect.RECORD_READINGS
    times = A_MOMENT + np.arange(size, dtype=np.int64)
    batch = make_batch(CATALOGUE, np.zeros(size, dtype=np.int32), times, np.ones(size))
    await bench.run(SourceDelivery(readings=batch))
    counts = [r.header.count for r in bench.outbox.records.values() if r.header.kind is RecordKind.READINGS]
    assert counts == [collect.RECORD_READINGS] * 3


async def test_a_cycle_that_a_crash_cut_is_taken_up_where_it_was() -> None:
    first, second = cycle(0, 190), cycle(1, 260)
    assert first.readings is not None
    assert second.readings is not None
    judge = FakeJudge("porosity", limit=200.0, width=1, cause="any")
    line = LineJudge(a_plan(), CATALOGUE, lambda _: judge, "g")
    known = {f"cast-{first.readings.source_time[1]}"}
    missed = line.resume([first.readings, second.readings.take(slice(0, 3))], known, A_MOMENT)
    assert missed.parts == ()
    judged = line.push(second.readings.take(slice(3, 4)), A_MOMENT)
    assert [part.features[0] for part in judged.parts] == [260.0]


def an_audit_that_waits(bench: Bench) -> asyncio.Event:
    """Let the audit record take nothing before the event that is returned is set."""
    written = asyncio.Event()
    append = bench.audit.append

    async def slowly(action: str, content: Mapping[str, object]) -> AuditEntry:
        await written.wait()
        return await append(action, content)

    bench.audit.append = slowly  # type: ignore[method-assign]
    return written


async def test_an_alert_does_not_wait_for_its_audit_record_and_none_is_left_out_of_it() -> None:
    bench = Bench()
    written = an_audit_that_waits(bench)
    deliveries = [cycle(0, 260), cycle(1, 190), cycle(2, 260), cycle(3, 190), cycle(4, 260)]
    running = asyncio.create_task(bench.run(*deliveries))
    await until(lambda: bench.collector.counts.parts == 5)
    await until(lambda: RecordKind.ALERTS in bench.published)
    assert bench.audit.kept == []
    written.set()
    await running
    recorded = [event.id for event in bench.items(RecordKind.ALERTS, AlertEvent)]
    assert recorded
    assert [json.loads(entry.content)["event"] for entry in bench.audit.kept] == recorded


async def test_an_audit_record_that_cannot_be_written_is_noticed_and_tried_again() -> None:
    bench = Bench()
    bench.audit.broken = True
    running = asyncio.create_task(bench.collector.run({"machine": PacedSource([cycle(0, 260)], bench)}))
    await until(lambda: bench.collector.counts.unrecorded)
    assert RecordKind.ALERTS in bench.published
    bench.audit.broken = False
    await until(lambda: not bench.collector.counts.unrecorded)
    assert [entry.action for entry in bench.audit.kept] == ["alert.raised"]
    running.cancel()
    await asyncio.wait([running])


async def test_a_disk_that_fails_while_an_alert_is_audited_makes_no_second_entry_of_it() -> None:
    bench = Bench()
    written = an_audit_that_waits(bench)
    source = PacedSource([cycle(0, 260), cycle(1, 190)], bench)
    running = asyncio.create_task(bench.collector.run({"machine": source}))
    await until(lambda: RecordKind.ALERTS in bench.published)
    bench.outbox.broken = True
    await until(lambda: bench.collector.counts.unrecorded)
    bench.outbox.broken = False
    await until(lambda: not bench.collector._held)
    written.set()
    await until(lambda: not bench.collector.counts.unrecorded)
    assert [entry.action for entry in bench.audit.kept] == ["alert.raised"]
    running.cancel()
    await asyncio.wait([running])
    assert len(bench.audit.kept) == 1


async def test_what_is_stopped_while_it_audits_has_audited_all_that_it_recorded() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.collector.run({"machine": PacedSource([cycle(0, 260)], bench)}))
    await until(lambda: RecordKind.ALERTS in bench.published)
    running.cancel()
    await asyncio.wait([running])
    assert len(bench.audit.kept) == len(bench.items(RecordKind.ALERTS, AlertEvent)) == 1


async def test_alerts_that_a_crash_kept_from_the_audit_are_audited_at_the_next_start() -> None:
    bench = Bench()
    await bench.run(cycle(0, 260), cycle(1, 190))
    recorded = bench.items(RecordKind.ALERTS, AlertEvent)
    again = Bench()
    await again.collector.audit_missed(recorded, bench.audit.kept)
    assert not again.audit.kept
    await again.collector.audit_missed(recorded, bench.audit.kept[:-1])
    assert [entry.content for entry in again.audit.kept] == [bench.audit.kept[-1].content]
