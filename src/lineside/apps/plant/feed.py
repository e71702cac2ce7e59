"""What has become durable, and what is said live, on its way to the board's memory."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lineside.apps.plant.floor import Floor, LinkStatus
from lineside.domain.alerts import AlertEvent
from lineside.domain.errors import IntegrityError
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import Prediction
from lineside.domain.receipts import Receipt
from lineside.domain.units import SECOND
from lineside.wire.codecs import decode_items
from lineside.wire.records import Record, RecordKind
from lineside.wire.reduced import decode_reduced, receipts_in
from lineside.wire.status import GatewayStatus

_SHOWN: Final[Mapping[RecordKind, type[Any]]] = {
    RecordKind.PARTS: PartRecord,
    RecordKind.PREDICTIONS: Prediction,
    RecordKind.ALERTS: AlertEvent,
    RecordKind.OUTCOMES: Outcome,
    RecordKind.RECEIPTS: Receipt,
}
SILENT_AFTER: Final = 30 * SECOND
"""A source that has been silent for longer is shown as such."""


class FloorFeed:
    """Hands records and live messages to the floor; either may come first, or twice."""

    def __init__(self, floor: Floor, plan: Plan) -> None:
        self._floor = floor
        self._plan = plan
        catalogue = catalogue_for(plan)
        self._catalogues = {catalogue.digest: catalogue}

    async def record(self, record: Record) -> None:
        """Take note of a record that has just become durable."""
        if record.header.kind is RecordKind.REDUCED:
            with contextlib.suppress(IntegrityError):  # of another plan's catalogue: the history has its receipts
                kept = decode_reduced(record.body, self._catalogues)
                self._floor.apply_receipts(receipts_in(record.header, kept))
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
        elif kind is RecordKind.RECEIPTS:
            self._floor.apply_receipts(items)

    def status(self, status: GatewayStatus) -> None:
        """Take note of what a gateway says of its sources and of itself."""
        links = {source.id: self._source(status, source.id, source.heard) for source in status.sources}
        links[status.gateway] = self._gateway(status)
        self._floor.apply_status(links)

    def _source(self, status: GatewayStatus, source_id: str, heard: int) -> LinkStatus:
        silent = heard == 0 or status.time - heard > SILENT_AFTER
        stations = (signal.station for signal in self._plan.signals if signal.source == source_id)
        return LinkStatus(
            name=self._plan.source(source_id).label,
            ok=not silent,
            detail="nothing heard" if silent else "",
            last_received=heard,
            stations=tuple(dict.fromkeys(stations)),
        )

    def _gateway(self, status: GatewayStatus) -> LinkStatus:
        problem = status.problem
        if status.unrecorded:
            problem = "its disk cannot be written: judgements are unrecorded"
        elif status.dropped:
            problem = f"{status.dropped} readings could not be recorded"
        return LinkStatus(
            name=status.gateway, kind="gateway", ok=not problem, detail=problem, last_received=status.time
        )
