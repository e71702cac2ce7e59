"""Records arrive at the plant: one request each, answered once the record is durable.

For each request, in this order:

A gateway first asks how far the plant is, and goes on asking now and then: see `lineside.wire.asks`.

1. check that the bytes are a whole record, of a line and writer this plant serves, with a readable body;
2. land it, together with all others that wait (one transaction, unique by identity);
3. hand it to whoever follows the line live (losing that is harmless: the landing table is the record);
4. answer with the signed watermark.

A request that cannot be made durable gets no answer, so the gateway keeps the record and asks again. A record that
must not be taken is answered with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lineside.domain.alerts import AlertEvent
from lineside.domain.errors import IntegrityError
from lineside.domain.health.events import HealthEvent
from lineside.domain.holders import Holders
from lineside.domain.late_readings import LateReadings
from lineside.domain.outcomes import LineEvent, Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.quarantine import Quarantined
from lineside.domain.receipts import Receipt
from lineside.domain.reconciling import Stretch
from lineside.ports import Bus, Clock, Landing
from lineside.wire.asks import Ask, decode_ask, is_ask
from lineside.wire.claims import Claim, decode_claim, is_claim, sign_answer
from lineside.wire.codecs import check_readings, decode_catalogue, decode_items
from lineside.wire.records import Record, RecordKind, unpack
from lineside.wire.reduced import check_reduced
from lineside.wire.subjects import Subjects
from lineside.wire.watermarks import Refusal, Watermark, sign_watermark

QUEUE: Final = "ingest"
"""Queue group of all ingests of a site: each request goes to one of them."""

ANY: Final = "*"
"""A sender who holds the plant's own credentials, and may send for others of this machine."""

ITEM_TYPES: Final[Mapping[RecordKind, type[Any]]] = {
    RecordKind.PARTS: PartRecord,
    RecordKind.PREDICTIONS: Prediction,
    RecordKind.ALERTS: AlertEvent,
    RecordKind.OUTCOMES: Outcome,
    RecordKind.EVENTS: LineEvent,
    RecordKind.QUARANTINE: Quarantined,
    RecordKind.RECEIPTS: Receipt,
    RecordKind.HEALTH: HealthEvent,
    RecordKind.LATE: LateReadings,
}
"""What the body of a record holds, for the kinds that hold items."""

Follower = Callable[[Record], Awaitable[None]]
Held = Callable[[Claim], Awaitable[tuple[Stretch, ...]]]
"""Returns what the history holds of the stretches that are claimed."""


@dataclass(slots=True)
class IngestCounts:
    """What an ingest has seen since it started: records landed by kind, records refused by reason."""

    landed: Counter[RecordKind] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    second_holders: dict[str, int] = field(default_factory=dict)
    """When a second live holder of a writer's name was last heard, UTC ns."""

    def by_name(self) -> dict[str, dict[str, int]]:
        """Return ``landed`` by kind and ``refused`` by reason, in words."""
        return {
            "landed": {kind.value: count for kind, count in self.landed.items()},
            "refused": {reason.value: count for reason, count in self.refused.items()},
        }


