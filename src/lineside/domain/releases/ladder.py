"""Where the releases of a line stand: the fold of everything that ever happened to them.

Nothing here is written over: a release's standing, its approvals and the champion before are read from the events,
in the order in which they were kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from lineside.domain.releases.canary import Canary
from lineside.domain.releases.concession import Concession, missed_in
from lineside.domain.releases.table import Rung, Step, row_of

SYSTEM: Final = "system"
"""The actor of what no person did."""
_AUTHORED: Final = frozenset({Step.DRAFTED, Step.REOPENED, Step.PROPOSED})
"""Who takes one of these is the author."""
_JUDGES: Final = frozenset({Rung.CANARY, Rung.CHAMPION})
_UP: Final = frozenset({Step.CANARIED, Step.CROWNED, Step.FOUND})
"""By which of these a release comes to judge."""
WATERMARK: Final = "DEMO, not for production"
"""Stands in the signed offer of a demo's release, and wherever that is shown."""
PERSONS: Final = 2
"""How many persons must approve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LadderEvent:
    """One step of one release: ``actor`` is a pseudonym (or `SYSTEM`) with its ``role``; ``time`` UTC ns.

    ``place`` is ``<station>/<characteristic>``. ``detail`` holds what belongs to the step: the digest of the report
    that a promotion rests on, the scope of a canary.
    """

    release: str
    place: str
    step: Step
    actor: str
    time: int
    reason: str
    role: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)

    @property
    def by(self) -> str:
        """How records name who did it: role and pseudonym."""
        return f"{self.role} {self.actor}".strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a release stands. ``approvals`` are those of the next step upwards: every step makes them void."""

    release: str
    place: str
    rung: Rung = Rung.NONE
    author: str = ""
    demo: bool = False
    approvals: tuple[str, ...] = ()
    canary: Canary | None = None
    since: int = 0
    history: tuple[LadderEvent, ...] = ()

    @property
    def conceded(self) -> frozenset[str]:
        """The service levels that as many of its approvals as a step needs let it off."""
        signed = Counter[str]()
        for event in takewhile(lambda event: event.step is Step.APPROVED, reversed(self.history)):
            concession = Concession.read(event.detail)
            signed.update(() if concession is None else set(concession.levels))
        return frozenset(name for name, persons in signed.items() if persons >= PERSONS)

    @property
    def concession(self) -> Concession | None:
        """What it was let off when it came to judge, None where that was nothing or it does not judge."""
        if self.rung not in _JUDGES:
            return None
        came = next((event for event in reversed(self.history) if event.step in _UP), None)
        return None if came is None else Concession.read(came.detail)

    @property
    def missed(self) -> frozenset[str]:
        """The service levels that it missed, and its successor bettered, when it was last superseded."""
        went = next((event for event in reversed(self.history) if event.step is Step.SUPERSEDED), None)
        return frozenset() if went is None else missed_in(went.detail)


@dataclass(frozen=True, slots=True)
class Ladder:
    """All releases of a line. ``before`` holds by place the retired ones that were champion, the latest last."""

    standings: Mapping[str, Standing] = field(default_factory=dict)
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, release: str, place: str = "") -> Standing:
        """Return where a release stands; off the ladder where nothing ever happened to it."""
        return self.standings.get(release) or Standing(release=release, place=place)

    def at(self, place: str, rung: Rung) -> tuple[Standing, ...]:
        """Return the releases of a place on a rung."""
        return tuple(item for item in self.standings.values() if item.place == place and item.rung is rung)

    def champion(self, place: str) -> Standing | None:
        """Return the champion of a place, None where there is none."""
        return next(iter(self.at(place, Rung.CHAMPION)), None)

    def called_back(self, place: str) -> Standing | None:
        """Return what a rollback of the champion of a place leads to, None where there is nothing.

        No rollback of what was approved leads to a demo.
        """
        champion, past = self.champion(place), self.before.get(place, ())
        if champion is None:
            return None
        could = [self.of(item) for item in past if champion.demo or not self.of(item).demo]
        return could[-1] if could else None

    def knows(self, place: str) -> bool:
        """Return whether anything ever happened at a place."""
        return any(item.place == place for item in self.standings.values())


def fold(events: Iterable[LadderEvent]) -> Ladder:
    """Return where everything stands after these events; raises `ValueError` where they break the table."""
    standings: dict[str, Standing] = {}
    before: dict[str, tuple[str, ...]] = {}
    for event in events:
        old = standings.get(event.release) or Standing(release=event.release, place=event.place)
        standings[event.release] = _after(old, event)
        past = before.get(event.place, ())
        if event.step is Step.SUPERSEDED and standings[event.release].rung is Rung.RETIRED:
            before[event.place] = (*past, event.release)
        elif event.step in {Step.CALLED_BACK, Step.REOPENED}:
            before[event.place] = tuple(item for item in past if item != event.release)
    return Ladder(MappingProxyType(standings), MappingProxyType(before))


def _after(old: Standing, event: LadderEvent) -> Standing:
    row = row_of(old.rung, event.step)
    history = (*old.history, event)
    if event.step is Step.APPROVED:
        return replace(old, approvals=(*old.approvals, event.actor), history=history)
    return replace(
        old,
        rung=row.then,
        author=event.actor if event.step in _AUTHORED else old.author,
        demo="demo" in event.detail or (old.demo and event.step is not Step.REOPENED),
        approvals=(),
        canary=Canary.read(event.detail) if event.step is Step.CANARIED else None,
        since=event.time,
        history=history,
    )
