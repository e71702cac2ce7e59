"""What the gateway says of itself: a status each second, its birth, the changes in its record, and its goodbye.

The status and the birth are live: losing one is harmless, the next says all of it again. What changed goes into the
outbox, so that the history knows years later how the gateway did when a part was judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lineside import __version__
from lineside.apps.gateway.vitals import Vitals
from lineside.domain.errors import StorageError, UnavailableError
from lineside.domain.health.events import HealthEvent, HealthEventKind, HealthJournal
from lineside.domain.health.states import Health, Subject, not_good
from lineside.domain.plan.digest import judging_digest, response_digest
from lineside.domain.units import HOUR, SECOND
from lineside.ports import Bus, Outbox
from lineside.wire.codecs import encode_items
from lineside.wire.life import BIRTH, GOODBYE, Birth, Goodbye, encode_life
from lineside.wire.records import RecordKind
from lineside.wire.status import STATUS, encode_status
from lineside.wire.subjects import Subjects

STATUS_SECONDS: Final = 1.0
MOST_KEPT: Final = 1_000
"""Health events that wait while the outbox cannot be written; beyond that the oldest go."""


@dataclass(kw_only=True, slots=True)
class Reporter:
    """Tells the plant and the record how the gateway does."""

    vitals: Vitals
    bus: Bus
    subjects: Subjects
    outbox: Outbox
    started: int
    _journal: HealthJournal = field(init=False)
    _events: list[HealthEvent] = field(default_factory=list)
    _clocks_at: int = 0
    _reached: bool = False

    def __post_init__(self) -> None:
        """Begin a journal of this gateway."""
        self._journal = HealthJournal(self.vitals.name)

    async def run(self) -> None:
        """Look and tell until cancelled; while the link is down the board sees the age of the last one."""
        birth = self._birth()
        self._note(HealthEventKind.BIRTH, "", details=_as_text(birth))
        while True:
            await asyncio.to_thread(self.vitals.look)
            reached = self.vitals.forwarder.status.reachable
            if reached and not self._reached:
                await self.tell_birth()
            self._reached = reached
            await self._say(STATUS, encode_status(self.vitals.status()))
            await self._record(self.vitals.healths())
            await asyncio.sleep(STATUS_SECONDS)

    async def tell_birth(self) -> None:
        """Tell the plant all that this gateway is: after a start, a reconnection, or when it asks."""
        await self._say(BIRTH, encode_life(self._birth()))

    async def say_goodbye(self, words: str) -> None:
        """Say the last words, to the plant and into the record."""
        now = self.vitals.clock.now()
        self._note(HealthEventKind.GOODBYE, words)
        await self._write()
        await self._say(
            GOODBYE, encode_life(Goodbye(gateway=self.vitals.name, time=now, started=self.started, words=words))
        )

    async def _say(self, token: str, data: bytes) -> None:
        with contextlib.suppress(UnavailableError):
            await self.bus.publish(f"{self.subjects.live}.{token}", data)

    async def _record(self, healths: tuple[Health, ...]) -> None:
        now = self.vitals.clock.now()
        self._events += self._journal.changes(healths, now)
        if now - self._clocks_at >= HOUR or now < self._clocks_at:
            self._clocks_at = now
            for health in healths:
                if health.subject is Subject.CLOCK and health.id:
                    self._note_clock(health)
        await self._write()

    async def _write(self) -> None:
        """Commit what waits; where the disk cannot be written it waits on, up to a bound."""
        if not self._events:
            return
        events = tuple(self._events)
        with contextlib.suppress(StorageError):
            await self.outbox.commit([(RecordKind.HEALTH, encode_items(events), len(events))])
            del self._events[: len(events)]
        del self._events[:-MOST_KEPT]

    def _note_clock(self, health: Health) -> None:
        estimate = self.vitals.hearing.clock(health.id)
        if estimate is not None:
            values = {
                "offset_s": estimate.offset / SECOND,
                "jitter_s": estimate.jitter / SECOND,
                "drift_ppm": estimate.drift,
            }
            self._note(HealthEventKind.CLOCK, health.reason, health=health, values=values)

    def _note(
        self,
        kind: HealthEventKind,
        reason: str,
        *,
        health: Health | None = None,
        values: Mapping[str, float] | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        now, name = self.vitals.clock.now(), self.vitals.name
        event = HealthEvent(
            id=f"{name}-{kind.value}-{'' if health is None else health.id}-{now}",
            kind=kind,
            gateway=name,
            time=now,
            subject="" if health is None else health.subject.value,
            name="" if health is None else health.id,
            state="" if health is None else health.state.value,
            level=0 if health is None else int(health.level),
            since=now if health is None else health.since,
            reason=reason,
            values=values or {},
            details=details or {},
        )
        self._events.append(event)

    def _birth(self) -> Birth:
        plan = self.vitals.plan
        return Birth(
            gateway=self.vitals.name,
            time=self.vitals.clock.now(),
            started=self.started,
            site=plan.site.id,
            line=plan.line.id,
            version=__version__,
            epoch=self.outbox.epoch,
            plan_revision=plan.revision.number,
            judging_digest=judging_digest(plan),
            response_digest=response_digest(plan),
            sources=tuple((spec.id, spec.kind.value) for spec in plan.sources),
            stations=tuple(station.id for station in plan.stations),
            models=tuple(self.vitals.shelf.in_service.items()),
            machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        )


def last_words(healths: tuple[Health, ...], why: str) -> str:
    """Return why a gateway ends, and what was not good by then."""
    return "; ".join([why, *(health.words for health in not_good(healths))])


def _as_text(birth: Birth) -> dict[str, str]:
    names = ("version", "epoch", "plan_revision", "judging_digest", "response_digest", "machine")
    return {name: str(getattr(birth, name)) for name in names} | {
        "sources": ", ".join(f"{name} ({kind})" for name, kind in birth.sources),
        "models": ", ".join(f"{name}: {version}" for name, version in birth.models),
    }
