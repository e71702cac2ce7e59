"""What has become durable, and what is said live, on its way to the board's memory."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lineside.apps.plant.floor import Floor, LinkStatus
from lineside.apps.plant.gateway_book import GatewayBook, what_is_bad
from lineside.apps.plant.measured_book import MeasuredBook
from lineside.apps.plant.signal_book import SignalBook
from lineside.domain.alerts import AlertEvent
from lineside.domain.errors import IntegrityError
from lineside.domain.health.states import Level, Subject
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import Prediction
from lineside.domain.quarantine import Quarantined
from lineside.domain.receipts import Receipt
from lineside.domain.units import SECOND
from lineside.wire.codecs import decode_items
from lineside.wire.life import Birth, Goodbye
from lineside.wire.records import Record, RecordKind
from lineside.wire.reduced import decode_reduced, receipts_in
from lineside.wire.status import GatewayStatus, HealthStatus, SourceStatus

_SHOWN: Final[Mapping[RecordKind, type[Any]]] = {
    RecordKind.PARTS: PartRecord,
    RecordKind.PREDICTIONS: Prediction,
    RecordKind.ALERTS: AlertEvent,
    RecordKind.OUTCOMES: Outcome,
    RecordKind.RECEIPTS: Receipt,
}
TWIN_SHOWN: Final = 60 * SECOND
"""How long it is shown that a second live holder of a gateway's name was heard."""
SILENT_AFTER: Final = 30 * SECOND
"""A source of a gateway that says no states is shown as silent after that long."""
BAD: Final = int(Level.BAD)


class FloorFeed:
    """Hands records and live messages to the floor; either may come first, or twice.

    ``second_holders`` says when a second live holder of a gateway's name was last heard, UTC ns of the wall clock.
    """

    def __init__(self, floor: Floor, plan: Plan) -> None:
        self._floor = floor
        self._plan = plan
        self.second_holders: Mapping[str, int] = {}
        catalogue = catalogue_for(plan)
        self._catalogues = {catalogue.digest: catalogue}
        self.gateways = GatewayBook()
        self.signals = SignalBook(plan)
        self.measured = MeasuredBook(plan)

    async def record(self, record: Record) -> None:
        """Take note of a record that has just become durable."""
        if record.header.kind is RecordKind.REDUCED:
            with contextlib.suppress(IntegrityError):  # of another plan's catalogue: the history has its receipts
                kept = decode_reduced(record.body, self._catalogues)
                self._floor.apply_receipts(receipts_in(record.header, kept))
        elif record.header.kind is RecordKind.READINGS:
            self.signals.readings(record.body)
        elif record.header.kind is RecordKind.QUARANTINE:
            self.signals.refused(decode_items(record.body, Quarantined))
        self.items(record.header.kind, record.body)

    async def handed_in(self, record: Record) -> None:
        """Take note of what came past ingest: outcomes that the command line has put into the landing table."""
        if record.header.kind is RecordKind.OUTCOMES:
            self.items(record.header.kind, record.body)

    def items(self, kind: RecordKind, body: bytes) -> None:
        """Take note of the items in a body, of the kinds that the board shows."""
        if kind in _SHOWN:
            self.objects(kind, decode_items(body, _SHOWN[kind]))

    def objects(self, kind: RecordKind, items: Sequence[Any]) -> None:
        """Take note of items of a kind, of those that the board shows."""
        if kind is RecordKind.PARTS:
            self._floor.apply_parts(items)
        elif kind is RecordKind.PREDICTIONS:
            self._floor.apply_predictions(items)
        elif kind is RecordKind.ALERTS:
            self._floor.apply_alerts(items)
        elif kind is RecordKind.OUTCOMES:
            self._floor.apply_outcomes(items)
            self.measured.take(items)
        elif kind is RecordKind.RECEIPTS:
            self._floor.apply_receipts(items)

    def status(self, status: GatewayStatus, now: int) -> None:
        """Take note of what a gateway says of its sources and of itself; ``now`` is the plant's clock, UTC ns."""
        self.gateways.heard(status, now)
        for source in status.sources:
            self.signals.clock(source.id, source.offset or 0)
        known = {item.id: item for item in status.healths if item.subject == Subject.SOURCE}
        links = {source.id: self._source(status, source, known.get(source.id)) for source in status.sources}
        links[status.gateway] = self._gateway(status, now)
        self._floor.apply_status(links)

    def born(self, birth: Birth, now: int) -> None:
        """Take note of a gateway's birth."""
        self.gateways.born(birth, now)

    def went(self, goodbye: Goodbye, now: int) -> None:
        """Take note of a gateway's goodbye."""
        self.gateways.went(goodbye, now)
        self.watch(now)

    def watch(self, now: int) -> None:
        """Show the gateways that are gone as gone; to be called every few seconds."""
        for view in self.gateways.views(now):
            if view.gone:
                detail = f"is gone: {view.words}"
                link = LinkStatus(name=view.name, kind="gateway", ok=False, detail=detail, since=view.heard)
                self._floor.apply_status({view.name: link})

    def _source(self, status: GatewayStatus, source: SourceStatus, health: HealthStatus | None) -> LinkStatus:
        stations = (signal.station for signal in self._plan.signals if signal.source == source.id)
        if health is None:
            silent = source.heard == 0 or status.time - source.heard > SILENT_AFTER
            ok, detail, since = not silent, "nothing heard" if silent else "", 0
        else:
            ok, since = health.level < BAD, 0 if health.level < BAD else health.since
            detail = "" if ok else f"{health.state}: {health.reason}"
        return LinkStatus(
            name=self._plan.source(source.id).label,
            ok=ok,
            detail=detail,
            since=since,
            last_received=source.heard,
            stations=tuple(dict.fromkeys(stations)),
        )

    def _gateway(self, status: GatewayStatus, now: int) -> LinkStatus:
        own = tuple(item for item in status.healths if item.subject != Subject.SOURCE)
        problem = what_is_bad(own) or status.problem
        if status.unrecorded:
            problem = "its disk cannot be written: judgements are unrecorded"
        elif status.dropped:
            problem = f"{status.dropped} readings could not be recorded"
        if now - self.second_holders.get(status.gateway, -TWIN_SHOWN) < TWIN_SHOWN:
            problem = "two gateways run under this name: stop one of them"
        return LinkStatus(
            name=status.gateway, kind="gateway", ok=not problem, detail=problem, last_received=status.time
        )
