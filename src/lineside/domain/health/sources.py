"""The health of a source: what its adapter knows of the connection, and what that means beside the plan.

Theory of operation. An adapter keeps a `SourceRecord` and tells it, with the time, when it starts, when it is
connected, when the connection is lost and when it has stopped; `TRANSITIONS` is the table of what follows. What the
record says, a `SourceCondition`, is the adapter's side alone. `source_health` holds it beside what was heard and
what the plan expects: a source that is connected and says nothing for longer than its rates allow is *silent*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lineside.domain.health.states import Health, State, Subject
from lineside.domain.plan.model import Plan
from lineside.domain.units import SECOND

SILENT_INTERVALS: Final = 10
"""Expected intervals without a reading after which a source or a signal counts as silent."""
LEAST_SILENCE: Final = 30 * SECOND
"""Silence that is never remarked upon, however quick the signal: a machine may pause between two parts."""


MOST_TROUBLES: Final = 1_000
"""Troubles of one source that are kept."""


class Phase(StrEnum):
    """How a source stands with its peer."""

    STARTING = "starting"
    CONNECTED = "connected"
    LOST = "lost"
    STOPPED = "stopped"


class Event(StrEnum):
    """What an adapter notes."""

    START = "start"
    CONNECT = "connect"
    LOSE = "lose"
    STOP = "stop"


TRANSITIONS: Final[Mapping[tuple[Phase, Event], Phase]] = {
    (Phase.STARTING, Event.START): Phase.STARTING,
    (Phase.STARTING, Event.CONNECT): Phase.CONNECTED,
    (Phase.STARTING, Event.LOSE): Phase.LOST,
    (Phase.STARTING, Event.STOP): Phase.STOPPED,
    (Phase.CONNECTED, Event.START): Phase.STARTING,
    (Phase.CONNECTED, Event.CONNECT): Phase.CONNECTED,
    (Phase.CONNECTED, Event.LOSE): Phase.LOST,
    (Phase.CONNECTED, Event.STOP): Phase.STOPPED,
    (Phase.LOST, Event.START): Phase.LOST,
    (Phase.LOST, Event.CONNECT): Phase.CONNECTED,
    (Phase.LOST, Event.LOSE): Phase.LOST,
    (Phase.LOST, Event.STOP): Phase.STOPPED,
    (Phase.STOPPED, Event.START): Phase.STARTING,
    # What is still said while everything is let go changes nothing.
    (Phase.STOPPED, Event.CONNECT): Phase.STOPPED,
    (Phase.STOPPED, Event.LOSE): Phase.STOPPED,
    (Phase.STOPPED, Event.STOP): Phase.STOPPED,
}
"""The phase that follows on an event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCondition:
    """How a source stands with its peer, as its adapter knows it.

    ``since`` (UTC ns; 0: it has not begun) is when the phase began, ``reason`` why it is lost or stopped, and
    ``next_try`` (UTC ns; 0: none) when it is tried again. ``troubles`` name what does not work though it is
    connected, each with its reason: a signal that the server does not know, a file that cannot be read.
    """

    phase: Phase = Phase.STARTING
    since: int = 0
    reason: str = ""
    next_try: int = 0
    troubles: tuple[tuple[str, str], ...] = ()


class SourceRecord:
    """Keeps the condition of one source; times are UTC nanoseconds, as its clock gives them."""

    def __init__(self) -> None:
        self.condition = SourceCondition()

    def start(self, now: int) -> None:
        """Note that the source begins to look for its peer."""
        self._note(Event.START, now)

    def connect(self, now: int, troubles: Mapping[str, str] | None = None) -> None:
        """Note that there is a connection, and what does not work over it; without ``troubles``, everything does."""
        self._note(Event.CONNECT, now)
        self.condition = replace(self.condition, troubles=tuple((troubles or {}).items()))

    def lose(self, now: int, why: str, next_try: int = 0) -> None:
        """Note that there is none, since the first time that this is said; the newest reason and next try count."""
        self._note(Event.LOSE, now, why, next_try)

    def stop(self, now: int, why: str = "") -> None:
        """Note that it has ended: everything was read, or it was closed."""
        self._note(Event.STOP, now, why)

    def trouble(self, what: str, why: str) -> None:
        """Note one thing that does not work though there is a connection; the newest `MOST_TROUBLES` are kept."""
        troubles = {item: reason for item, reason in self.condition.troubles if item != what}
        self._set_troubles(dict([*troubles.items(), (what, why)][-MOST_TROUBLES:]))

    def mend(self, what: str) -> None:
        """Note that this works again, or for the first time."""
        troubles = dict(self.condition.troubles)
        if troubles.pop(what, None) is not None:
            self._set_troubles(troubles)

    def _set_troubles(self, troubles: Mapping[str, str]) -> None:
        self.condition = replace(self.condition, troubles=tuple(troubles.items()))

    def _note(self, event: Event, now: int, why: str = "", next_try: int = 0) -> None:
        old = self.condition
        phase = TRANSITIONS[old.phase, event]
        if phase is old.phase is Phase.STOPPED:
            return
        same = phase is old.phase and old.since != 0
        self.condition = SourceCondition(
            phase=phase,
            since=old.since if same else now,
            reason=why,
            next_try=next_try,
            troubles=old.troubles if phase is Phase.CONNECTED else (),
        )


def silence_allowed(plan: Plan, source: str) -> int:
    """Return how long (ns) a source may say nothing by the rates of its signals; 0: the plan expects no rate."""
    rates = [item.rate for item in plan.signals if item.source == source and item.rate is not None]
    return silence_of(max(rates)) if rates else 0


def silence_of(rate: float) -> int:
    """Return how long (ns) a signal of that many readings per second may say nothing."""
    return max(LEAST_SILENCE, round(SILENT_INTERVALS * SECOND / rate))


def source_health(
    source: str,
    condition: SourceCondition,
    *,
    heard: int,
    allowed: int,
    now: int,
    more_troubles: tuple[tuple[str, str], ...] = (),
) -> Health:
    """Return the health of a source at the time ``now``; the first rule that holds decides.

    ``heard`` is when it last delivered (0: never), ``allowed`` the silence that the plan allows (0: any), all in
    ns. ``more_troubles`` are what others than the adapter have noticed: signals that are silent.
    """
    told, troubles = max(heard, condition.since), (*condition.troubles, *more_troubles)
    if condition.phase is Phase.LOST:
        state, since, reason = State.LOST, condition.since, _lost(condition, now)
    elif condition.phase is not Phase.CONNECTED:
        state, since, reason = State(condition.phase.value), condition.since, condition.reason
    elif allowed and now - told > allowed:
        expected = f"a reading every {allowed / SECOND:g} s at least is expected"
        state, since, reason = (
            State.SILENT,
            told,
            f"connected, and nothing for {(now - told) / SECOND:.0f} s; {expected}",
        )
    elif troubles:
        state, since, reason = State.DEGRADED, condition.since, _troubles(troubles)
    else:
        state, since, reason = State.CONNECTED, condition.since, ""
    return Health(subject=Subject.SOURCE, id=source, state=state, since=since, reason=reason)


def _lost(condition: SourceCondition, now: int) -> str:
    if not condition.next_try:
        return condition.reason
    return f"{condition.reason}; tried again in {max(0, condition.next_try - now) / SECOND:.1f} s".removeprefix("; ")


def _troubles(troubles: tuple[tuple[str, str], ...], most: int = 3) -> str:
    shown = "; ".join(f"{what}: {why}" for what, why in troubles[:most])
    return shown if len(troubles) <= most else f"{shown}; and {len(troubles) - most} more"
