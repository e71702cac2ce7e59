"""When an alert is raised, extended and cleared: the condition side of its life, which the gateway owns.

One alert is open per station, characteristic and cause; further parts in alarm extend it. It is raised when as many
parts in a row were in alarm as the plan says (`raise_after`, usually one) and clears when as many were judged normal
(`clear_after`, usually `GOOD_PARTS_TO_CLEAR`): on-delay and off-delay after ISA-18.2, against chattering alarms. A part
that was judged too late to be live raises a containment alert of its own: advisory, marked late, with the suspect
parts to hold back. A part whose score lies within the deadband below its limit counts neither way. An alert that a
person has closed while its condition stands is raised anew after the plan's `realarm_after`.

The engine is sans-IO: a prediction and the time go in, events come out, and the same predictions give the
same events with the same ids. `restore` takes it back to where its own past events left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lineside.domain.alerts import CONDITION_KINDS, Alert, AlertEvent, AlertKind
from lineside.domain.plan.model import AlertDelays, Plan, Priority, Reaction
from lineside.domain.predictions import JudgementState, Prediction

GOOD_PARTS_TO_CLEAR: Final = AlertDelays().clear_after
"""Unless the plan says otherwise."""
OUTSIDE_EXPERIENCE: Final = "outside_experience"
"""Cause of the advisory alert about conditions that the model has not learned from."""
_MOST_SUSPECTS: Final = 500
_DEADBANDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("l/min", "l/h", "l/s", "m3/h", "m3/min", "nl/min", "kg/h", "kg/s", "kg/min", "cm3/s"), 0.05),
    **dict.fromkeys(("bar", "mbar", "pa", "hpa", "kpa", "mpa", "psi"), 0.02),
    **dict.fromkeys(("degc", "°c", "c", "degf", "°f", "k"), 0.01),
}
"""Usual deadband by the unit that tells the kind of a signal: flow, pressure, temperature."""


@dataclass(slots=True)
class _Watch:
    """What is known of one characteristic: its open alerts by (cause, late) and the suspect parts since the last good.

    ``bad`` and ``good`` count the parts in a row that were in alarm or good; ``closed`` says when a person has
    closed an alert whose condition stands (UTC ns), by its id.
    """

    delays: AlertDelays
    open: dict[tuple[str, bool], str] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    suspects: list[str] = field(default_factory=list)
    bad: int = 0
    good: int = 0


class AlertEngine:
    """Turns the predictions of one station into alert events.

    Args:
        plan: the control plan, whose reactions give texts and priorities.
        station_id: the station.
        writer: who writes the events: the gateway's name.
    """

    def __init__(self, plan: Plan, station_id: str, writer: str) -> None:
        self._plan = plan
        self._station = station_id
        self._writer = writer
        self._watches = {item.id: _Watch(delays=item.alert) for item in plan.characteristics_at(station_id)}

    def take_plan(self, plan: Plan) -> None:
        """Take the reactions and delays of a plan that judges alike; what is open stays open."""
        self._plan = plan
        for item in plan.characteristics_at(self._station):
            self._watches[item.id].delays = item.alert

    def restore(self, events: Iterable[AlertEvent], predictions: Iterable[Prediction] = ()) -> None:
        """Take up the alerts that past events of this station left open, and how many parts in a row were what.

        Args:
            events: what was said, in that order, as far back as it is known.
            predictions: what this had been told, in that order. Without them an alert would clear by as many good
                parts later as there were before a restart, and take up what ought to be an alert of its own.
        """
        mine = [event for event in events if event.station == self._station and event.kind in CONDITION_KINDS]
        told = [item for item in predictions if item.station == self._station and item.characteristic in self._watches]
        since = {(item.characteristic, item.cycle_id) for item in told}
        before = [event for event in mine if (event.characteristic, event.cycle_id) not in since]
        for name, watch in self._watches.items():
            watch.open = _left_open(before, name)
            named = (unit for event in before if event.alert_id in watch.open.values() for unit in event.suspects)
            watch.suspects = list(dict.fromkeys(named))
        for prediction in told:
            self.observe(prediction, prediction.judged)
        for name, watch in self._watches.items():
            watch.open = _left_open(mine, name)  # what was raised anew, as a person had closed it, is told by events

    def hear(self, alert: Alert) -> None:
        """Learn that a person has closed an alert of this station."""
        watch = self._watches.get(alert.characteristic)
        if watch is not None and alert.closed is not None and alert.id in watch.open.values():
            watch.closed[alert.id] = alert.closed.time

    def observe(self, prediction: Prediction, now: int, silence: str = "") -> tuple[AlertEvent, ...]:
        """Return the events that a prediction brings about at the time ``now`` (UTC ns).

        ``silence`` is the plan's reason to suppress the part's alerts by design, ``""`` where there is none.
        """
        watch = self._watches[prediction.characteristic]
        if prediction.state is JudgementState.NORMAL:
            within = _in_deadband(prediction, self._deadband(watch, prediction.characteristic))
            return () if watch.open and within else self._good_part(watch, prediction, now)
        if prediction.state is JudgementState.ALARM:
            return self._alarm(watch, prediction, prediction.cause, now, silence)
        if prediction.state is JudgementState.OUTSIDE_EXPERIENCE and self._has_reaction(prediction):
            return self._alarm(watch, prediction, OUTSIDE_EXPERIENCE, now, silence)
        return ()

    def _deadband(self, watch: _Watch, characteristic: str) -> float:
        """Return the deadband of the open alerts: the plan's, else the widest usual one of their causes' signals."""
        if watch.delays.deadband is not None:
            return watch.delays.deadband
        named = {cause for cause, _ in watch.open}
        leading = [
            name for item in self._plan.reactions_to(characteristic) if item.id in named for name in item.signals
        ]
        return max((usual_deadband(self._plan.signal(name).unit) for name in leading), default=0.0)

    def _has_reaction(self, prediction: Prediction) -> bool:
        return bool(self._plan.reactions_to(prediction.characteristic, OUTSIDE_EXPERIENCE))

    def _alarm(
        self, watch: _Watch, prediction: Prediction, cause: str, now: int, silence: str
    ) -> tuple[AlertEvent, ...]:
        watch.bad, watch.good = watch.bad + 1, 0
        if prediction.unit not in watch.suspects:
            watch.suspects = [*watch.suspects, prediction.unit][-_MOST_SUSPECTS:]
        key = (cause, prediction.late)
        if key not in watch.open and watch.bad < watch.delays.raise_after:
            return ()
        closed = watch.closed.get(watch.open.get(key, ""))
        if closed is not None and now - closed >= watch.delays.realarm_after:
            del watch.closed[watch.open.pop(key)]
        kind = AlertKind.UPDATED if key in watch.open else AlertKind.RAISED
        alert_id = watch.open.setdefault(key, _alert_id(prediction, cause))
        suspects = tuple(watch.suspects) if kind is AlertKind.RAISED else (prediction.unit,)
        return (self._event(alert_id, kind, prediction, cause, suspects, now, silence),)

    def _good_part(self, watch: _Watch, prediction: Prediction, now: int) -> tuple[AlertEvent, ...]:
        watch.bad, watch.good = 0, watch.good + 1
        watch.suspects = []
        if watch.good < watch.delays.clear_after:
            return ()
        closing, watch.open, watch.closed = watch.open, {}, {}
        return tuple(
            self._event(alert_id, AlertKind.CLEARED, prediction, cause, (), now)
            for (cause, _), alert_id in closing.items()
        )

    def _event(
        self,
        alert_id: str,
        kind: AlertKind,
        prediction: Prediction,
        cause: str,
        suspects: tuple[str, ...],
        now: int,
        silence: str = "",
    ) -> AlertEvent:
        reaction = reaction_for(self._plan, prediction.characteristic, cause)
        advisory = prediction.late or cause == OUTSIDE_EXPERIENCE or reaction is None
        return AlertEvent(
            id=f"{alert_id}#{kind}@{prediction.cycle_id}",
            alert_id=alert_id,
            kind=kind,
            time=now,
            station=self._station,
            characteristic=prediction.characteristic,
            cause=cause,
            writer=self._writer,
            priority=Priority.ADVISORY if advisory or reaction is None else reaction.priority,
            text=_text(prediction, cause, "" if reaction is None else reaction.text),
            cycle_id=prediction.cycle_id,
            unit=prediction.unit,
            score=prediction.score,
            limit=prediction.limit,
            risk=prediction.risk,
            contributions=prediction.contributions,
            suspects=suspects,
            late=prediction.late,
            received=prediction.received,
            model=prediction.model,
            plan=prediction.plan,
            suppressed=silence,
            latching=reaction is not None and reaction.latch,
        )


def _left_open(events: Iterable[AlertEvent], characteristic: str) -> dict[tuple[str, bool], str]:
    """Return the alerts, by cause and lateness, that are open after events in their order."""
    left: dict[tuple[str, bool], str] = {}
    for event in events:
        if event.characteristic == characteristic and event.kind is AlertKind.CLEARED:
            left = {key: alert_id for key, alert_id in left.items() if alert_id != event.alert_id}
        elif event.characteristic == characteristic:
            left[event.cause, event.late] = event.alert_id
    return left


def _in_deadband(prediction: Prediction, share: float) -> bool:
    """Return whether a normal score lies so near below its limit that it says nothing of the condition's end."""
    return prediction.limit - share * abs(prediction.limit) < prediction.score <= prediction.limit


