"""What is recorded of a gateway's health: its births, its changes of state, its sources' clocks, its goodbyes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lineside.domain.health.states import Health
from lineside.domain.units import SECOND

SETTLED: Final = 2 * SECOND
"""A state is recorded once it has lasted that long, so that one that flutters does not flood the record."""


class HealthEventKind(StrEnum):
    """What happened."""

    BIRTH = "birth"
    STATE = "state"
    CLOCK = "clock"
    GOODBYE = "goodbye"


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthEvent:
    """One thing that became of a gateway or of a part of it; times are UTC nanoseconds.

    ``level`` is 0 (good), 1 (attention) or 2 (bad). ``values`` holds the figures of a clock: ``offset_s`` (positive:
    the source is behind), ``jitter_s`` and ``drift_ppm``; ``details`` the identities and versions of a birth.
    """

    id: str
    kind: HealthEventKind
    gateway: str
    time: int
    subject: str = ""
    name: str = ""
    state: str = ""
    level: int = 0
    since: int = 0
    reason: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)


class HealthJournal:
    """Turns what a gateway's parts do into events: one for each change of state that has settled."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._told: dict[tuple[str, str], str] = {}

    def changes(self, healths: Iterable[Health], now: int) -> tuple[HealthEvent, ...]:
        """Return an event for each subject whose state is another than was told last, and has lasted `SETTLED`."""
        events = []
        for health in healths:
            key = (health.subject.value, health.id)
            if self._told.get(key) != health.state.value and now - health.since >= SETTLED:
                self._told[key] = health.state.value
                events.append(self._event(health, now))
        return tuple(events)

    def _event(self, health: Health, now: int) -> HealthEvent:
        return HealthEvent(
            id=f"{self._gateway}-{health.subject.value}-{health.id}-{now}",
            kind=HealthEventKind.STATE,
            gateway=self._gateway,
            time=now,
            subject=health.subject.value,
            name=health.id,
            state=health.state.value,
            level=int(health.level),
            since=health.since,
            reason=health.reason,
        )