class Ingest:
    """Answers ingest requests for the lines of one site.

    ``lines`` are the lines that the plant serves. ``writers``, where given, are the only ones that may write (it is
    asked anew for every record). ``key`` signs the watermarks, unless ``keys`` gives the one of the writer.
    ``clock`` tells a second live holder of a name from a restart. ``follow`` is called with every record that has
    just become durable, before the answer goes out.
    """

    def __init__(
        self,
        *,
        landing: Landing,
        key: bytes,
        site: str,
        lines: Collection[str],
        clock: Clock,
        writers: Collection[str] | None = None,
        keys: Callable[[str], bytes] | None = None,
        follow: Follower | None = None,
    ) -> None:
        self._landing = landing
        self._key = key
        self._site = site
        self._lines = lines
        self._writers = writers
        self._keys = keys
        self._follow = follow
        self._clock = clock
        self._holders = Holders()
        self.counts = IngestCounts()

    async def handle(self, data: bytes, sender: str = ANY) -> bytes:
        """Answer one request with a signed watermark; ``sender`` is who sent it, as the transport vouches.

        Raises:
            StorageError: the record is not durable: there must be no answer.
        """
        if is_ask(data):
            return await self._answer(data, sender)
        try:
            record = unpack(data)
        except IntegrityError as error:
            return self._refuse(Watermark("", "", 0), Refusal.DAMAGED, str(error))
        header = record.header
        nothing = Watermark(header.writer, header.epoch, 0)
        if stranger := self._stranger(header.site, header.line, header.writer, sender):
            return self._refuse(nothing, Refusal.NOT_OURS, stranger)
        try:
            check_body(record)
        except IntegrityError as error:
            return self._refuse(nothing, Refusal.UNREADABLE, str(error))
        watermarks = await self._landing.land([record])
        watermark = watermarks[header.writer, header.epoch]
        if watermark.refusal is not None:
            self.counts.refused[watermark.refusal] += 1
            return self._sign(watermark)
        self.counts.landed[header.kind] += 1
        if self._follow is not None:
            await self._follow(record)
        return self._sign(watermark)

    async def _answer(self, data: bytes, sender: str) -> bytes:
        """Say how far a stream is, and whether whoever asks is the only one that holds it."""
        try:
            ask = decode_ask(data)
        except IntegrityError as error:
            return self._refuse(Watermark("", "", 0), Refusal.DAMAGED, str(error))
        if stranger := self._stranger(ask.site, ask.line, ask.writer, sender):
            return self._refuse(Watermark(ask.writer, ask.epoch, 0), Refusal.NOT_OURS, stranger)
        if self._is_second(ask):
            why = f"another live gateway {ask.writer!r} holds the same outbox; stop one of the two"
            return self._refuse(Watermark(ask.writer, ask.epoch, 0), Refusal.HELD, why)
        return self._sign(await self._landing.watermark(ask.writer, ask.epoch))

    async def compare(self, data: bytes, sender: str, held: Held) -> bytes:
        """Answer a claim with what the history holds of its stretches.

        Raises:
            IntegrityError: it is no claim.
        """
        claim = decode_claim(data)
        key = self._key if self._keys is None else self._keys(claim.writer)
        if stranger := self._stranger(claim.site, claim.line, claim.writer, sender):
            return sign_answer(claim.epoch, (), key, stranger)
        return sign_answer(claim.epoch, await held(claim), key)

    def _is_second(self, ask: Ask) -> bool:
        now = self._clock.now()
        standing = self._holders.speak(ask.writer, ask.epoch, ask.holder, now)
        if standing.second:
            self.counts.second_holders[ask.writer] = now
        return standing.refused

    def _stranger(self, site: str, line: str, writer: str, sender: str) -> str:
        """Return what about an origin this plant does not know; empty where it knows it all."""
        if sender not in {ANY, writer}:
            return f"writer {writer!r}, sent by {sender!r}"
        if site != self._site:
            return f"site {site!r}; this plant serves {self._site!r}"
        if line not in self._lines:
            return f"line {line!r}; this plant serves {', '.join(sorted(self._lines))}"
        if self._writers is not None and writer not in self._writers:
            return f"writer {writer!r} is not enrolled"
        return ""

    def _sign(self, watermark: Watermark) -> bytes:
        key = self._key if self._keys is None or not watermark.writer else self._keys(watermark.writer)
        return sign_watermark(watermark, key)

    def _refuse(self, watermark: Watermark, refusal: Refusal, why: str) -> bytes:
        self.counts.refused[refusal] += 1
        refused = Watermark(watermark.writer, watermark.epoch, watermark.sequence, refused=f"{refusal}: {why}")
        return self._sign(refused)


async def serve_ingest(bus: Bus, ingest: Ingest, site: str, lines: Collection[str], held: Held | None = None) -> None:
    """Answer the ingest requests of some lines, sharing them with every other ingest of the site.

    ``held`` looks into the history, for gateways that compare what both ends hold.
    """

    async def answer(subject: str, data: bytes) -> bytes:
        if held is not None and is_claim(data):
            return await ingest.compare(data, subject.rpartition(".")[2], held)
        return await ingest.handle(data, subject.rpartition(".")[2])

    for line in lines:
        await bus.serve_each(Subjects(site, line).ingest, answer, QUEUE)


def check_body(record: Record) -> None:
    """Check that a record's body is what its kind says.

    Raises:
        IntegrityError: it is not; it never will be.
    """
    kind = record.header.kind
    if kind is RecordKind.CATALOGUE:
        decode_catalogue(record.body)
    elif kind is RecordKind.READINGS:
        check_readings(record.body)
    elif kind is RecordKind.REDUCED:
        check_reduced(record.body)
    else:
        decode_items(record.body, ITEM_TYPES[kind])
