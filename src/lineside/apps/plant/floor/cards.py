"""An alert in full: what to do first, then why, how far to trust it, and what to hold back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lineside.apps.plant.floor.alerts import is_late, priority_of, raised_at
from lineside.apps.plant.floor.labels import (
    MOST_STATIONS,
    characteristic_label,
    feature_labels,
    signal_label,
    station_label,
)
from lineside.apps.plant.floor.parts import StationParts
from lineside.apps.plant.floor.reactions import cause_choices, cause_label
from lineside.apps.plant.floor.usual import feature_trend, score_trend
from lineside.apps.plant.floor.views import Card, HistoryEntry, MeasureView, StepView, Trend, Trust, Why, finite
from lineside.domain.alarm_load import is_stale
from lineside.domain.alerting import reaction_for
from lineside.domain.alerts import Alert, AlertEvent, AlertKind
from lineside.domain.features.recipe import FeatureRecipe, signals_of
from lineside.domain.nuisance import Decision
from lineside.domain.outcomes import Outcome
from lineside.domain.plan.model import Plan, Reaction, Step
from lineside.domain.predictions import Contribution
from lineside.domain.remedies import Remedies, in_order
from lineside.domain.remembering import once_each
from lineside.domain.units import MINUTE

_CAUSES: Final = 3
_LOOK_BACK: Final = 30 * MINUTE


@dataclass(frozen=True, kw_only=True, slots=True)
class CardSight:
    """All that a card is made from."""

    plan: Plan
    alert: Alert
    recipe: FeatureRecipe
    parts: StationParts
    trust: Trust
    decision: Decision
    remedies: Remedies
    outcomes_of: Callable[[str], tuple[Outcome, ...]]


def build_card(sight: CardSight, now: int) -> Card:
    """Return the card of an alert that was raised."""
    alert, plan = sight.alert, sight.plan
    first, latest = alert.raised, _seen(alert)
    assert first is not None
    reaction = reaction_for(plan, alert.characteristic, alert.cause)
    owner, escalates_to, escalates_at = _owners(alert, reaction, now)
    closed, shelving = alert.closed, alert.shelving(now)
    return Card(
        id=alert.id,
        station=alert.station,
        station_label=station_label(plan, alert.station),
        characteristic=alert.characteristic,
        characteristic_label=characteristic_label(plan, alert.characteristic),
        cause=alert.cause,
        priority=priority_of(alert),
        state=alert.state(now),
        late=is_late(alert),
        active=alert.active,
        raised=raised_at(alert),
        text=first.text or ("" if reaction is None else reaction.text),
        owner=owner,
        due=0 if reaction is None else raised_at(alert) + reaction.within,
        escalates_to=escalates_to,
        escalates_at=escalates_at,
        steps=_steps(alert, reaction, sight.remedies),
        trend=leading_trend(plan, sight.parts, sight.recipe, alert),
        why=_why(plan, sight.recipe, latest),
        score=finite(latest.score),
        limit=finite(latest.limit),
        risk=finite(latest.risk),
        trust=sight.trust,
        signals=_signals(plan, alert.station),
        missing=_missing(sight, latest),
        suspects=alert.suspects,
        unit=latest.unit,
        cycle_id=latest.cycle_id,
        model=first.model,
        plan=first.plan,
        taken_by=_by(alert, AlertKind.TAKEN),
        help_asked=_when(alert, AlertKind.HELP),
        shelved_until=0 if shelving is None else shelving.until,
        one_shot=shelving is not None and shelving.one_shot,
        suppressed=alert.suppressed,
        out_of_service=alert.out_of_service is not None,
        stale=is_stale(alert, now),
        notice=sight.decision.notice,
        grounds=sight.decision.grounds,
        expected_value=sight.decision.value,
        verdict=None if closed is None else closed.verdict,
        cause_code="" if closed is None else closed.cause_code,
        cause_label="" if closed is None else cause_label(plan, alert.characteristic, closed.cause_code),
        found=_found(sight, alert),
        causes=cause_choices(plan, alert.characteristic),
        history=tuple(_entry(event) for event in alert.events),
    )


@once_each(MOST_STATIONS)
def _signals(plan: Plan, station: str) -> int:
    """Return from how many signals a station's parts are made."""
    return len(signals_of(plan, station))


