"""What the gateway's own page shows: its open alerts and the parts it judged lately, from memory.

Condition events come from the gateway itself, responses from its page and from the plant; an alert is the fold of both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from lineside.domain.alerts import Alert, AlertEvent, AlertKind, AlertState, fold
from lineside.domain.answers import agreement
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan, Priority, Step
from lineside.domain.predictions import Prediction
from lineside.flows.judge import Judged

MOST_ALERTS: Final = 200
MOST_UPDATES: Final = 200
"""Events of one alert that are kept; beyond that its oldest updates go."""
MOST_PARTS: Final = 20
_RANK: Final = {Priority.CRITICAL: 0, Priority.HIGH: 1, Priority.ADVISORY: 2}
_OVER: Final = frozenset({AlertState.CLOSED, AlertState.NORMAL})


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedPart:
    """A part with what was said of it."""

    part: PartRecord
    predictions: tuple[Prediction, ...] = ()


class LocalFloor:
    """Remembers alerts and parts, bounded."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._events: dict[str, dict[str, AlertEvent]] = {}
        self._parts: deque[JudgedPart] = deque(maxlen=MOST_PARTS)

    def take_plan(self, plan: Plan) -> None:
        """Take the reactions of a plan that judges alike."""
        self._plan = plan

    def follow(self, judged: Judged) -> None:
        """Take in what has just been judged: parts, predictions (a part may get some of them later), alert events."""
        for part in judged.parts:
            self._parts.appendleft(JudgedPart(part=part))
        said = {prediction.cycle_id for prediction in judged.predictions}
        for place, known in enumerate(self._parts):
            if known.part.cycle_id in said:
                new = (item for item in judged.predictions if item.cycle_id == known.part.cycle_id)
                self._parts[place] = replace(known, predictions=(*known.predictions, *new))
        self.take(judged.events)

    def take(self, events: Iterable[AlertEvent]) -> None:
        """Take in alert events, in any order and more than once."""
        for event in events:
            known = self._events.setdefault(event.alert_id, {})
            known[event.id] = event
            if len(known) > MOST_UPDATES:
                updates = [item for item in known.values() if item.kind is AlertKind.UPDATED]
                if updates:
                    del known[min(updates, key=lambda item: item.time).id]
        while len(self._events) > MOST_ALERTS:
            del self._events[next(iter(self._events))]

    def alert(self, alert_id: str) -> Alert | None:
        """Return an alert as its events make it."""
        return fold(self._events.get(alert_id, {}).values()).get(alert_id)

    def alerts(self) -> tuple[Alert, ...]:
        """Return every alert that is remembered and was raised here."""
        found = (self.alert(alert_id) for alert_id in self._events)
        return tuple(item for item in found if item is not None and item.raised is not None)

    def open_alerts(self, now: int) -> tuple[Alert, ...]:
        """Return the alerts that want something at the time ``now``: the most urgent first, then the newest."""
        wanted = [alert for alert in self.alerts() if alert.state(now) not in _OVER]
        return tuple(sorted(wanted, key=lambda alert: (self._rank(alert), -_raised(alert))))

    def unanswered(self) -> tuple[str, ...]:
        """Return the ids of the alerts that are not closed and agreed on: those whose answers the plant may have."""
        return tuple(alert.id for alert in self.alerts() if alert.closed is None or agreement(alert) is None)

    @property
    def parts(self) -> tuple[JudgedPart, ...]:
        """The parts judged lately, the newest first."""
        return tuple(self._parts)

    def steps(self, alert: Alert) -> tuple[Step, ...]:
        """Return the plan's reaction to an alert, step by step; empty where it has none."""
        return next((item.steps for item in self._plan.reactions if item.id == alert.cause), ())

    def steps_done(self, alert: Alert) -> frozenset[int]:
        """Return the numbers of the steps that were marked as done, from 1."""
        return frozenset(event.step for event in alert.events if event.step is not None)

    def _rank(self, alert: Alert) -> int:
        return 3 if alert.raised is None else _RANK[alert.raised.priority]


def _raised(alert: Alert) -> int:
    return 0 if alert.raised is None else alert.raised.time
