"""The plant's part of a part's path: its records arrive, land, and come into the history."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

from lineside.domain.part_path import Fact, record_steps
from lineside.flows.ingest import ANY, ITEM_TYPES, Follower, Ingest
from lineside.ports import Clock, Telemetry
from lineside.wire.codecs import decode_items
from lineside.wire.records import Record, RecordKind

TRACED: Final = frozenset({RecordKind.PARTS, RecordKind.PREDICTIONS, RecordKind.ALERTS})
MOST_WAITING: Final = 10_000
"""Records whose landing is remembered until they are in the history; beyond that the oldest are forgotten."""
_landed: ContextVar[list[tuple[Record, int]] | None] = ContextVar("landed", default=None)


class RecordTracer:
    """Tells the steps of records that speak of parts.

    Args:
        telemetry: who is told.
        clock: the line's time.
    """

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self.now = clock.now
        self._waiting: OrderedDict[tuple[str, str, int], int] = OrderedDict()

    def landing(self, follow: Follower) -> Follower:
        """Return a follower that takes note of when a record became durable, then follows as before."""

        async def noting(record: Record) -> None:
            if record.header.kind in TRACED and (seen := _landed.get()) is not None:
                seen.append((record, self.now()))
            await follow(record)

        return noting

    def history(self, follow: Follower) -> Follower:
        """Return a follower that tells that a record has come into the history, then follows as before."""

        async def telling(record: Record) -> None:
            since = self._waiting.pop(_identity(record), None)
            if since is not None:
                self._tell("history", record, since, self.now())
            await follow(record)

        return telling

    def arrived(self, record: Record, began: int, landed: int, answered: int) -> None:
        """Tell how a record arrived: asked for at ``began``, durable at ``landed``, and answered (UTC ns)."""
        self._tell("ingest", record, began, answered)
        self._tell("landing", record, began, landed)
        self._waiting[_identity(record)] = landed
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)

    def _tell(self, name: str, record: Record, started: int, ended: int) -> None:
        header = record.header
        facts: dict[str, Fact] = {
            "kind": header.kind.value, "writer": header.writer, "epoch": header.epoch, "sequence": header.sequence,
        }  # fmt: skip
        self._telemetry.steps(record_steps(name, _cycles(record), started, ended, facts))


class TracedIngest(Ingest):
    """An ingest that also tells a tracer when each record came and was answered; else it is as `Ingest`."""

    def __init__(self, tracer: RecordTracer, *, follow: Follower, **rest: Any) -> None:
        super().__init__(follow=tracer.landing(follow), **rest)
        self.tracer = tracer

    async def handle(self, data: bytes, sender: str = ANY) -> bytes:
        """Answer as `Ingest` does."""
        seen: list[tuple[Record, int]] = []
        began, token = self.tracer.now(), _landed.set(seen)
        try:
            answer = await super().handle(data, sender)
        finally:
            _landed.reset(token)
        for record, landed in seen:
            self.tracer.arrived(record, began, landed, self.tracer.now())
        return answer


def ingest_of(tracer: RecordTracer | None, *, follow: Follower, **rest: Any) -> Ingest:
    """Return an ingest, which tells a tracer of its records where there is one; arguments as of `Ingest`."""
    return Ingest(follow=follow, **rest) if tracer is None else TracedIngest(tracer, follow=follow, **rest)


def _identity(record: Record) -> tuple[str, str, int]:
    return record.header.writer, record.header.epoch, record.header.sequence


def _cycles(record: Record) -> Iterable[str]:
    return (item.cycle_id for item in decode_items(record.body, ITEM_TYPES[record.header.kind]))
