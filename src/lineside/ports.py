"""The seams: what the flows ask of the world, as small protocols.

Each port has adapters in `lineside.adapters`, a fake in `lineside.testing.fakes` and one conformance suite in
`lineside.testing.conformance` that runs over all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lineside.domain.audit import AuditEntry as AuditEntry  # noqa: PLC0414 - part of the port
from lineside.domain.figures import Figure
from lineside.domain.health.sources import SourceCondition
from lineside.domain.notifying.delivery import Outcome
from lineside.domain.notifying.messages import Message
from lineside.domain.part_path import Step
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.probes import ProbeReading as ProbeReading  # noqa: PLC0414 - part of the port
from lineside.domain.probes import ProbeReport as ProbeReport  # noqa: PLC0414 - part of the port
from lineside.domain.probes import ProbeStep as ProbeStep  # noqa: PLC0414 - part of the port
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.wire.bundle import Bundle
from lineside.wire.records import Record, RecordKind
from lineside.wire.watermarks import Watermark


class Clock(Protocol):
    """The time: UTC nanoseconds."""

    def now(self) -> int:
        """Return the time now, in UTC nanoseconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceDelivery:
    """What a source hands over at once: readings, finished part rows, and what it could not accept.

    ``duplicates`` counts readings that were dropped because they had come before. ``token`` is given back by
    `Source.acknowledge` once all of it is durable. ``replayed`` says that the readings are history and never live.
    """

    readings: ReadingBatch | None = None
    rows: tuple[PartRecord, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    duplicates: int = 0
    token: object = None
    replayed: bool = False


class Source(Protocol):
    """Something that delivers readings: a machine, a broker, files."""

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue that all its batches use."""

    @property
    def condition(self) -> SourceCondition:
        """How it stands with its peer; the adapter keeps it with a `SourceRecord`."""

    def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what arrives, for ever or until a finite source ends; reconnects by itself.

        Raises:
            SourceError: it cannot be reached at all and waiting would not help.
        """

    async def acknowledge(self, token: object) -> None:
        """Take note that everything of the delivery with that token is durable."""

    async def close(self) -> None:
        """Let go of connections and files; may be called more than once."""


Probe = Callable[[Sequence[str]], Awaitable[ProbeReport]]
"""Connects to a source, reads the named signals once (none named: all of the source) and says step by step what it saw.

It is separate from running: it records nothing, acknowledges nothing and takes nothing away from a running gateway.
What a machine does wrong is a step that did not hold, never an exception.
"""


class Outbox(Protocol):
    """The gateway's own record: what is in it is accepted."""

    @property
    def epoch(self) -> str:
        """The random name of this outbox file."""

    @property
    def last(self) -> int:
        """The sequence of the newest durable record; 0 where there never was one."""

    @property
    def begun(self) -> int:
        """What `last` was when this process opened it."""

    async def renew(self) -> None:
        """Give what this process has committed new identities, in a new epoch, and let go of all before.

        For an outbox that was restored from a copy: what is older than this process, the plant has.
        """

    async def commit(self, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
        """Make bodies (with their kinds and counts) durable in one transaction; return their sequences.

        Raises:
            StorageError: they are not durable; nothing of them was kept.
        """

    async def unsent(self, after: int, most_bytes: int) -> tuple[Record, ...]:
        """Return the records behind a sequence, oldest first, up to a size, at least one if there is one."""

    async def set_aside(self, sequence: int, reason: str) -> bool:
        """Put a quarantine record in the place of one that the plant can never take; the old bytes are kept here.

        Return whether that was done: what already stands in the place of another record is left as it is.
        """

    async def forget(self, watermark: int) -> None:
        """Delete records well behind the watermark."""

    async def close(self) -> None:
        """Close the file."""


class Bus(Protocol):
    """The transport between processes: requests with replies, and messages that may be lost."""

    async def request(self, subject: str, data: bytes, within: float) -> bytes:
        """Send a request and return its reply; ``within`` in seconds.

        Raises:
            UnavailableError: nobody listens, or no reply came in time.
        """

    async def publish(self, subject: str, data: bytes) -> None:
        """Send a message that nobody waits for."""

    async def serve(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]], queue: str) -> None:
        """Answer the requests of a subject, sharing them with all others of the same queue group."""

    async def serve_each(self, pattern: str, handler: Callable[[str, bytes], Awaitable[bytes]], queue: str) -> None:
        """Answer the requests of every subject of a pattern, as `serve` does; the handler is told the subject."""

    async def subscribe(self, subject: str, handler: Callable[[str, bytes], Awaitable[None]]) -> None:
        """Hand every message of a subject (wildcards as in NATS) to the handler, with its subject."""

    async def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LandedRecord:
    """A record in the landing table, with the position that the table gave it."""

    position: int
    record: Record


