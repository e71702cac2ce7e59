"""The gateway's main flow: from what sources deliver to records, judgements and alerts.

For each group of deliveries, in this order:

1. commit readings, finished part rows and refused input to the outbox, in one transaction; while the disk is waited
   for, assemble, judge and alert;
2. acknowledge the sources;
3. commit closed parts, predictions and alert events to the outbox;
4. publish them for the live board, and add the alert events to the audit record beside what follows.

Deliveries that no source waits to have acknowledged are gathered for up to 10 ms, while they are few (`GATHERED`), and
of them only that is judged at once which may end a cycle. As soon as a part closes, all that was gathered and what came
of it are one transaction. A message in each of 2 ms costs a fifth of the commits and records so, here and at the plant,
and an alert waits for the disk once, and for no station whose cycle goes on.

Nothing that comes of readings leaves this process before it is durable. What a crash leaves out the next start does:
it judges again what was not recorded, and audits what was recorded and not audited, once.
Where the outbox cannot be made durable, sources are not acknowledged and what they delivered is held in memory, up to
a bound; judgement goes on and marks its predictions ``unrecorded``; what has to be let go leaves a counted receipt.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lineside.domain.alerts import AlertEvent
from lineside.domain.errors import StorageError
from lineside.domain.readings import ReadingBatch, concatenate
from lineside.domain.receipts import Receipt
from lineside.flows.judge import Judged, LineJudge
from lineside.ports import AuditEntry, AuditLog, Clock, Outbox, Source, SourceDelivery
from lineside.wire.codecs import encode_items, encode_readings
from lineside.wire.records import RecordKind

Item = tuple[RecordKind, bytes, int]
Publish = Callable[[RecordKind, bytes], Awaitable[None]]

QUEUED_DELIVERIES: Final = 256
"""Deliveries that may wait; a source that delivers more waits itself."""
GROUPED_READINGS: Final = 65_536
"""Readings that are committed in one transaction, about."""
RECORD_READINGS: Final = 8_000
"""Readings in one record at most: 256 KB, which travel as one message."""
GATHERED: Final = 4 * RECORD_READINGS
"""Readings that are gathered at most: to judge them takes less time than a second transaction would."""
RECORD_BYTES: Final = 256 << 10
"""Bytes of items (parts, refusals, events) in one record at most, for the same reason; one item may be larger."""
LAST_SECONDS: Final = 5.0
"""Seconds that the last acknowledgements are waited for when every source has ended."""
GATHER_SECONDS: Final = 0.01
"""For how long deliveries are gathered, and stations put off, that nobody waits for."""
RETRY_SECONDS: Final = 0.5
"""Seconds between two tries of a disk that has failed."""
HELD_BYTES: Final = 64 << 20
"""Bytes held in memory while the outbox cannot be written."""


@dataclass(slots=True)
class CollectCounts:
    """What the flow has done since it started."""

    readings: int = 0
    rows: int = 0
    parts: int = 0
    alerts: int = 0
    quarantined: int = 0
    duplicates: int = 0
    dropped: int = 0
    unrecorded: bool = False
    delivered: dict[str, int] = field(default_factory=dict)
    """Deliveries by source."""
    heard: dict[str, int] = field(default_factory=dict)
    """Time of the newest delivery by source, UTC ns."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Something accepted from sources that is not yet durable."""

    items: tuple[Item, ...]
    tokens: tuple[tuple[Source, object], ...]
    readings: ReadingBatch | None
    size: int


async def _at_once(_: str) -> None:
    return


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """Who else is told or asked. ``hear`` is told every delivery with its source.

    ``follow`` is told what came of readings, once it is recorded if it can be. ``admit`` returns when a source may
    begin.
    ``trim`` leaves out of what is recorded what must go under load.
    """

    hear: Callable[[str, SourceDelivery], None] = lambda _, __: None
    follow: Callable[[Judged], None] = lambda _: None
    admit: Callable[[str], Awaitable[None]] = _at_once
    trim: Callable[[Judged], Judged] = lambda judged: judged


