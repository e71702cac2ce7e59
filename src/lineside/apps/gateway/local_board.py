"""The gateway's own board: its memory, its page, and the answers that pass between it and the plant.

Acknowledging is one flow: 1. commit the event to the outbox, by which it reaches the plant as every record does, 2. add
it to the audit record, 3. show it, 4. publish it for the plant's live board.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lineside.apps.gateway.local_floor import LocalFloor
from lineside.domain.alerts import Alert, AlertEvent, AlertKind
from lineside.domain.errors import ConfigurationError, UnavailableError
from lineside.domain.listening import Listen
from lineside.domain.plan.model import Plan
from lineside.flows.responses import keep_responses
from lineside.ports import AuditLog, Bus, Clock, Outbox
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind
from lineside.wire.status import GatewayStatus
from lineside.wire.subjects import Subjects

RETRY_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalBoard:
    """The parts of the local board; ``status`` says how the gateway does, ``asked`` asks the plant for answers.

    ``hear`` is told of each alert that was closed there.
    """

    name: str
    plan: Plan
    clock: Clock
    outbox: Outbox
    audit: AuditLog
    bus: Bus
    subjects: Subjects
    floor: LocalFloor
    status: Callable[[], GatewayStatus]
    hear: Callable[[Alert], None] = lambda _: None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def acknowledge(self, alert: Alert) -> None:
        """Keep that somebody at the machine has seen an alert.

        Raises:
            StorageError: it is not durable and did not happen.
        """
        now, by = self.clock.now(), f"at {self.name}"
        digest = hashlib.sha256("\n".join((alert.id, by, str(now))).encode()).hexdigest()[:16]
        event = AlertEvent(
            id=f"{alert.id}:acknowledged:{digest}",
            alert_id=alert.id,
            kind=AlertKind.ACKNOWLEDGED,
            time=now,
            received=now,
            station=alert.station,
            characteristic=alert.characteristic,
            cause=alert.cause,
            writer=self.name,
            by=by,
        )
        body = encode_items([event])
        await self.outbox.commit([(RecordKind.ALERTS, body, 1)])
        said = {"event": event.id, "alert": event.alert_id, "by": event.by}
        await self.audit.append(f"alert.{event.kind}", said)
        self.floor.take([event])
        with contextlib.suppress(UnavailableError):
            await self.bus.publish(f"{self.subjects.live}.{RecordKind.ALERTS}", body)

    async def keep(self) -> None:
        """Take in what is answered at the plant, until cancelled."""

        async def take(events: Sequence[AlertEvent]) -> None:
            self.floor.take(events)
            closed = {event.alert_id for event in events if event.kind in {AlertKind.CLOSED, AlertKind.AGREED}}
            for alert in (self.floor.alert(name) for name in sorted(closed)):
                if alert is not None:
                    self.hear(alert)

        await keep_responses(self.bus, self.subjects, self.floor.unanswered, take, self.asked)

    async def serve(self, listen: Listen) -> None:
        """Serve the page until cancelled; an address that is taken is tried again, and the line goes on without it."""
        # What serves pages is of no use to a gateway without one.
        from lineside.adapters.http_serving import serve_pages  # noqa: PLC0415 - as above
        from lineside.apps.gateway.page.app import LocalPage, local_app  # noqa: PLC0415 - as above

        page = LocalPage(
            plan=self.plan,
            clock=self.clock,
            floor=self.floor,
            status=self.status,
            acknowledge=self.acknowledge,
            hosts=listen.hosts,
        )
        while True:
            try:
                await serve_pages(local_app(page), host=listen.host, port=listen.port, stop=asyncio.Event())
            except ConfigurationError as error:
                sys.stderr.write(f"lineside: the gateway's page: {error}; it is tried again\n")
            await asyncio.sleep(RETRY_SECONDS)