class Landing(Protocol):
    """The plant's first durable place for records, unique by identity."""

    async def land(self, records: Sequence[Record]) -> Mapping[tuple[str, str], Watermark]:
        """Make records durable, each once, and return the watermark of every (writer, epoch) among them.

        Raises:
            StorageError: none of them is durable.
        """

    async def watermark(self, writer: str, epoch: str) -> Watermark:
        """Return how far a stream is; 0 for one that never landed."""

    async def after(self, position: int, most_bytes: int) -> tuple[LandedRecord, ...]:
        """Return records behind a position that have no gap before them, oldest first."""

    async def forget(self, position: int) -> None:
        """Delete records up to a position, once the history holds them; their identities stay known."""

    async def close(self) -> None:
        """Close the store."""


class History(Protocol):
    """The long memory, exactly once by position."""

    async def append(self, records: Sequence[LandedRecord]) -> int:
        """Add landed records, ascending; return the position up to which every table is durable.

        Adding a record again changes nothing.
        """

    async def position(self) -> int:
        """Return the position up to which every table is durable; 0 where there is nothing."""


class AuditLog(Protocol):
    """The append-only, hash-chained record of one writer."""

    async def append(self, action: str, content: Mapping[str, object]) -> AuditEntry:
        """Add an entry durably and return it.

        Raises:
            StorageError: it is not durable; what it speaks of must not be shown.
        """

    async def entries(self, after: int = 0) -> tuple[AuditEntry, ...]:
        """Return the entries behind a sequence, ascending."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a judge returns for one part: its predictions, one per characteristic of the station."""

    part: PartRecord
    predictions: tuple[Prediction, ...] = field(default=())


class Judge(Protocol):
    """Judges the parts of one station."""

    def judge(self, part: PartRecord, now: int) -> Judgement:
        """Return the judgement of a part; ``now`` in UTC nanoseconds. Never raises for bad data: it says so.

        Raises:
            IntegrityError: the model itself is broken, and another one should judge.
        """


class Registry(Protocol):
    """Where trained models are kept, and which of them is in service for each characteristic."""

    def next_version(self, characteristic: str) -> int:
        """Return the version that the next bundle of a characteristic must have: 1, or one above the greatest."""

    def add(self, bundle: Bundle) -> str:
        """Keep a bundle durably, and return where, in words for people.

        Raises:
            StorageError: it is not durable, or another bundle of that characteristic and version is there.
        """

    def activate(self, bundle: Bundle) -> None:
        """Put a kept bundle in service for its station and characteristic, in place of the one before.

        Raises:
            StorageError: the change is not durable.
            IntegrityError: no such bundle is kept.
        """

    def active(self, station: str) -> tuple[Bundle, ...]:
        """Return the bundles in service at a station, each checked, by characteristic.

        Raises:
            IntegrityError: one of them is not what it claims to be.
        """


class Notifier(Protocol):
    """Tells people or their systems about an alert, in one channel."""

    async def deliver(self, message: Message) -> Outcome:
        """Hand a message over and say what became of it; the same message may be handed over again."""


class Telemetry(Protocol):
    """Somewhere outside that steps and figures are sent to; nothing waits for it, and losing some is harmless."""

    def steps(self, steps: Iterable[Step]) -> None:
        """Queue steps of parts' paths to be sent."""

    async def run(self, figures: Callable[[], Iterable[Figure]]) -> None:
        """Send figures again and again until cancelled; they are asked for in the event loop's thread."""

    async def close(self) -> None:
        """Send what waits, for a short time at most, and let go."""