def leading_trend(plan: Plan, parts: StationParts, recipe: FeatureRecipe, alert: Alert) -> Trend | None:
    """Return the trend of the first cause as it was named when raised, else of the score; up to when it was over."""
    first = alert.raised
    named = () if first is None else first.contributions
    for cause in sorted(named, key=lambda item: -abs(item.share)):
        label = _feature_name(plan, recipe, cause.feature, cause.signal)
        latest = alert.latest_condition
        over = None if latest is None or alert.active else latest.time
        window = raised_at(alert) - _LOOK_BACK, over
        trend = feature_trend(parts, recipe, cause.feature, label, band=_band(cause), window=window, least_run=1)
        if trend is not None and trend.values:
            return trend
    return score_trend(parts, alert.characteristic)


def _band(cause: Contribution) -> tuple[float, float] | None:
    return (cause.low, cause.high) if math.isfinite(cause.low) and math.isfinite(cause.high) else None


def _seen(alert: Alert) -> AlertEvent:
    """Return the newest event that says what was seen; clearing says only that it is over."""
    seen = [event for event in alert.events if event.kind in {AlertKind.RAISED, AlertKind.UPDATED}]
    return seen[-1]


def _feature_name(plan: Plan, recipe: FeatureRecipe, feature: str, signal: str) -> str:
    return feature_labels(plan, recipe).get(feature) or signal_label(plan, signal)


def _why(plan: Plan, recipe: FeatureRecipe, event: AlertEvent) -> tuple[Why, ...]:
    strongest = sorted(event.contributions, key=lambda item: -abs(item.share))[:_CAUSES]
    return tuple(
        Why(
            label=_feature_name(plan, recipe, item.feature, item.signal),
            signal=item.signal,
            unit=item.unit,
            now=finite(item.value),
            usual=finite(item.usual),
            low=finite(item.low),
            high=finite(item.high),
            share=finite(item.share),
            conditional=item.conditional,
        )
        for item in strongest
    )


def _steps(alert: Alert, reaction: Reaction | None, known: Remedies) -> tuple[StepView, ...]:
    done = {event.step: event for event in alert.events if event.kind is AlertKind.STEP}
    if reaction is None:
        return ()
    begun = raised_at(alert)
    return tuple(
        _step(number, step, done.get(number), known, begun + (reaction.within if step.within is None else step.within))
        for number, step in in_order(reaction.steps, known)
    )


def _step(number: int, step: Step, event: AlertEvent | None, known: Remedies, due: int) -> StepView:
    measured = None if event is None else event.measured
    wrong = step.measure is not None and measured is not None and not step.measure.is_right(measured)
    return StepView(
        number=number,
        do=step.do.value,
        text=step.text,
        instruction=step.instruction,
        done=event is not None and not wrong,
        owner=step.owner,
        due=due,
        picture=step.picture,
        document=step.document,
        measure=None if step.measure is None else MeasureView(**step.measure.model_dump()),
        measured=measured,
        solved=known.solved.get(step.text, 0),
        of=known.of,
    )


def _owners(alert: Alert, reaction: Reaction | None, now: int) -> tuple[str, str, int]:
    """Return who has to act now, who is next and when: an alert goes on by the plan while nobody has taken it."""
    if reaction is None:
        return "", "", 0
    if alert.closed is not None or _by(alert, AlertKind.TAKEN):
        return reaction.owner, "", 0
    owner, since = reaction.owner, raised_at(alert)
    for step in sorted(reaction.escalation, key=lambda item: item.after):
        if since + step.after > now:
            return owner, step.to, since + step.after
        owner = step.to
    return owner, "", 0


def _missing(sight: CardSight, event: AlertEvent) -> tuple[str, ...]:
    part = sight.parts.by_key.get((event.cycle_id, event.unit))
    return () if part is None else tuple(signal_label(sight.plan, name) for name in part.missing)


def _found(sight: CardSight, alert: Alert) -> tuple[Outcome, ...]:
    units = dict.fromkeys((*alert.suspects, *(event.unit for event in alert.events if event.unit)))
    found = [outcome for unit in units for outcome in sight.outcomes_of(unit)]
    return tuple(outcome for outcome in found if outcome.characteristic == alert.characteristic)


def _by(alert: Alert, kind: AlertKind) -> str:
    return next((event.by for event in reversed(alert.events) if event.kind is kind), "")


def _when(alert: Alert, kind: AlertKind) -> int:
    return next((event.time for event in reversed(alert.events) if event.kind is kind), 0)


def _entry(event: AlertEvent) -> HistoryEntry:
    return HistoryEntry(
        time=event.time,
        kind=event.kind.value,
        by=event.by,
        verdict=event.verdict,
        cause_code=event.cause_code,
        note=event.note,
        step=event.step,
        until=event.until,
        measured=event.measured,
        measured_unit=event.measured_unit,
    )