def usual_deadband(unit: str) -> float:
    """Return the usual deadband of a signal of that unit, as a share; 0 for a unit that tells no kind of signal.

    Source: starting figures by kind of signal after EEMUA 191 and ISA-18.2 (flow 5 %, pressure 2 %, temperature 1 %).
    """
    return _DEADBANDS.get(unit.strip().lower(), 0.0)


def _text(prediction: Prediction, cause: str, planned: str) -> str:
    """Return what the card says first: the plan's words, before them which condition is outside experience."""
    said = prediction.reason if cause == OUTSIDE_EXPERIENCE else ""
    return " ".join(text for text in (said, planned) if text)


def reaction_for(plan: Plan, characteristic: str, cause: str) -> Reaction | None:
    """Return the plan's reaction to a cause: the one of that id, else the one for any other cause."""
    reactions = plan.reactions_to(characteristic, OUTSIDE_EXPERIENCE if cause == OUTSIDE_EXPERIENCE else "alarm")
    named = next((item for item in reactions if item.id == cause), None)
    return named or next((item for item in reactions if not item.signals), None)


def _alert_id(prediction: Prediction, cause: str) -> str:
    late = "/late" if prediction.late else ""
    return f"{prediction.station}/{prediction.characteristic}/{cause}/{prediction.cycle_id}{late}"