class Collector:
    """Runs the flow for the sources of one gateway.

    Args:
        outbox: the gateway's own record.
        audit: the gateway's audit chain.
        line: assembles, judges and alerts.
        publish: sends a body of a kind to the live board; losing it is harmless.
        clock: the time.
        tick: seconds between looks at the clock while nothing arrives.
        hooks: who else is told or asked.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        audit: AuditLog,
        line: LineJudge,
        publish: Publish,
        clock: Clock,
        tick: float = 0.2,
        hooks: Hooks = Hooks(),
    ) -> None:
        self._outbox = outbox
        self._audit = audit
        self._line = line
        self._publish = publish
        self._clock = clock
        self._tick = tick
        self._queue: asyncio.Queue[tuple[str, Source, SourceDelivery]] = asyncio.Queue(QUEUED_DELIVERIES)
        self._gathered: list[tuple[Source, SourceDelivery]] = []
        self._gathered_until = 0.0
        self._held: deque[_Held] = deque()
        self._durable: deque[tuple[Source, object]] = deque()
        self._acknowledging: asyncio.Task[None] | None = None
        self._results: list[Item] = []
        self._events: list[AlertEvent] = []
        self._unaudited: deque[AlertEvent] = deque()
        self._auditing: asyncio.Task[None] | None = None
        self._advance_at = 0.0
        self._receipt: Receipt | None = None
        self._retry_at = 0.0
        self._hooks = hooks
        self.counts = CollectCounts()

    async def run(self, sources: Mapping[str, Source]) -> None:
        """Run until every source has ended; a source that fails for good ends the flow with its error."""
        readers = [asyncio.create_task(self._read(name, source), name=name) for name, source in sources.items()]
        try:
            while any(not reader.done() for reader in readers) or not self._queue.empty():
                await self._take(await self._group())
                for reader in readers:
                    if reader.done():
                        reader.result()
            await self._deal_with(self._line.flush(self._clock.now()))
            if self._acknowledging is not None:
                await asyncio.wait([self._acknowledging], timeout=LAST_SECONDS)
        finally:
            try:
                if self._gathered:
                    await self._record()
                await self._audit_rest()
            finally:
                await self._end(readers)

    async def _end(self, readers: Sequence[asyncio.Task[None]]) -> None:
        beside = (self._acknowledging, self._auditing)
        ending = [*readers, *(task for task in beside if task is not None)]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def resume(self, missed: Judged) -> None:
        """Record what a crash kept from being recorded."""
        await self._deal_with(missed)

    async def audit_missed(self, recorded: Sequence[AlertEvent], known: Sequence[AuditEntry]) -> None:
        """Audit alert events that an earlier run recorded and was ended before it could audit them.

        ``known`` are the newest entries of the audit record, as many as the recorded events may be among.
        """
        audited = {json.loads(entry.content).get("event", "") for entry in known}
        self._unaudited += [event for event in recorded if event.id not in audited]
        await self._audit_rest()

    async def _read(self, name: str, source: Source) -> None:
        await self._hooks.admit(name)
        async for delivery in source.deliveries():
            self.counts.delivered[name] = self.counts.delivered.get(name, 0) + 1
            self.counts.heard[name] = self._clock.now()
            self._hooks.hear(name, delivery)
            await self._queue.put((name, source, delivery))

    async def _group(self) -> list[tuple[Source, SourceDelivery]]:
        """Wait for a delivery, a tick at the most, and return all that wait, up to a size."""
        group: list[tuple[Source, SourceDelivery]] = []
        try:
            async with asyncio.timeout(self._patience()):
                _, source, delivery = await self._queue.get()
        except TimeoutError:
            return group
        group.append((source, delivery))
        size = _readings_in(delivery)
        while not self._queue.empty() and size < GROUPED_READINGS:
            _, source, delivery = self._queue.get_nowait()
            group.append((source, delivery))
            size += _readings_in(delivery)
        return group

    async def _take(self, group: Sequence[tuple[Source, SourceDelivery]]) -> None:
        if not group:
            await self._record()
            self._audit_beside()
            await self._deal_with(self._advanced(self._clock.now()))
            return
        self._count(group)
        self._gather(group)
        await self._deal_with(await self._gathered_and_judged(group))
        heard = _newest_receipt(group)
        if heard is not None and asyncio.get_running_loop().time() >= self._advance_at:
            await self._deal_with(self._advanced(heard))

    async def _gathered_and_judged(self, group: Sequence[tuple[Source, SourceDelivery]]) -> Judged:
        """Judge a group: what may end a cycle, before all is recorded, where the rest may wait, else all meanwhile."""
        if self._may_wait():
            try:
                return self._judged(group, put_off=True)
            except Exception:
                await self._record()  # what cannot be judged is kept all the same
                raise
        recording = asyncio.create_task(self._record(), name="record")
        await asyncio.sleep(0)  # the task begins; what follows is reckoned while the disk is waited for
        try:
            judged = self._judged(group)
        finally:
            recorded = await recording
        return judged if recorded else _unrecorded(judged)

    def _gather(self, group: Sequence[tuple[Source, SourceDelivery]]) -> None:
        if not self._gathered and not self._line.puts_off:
            self._gathered_until = asyncio.get_running_loop().time() + GATHER_SECONDS
        self._gathered += group

    def _patience(self) -> float:
        """Return for how long the next delivery is waited for, in seconds."""
        if not self._gathered and not self._line.puts_off:
            return self._tick
        return min(self._tick, self._gathered_until - asyncio.get_running_loop().time())

    def _may_wait(self) -> bool:
        """Whether nobody waits for what was gathered to be durable, and it is little and young."""
        return (
            not self.counts.unrecorded
            and all(delivery.token is None for _, delivery in self._gathered)
            and sum(_items_in(delivery) for _, delivery in self._gathered) < GATHERED
            and asyncio.get_running_loop().time() < self._gathered_until
        )

    def _judged(self, group: Sequence[tuple[Source, SourceDelivery]], *, put_off: bool = False) -> Judged:
        """Return what comes of a group, with ``put_off`` only of live readings that may end a cycle.

        Part rows are recorded as they were delivered, and not again.
        """
        now = self._clock.now()
        found: list[Judged] = []
        for replayed in (False, True):
            chosen = [delivery for _, delivery in group if delivery.replayed is replayed]
            batches = [item.readings for item in chosen if item.readings is not None and len(item.readings)]
            if batches and put_off and not replayed:
                found.append(self._line.push_ending(concatenate(batches), now))
            elif batches:
                found.append(self._line.push(concatenate(batches), now, replayed=replayed))
            rows = [row for item in chosen for row in item.rows]
            if rows:
                found.append(replace(self._line.judge(rows, now, replayed=replayed), parts=()))
        return _together(found)

    def _advanced(self, time: int) -> Judged:
        """Let time pass up to ``time`` for all stations, put off or not, and begin a tick."""
        self._advance_at = asyncio.get_running_loop().time() + self._tick
        return self._line.advance(time)

    async def _deal_with(self, judged: Judged) -> None:
        """Record what came of readings, then publish it, and audit its alerts beside what follows (steps 3 and 4)."""
        judged = self._hooks.trim(judged)
        bodies = _bodies(judged)
        if not bodies:
            return
        self.counts.parts += len(judged.parts)
        self._results += bodies
        self._events += judged.events
        if not await self._record() and self._held:  # the disk took nothing, the readings of these least of all
            judged = _unrecorded(judged)
            self._results[-len(bodies) :] = bodies = _bodies(judged)
        self._hooks.follow(judged)
        for kind, body, _ in bodies:
            if kind is not RecordKind.LATE:
                await self._publish(kind, body)
        await asyncio.sleep(0)  # it leaves before the next group is judged
        self._audit_beside()

    async def _record(self) -> bool:
        """Commit all that is held and have its sources acknowledged; say whether that succeeded.

        It has not where what was committed before could not be audited.
        """
        if self._gathered:
            self._held.append(_held(self._gathered))
            self._gathered = []
        now = asyncio.get_running_loop().time()
        if now < self._retry_at:
            self._let_go()
            return False
        try:
            await self._commit()
            await self._audit_settled()
        except StorageError:
            self.counts.unrecorded = True
            self._retry_at = now + RETRY_SECONDS
            self._let_go()
            return False
        self.counts.unrecorded = False
        return True

    async def _commit(self) -> None:
        held, results, events = tuple(self._held), tuple(self._results), tuple(self._events)
        items = [item for entry in held for item in entry.items] + list(results)
        if self._receipt is not None:
            items += _records_of(RecordKind.RECEIPTS, [self._receipt])
        if items:
            await self._outbox.commit(items)
        self._receipt = None
        del self._results[: len(results)]
        del self._events[: len(events)]
        self._unaudited += events
        for entry in held:
            self._held.popleft()
            self._durable += entry.tokens
        self._acknowledge()

    def _acknowledge(self) -> None:
        """See to it that the sources of what is durable are acknowledged, beside all else.

        Raises what a source failed with before, but for a disk, which is tried again.
        """
        task = self._acknowledging
        if task is not None and task.done():
            task.result()
        if self._durable and (task is None or task.done()):
            self._acknowledging = asyncio.create_task(self._acknowledge_durable(), name="acknowledge")

    async def _acknowledge_durable(self) -> None:
        while self._durable:
            source, token = self._durable[0]
            try:
                await source.acknowledge(token)
            except StorageError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._durable.popleft()

    def _audit_beside(self) -> None:
        """Begin to audit the alert events that are durable: nobody waits for it, and a start after a crash goes on."""
        if self._unaudited and self._auditing is None and not self.counts.unrecorded:
            self._auditing = asyncio.create_task(self._write_audit(), name="audit")

    async def _audit_settled(self) -> None:
        """Raise what auditing has failed with, or try it again where the disk has failed before."""
        task = self._auditing
        if task is not None and self.counts.unrecorded:
            await asyncio.wait([task])
        if task is not None and task.done():
            self._auditing = None
            task.result()
        if self.counts.unrecorded:
            await self._write_audit()

    async def _audit_rest(self) -> None:
        """Audit all that is durable; what the disk does not take the next start audits."""
        with contextlib.suppress(StorageError, TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                if self._auditing is not None:
                    await asyncio.wait([self._auditing])
                await self._write_audit()

    async def _write_audit(self) -> None:
        while self._unaudited:
            event = self._unaudited[0]
            await self._audit.append(f"alert.{event.kind}", _evidence(event))
            self._unaudited.popleft()
            self.counts.alerts += 1

    def _let_go(self) -> None:
        """Keep what is held within its bound: the oldest readings go first, and leave a receipt.

        Their sources are acknowledged with the receipt: it is the record of them.
        """
        size = sum(entry.size for entry in self._held)
        for place in range(len(self._held) - 1):
            entry = self._held[place]
            if size <= HELD_BYTES:
                return
            if entry.readings is not None:
                self._held[place] = _without_readings(entry)
                size -= entry.size - self._held[place].size
                self.counts.dropped += len(entry.readings)
                self._receipt = _joined(self._receipt, entry.readings, self._clock.now())

    def _count(self, group: Sequence[tuple[Source, SourceDelivery]]) -> None:
        for _, delivery in group:
            self.counts.readings += _readings_in(delivery)
            self.counts.rows += len(delivery.rows)
            self.counts.quarantined += sum(item.count for item in delivery.quarantined)
            self.counts.duplicates += delivery.duplicates


def _together(found: Sequence[Judged]) -> Judged:
    """Return one account of several, in their order."""
    if len(found) == 1:
        return found[0]
    return Judged(
        parts=tuple(part for item in found for part in item.parts),
        predictions=tuple(prediction for item in found for prediction in item.predictions),
        events=tuple(event for item in found for event in item.events),
        late=tuple(note for item in found for note in item.late),
    )


def _unrecorded(judged: Judged) -> Judged:
    """Return the judgements marked as made from readings that could not be recorded."""
    return replace(judged, predictions=tuple(replace(item, unrecorded=True) for item in judged.predictions))


def _newest_receipt(group: Sequence[tuple[Source, SourceDelivery]]) -> int | None:
    """Return when the newest live reading of a group was received; None where there is none.

    For stations that heard nothing time passes up to then: what waits behind it in the queue is not late for that.
    """
    heard = [
        int(item.readings.receive_time.max())
        for _, item in group
        if item.readings is not None and len(item.readings) and not item.replayed
    ]
    return max(heard, default=None)


def _without_readings(entry: _Held) -> _Held:
    items = tuple(item for item in entry.items if item[0] is not RecordKind.READINGS)
    return _Held(items, entry.tokens, None, sum(len(body) for _, body, _ in items))


def _joined(receipt: Receipt | None, readings: ReadingBatch, now: int) -> Receipt:
    """Return one receipt for what was let go before and these readings too."""
    names = readings.catalogue.signals
    signals = {names[code] for code in set(readings.signal.tolist())} | set(() if receipt is None else receipt.signals)
    first, last = int(readings.source_time.min()), int(readings.source_time.max())
    count = len(readings)
    if receipt is not None:
        first, last, count = min(first, receipt.first), max(last, receipt.last), count + receipt.count
    return Receipt(
        id=f"disk-{first}-{last}-{count}",
        source="outbox",
        reason="the outbox could not be written",
        signals=tuple(sorted(signals)),
        first=first,
        last=last,
        count=count,
        recorded=now,
    )


def _readings_in(delivery: SourceDelivery) -> int:
    return 0 if delivery.readings is None else len(delivery.readings)


def _items_in(delivery: SourceDelivery) -> int:
    return _readings_in(delivery) + len(delivery.rows) + len(delivery.quarantined)


def _held(group: Sequence[tuple[Source, SourceDelivery]]) -> _Held:
    """Return one bundle of items of a group of deliveries: one record of readings, of rows and of refusals each."""
    batches = [item.readings for _, item in group if item.readings is not None and len(item.readings)]
    rows = [row for _, item in group for row in item.rows]
    refused = [entry for _, item in group for entry in item.quarantined]
    readings = concatenate(batches) if batches else None
    items: list[Item] = []
    for start in range(0, 0 if readings is None else len(readings), RECORD_READINGS):
        assert readings is not None
        piece = readings.take(slice(start, start + RECORD_READINGS))
        items.append((RecordKind.READINGS, encode_readings(piece), len(piece)))
    items += _records_of(RecordKind.PARTS, rows)
    items += _records_of(RecordKind.QUARANTINE, refused)
    tokens = tuple((source, item.token) for source, item in group if item.token is not None)
    return _Held(tuple(items), tokens, readings, sum(len(body) for _, body, _ in items))


def _bodies(judged: Judged) -> list[Item]:
    return [
        *_records_of(RecordKind.PARTS, judged.parts),
        *_records_of(RecordKind.PREDICTIONS, judged.predictions),
        *_records_of(RecordKind.ALERTS, judged.events),
        *_records_of(RecordKind.LATE, judged.late),
    ]


def _records_of(kind: RecordKind, items: Sequence[Any]) -> list[Item]:
    """Return items as bodies of at most `RECORD_BYTES`, so that each travels as one message."""
    if not items:
        return []
    body = encode_items(items)
    if len(body) <= RECORD_BYTES or len(items) == 1:
        return [(kind, body, len(items))]
    middle = len(items) // 2
    return _records_of(kind, items[:middle]) + _records_of(kind, items[middle:])


def _evidence(event: AlertEvent) -> dict[str, object]:
    """Return what the audit record keeps of an alert event: enough to explain it years later."""
    return {
        "event": event.id,
        "alert": event.alert_id,
        "unit": event.unit,
        "score": event.score,
        "limit": event.limit,
        "model": event.model,
        "plan": event.plan,
        "late": event.late,
    }
