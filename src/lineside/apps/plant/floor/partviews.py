"""One part in a list, and one part with everything that is known of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineside.apps.plant.floor.labels import feature_labels, signal_label
from lineside.apps.plant.floor.parts import StationParts
from lineside.apps.plant.floor.reactions import cause_label
from lineside.apps.plant.floor.tiles import worst_of
from lineside.apps.plant.floor.usual import bands
from lineside.apps.plant.floor.views import FeatureView, Feedback, PartSummary, Surrounding, finite
from lineside.domain.alerts import Alert
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan, Role
from lineside.domain.predictions import Contribution


def summarise(part: PartRecord, parts: StationParts, outcomes: Sequence[Outcome]) -> PartSummary:
    """Return the part as a list shows it."""
    worst = worst_of(parts.judgements(part).values())
    return PartSummary(
        station=part.station,
        cycle_id=part.cycle_id,
        unit=part.unit,
        started=part.started,
        ended=part.ended,
        received=part.received,
        late=part.late,
        incomplete=part.incomplete,
        state="" if worst is None else worst.state.value,
        score=None if worst is None else finite(worst.score),
        limit=None if worst is None else finite(worst.limit),
        risk=None if worst is None else finite(worst.risk),
        outcome=", ".join(dict.fromkeys(outcome.value for outcome in outcomes)),
    )


def feature_views(plan: Plan, recipe: FeatureRecipe, part: PartRecord, parts: StationParts) -> tuple[FeatureView, ...]:
    """Return the part's features against what is usual, as the model says, else of late."""
    if part.recipe != recipe.digest:
        return ()
    said = {item.feature: item for found in parts.judgements(part).values() for item in found.contributions}
    views, labels = [], feature_labels(plan, recipe)
    for spec, number, recent in zip(recipe.features, part.features, bands(parts, recipe), strict=True):
        known = said.get(spec.name)
        low, high = _band(known, recent)
        value = finite(float(number))
        views.append(
            FeatureView(
                name=spec.name,
                label=labels[spec.name],
                signal=spec.signal,
                role=spec.role.value,
                unit=spec.unit,
                value=value,
                low=low,
                high=high,
                outside=value is not None and low is not None and high is not None and not low <= value <= high,
                by_model=known is not None,
                conditional=known is not None and known.conditional,
                share=0.0 if known is None else finite(known.share) or 0.0,
            )
        )
    return tuple(views)


def _band(known: Contribution | None, recent: tuple[float, float] | None) -> tuple[float | None, float | None]:
    if known is not None and math.isfinite(known.low) and math.isfinite(known.high):
        return known.low, known.high
    return (None, None) if recent is None else recent


def feedback_about(plan: Plan, unit: str, alerts: Sequence[Alert], now: int) -> tuple[Feedback, ...]:
    """Return what people answered to the alerts that concerned a unit, newest first."""
    about = [alert for alert in alerts if unit in alert.suspects or any(event.unit == unit for event in alert.events)]
    return tuple(_feedback(plan, alert, now) for alert in about)


def _feedback(plan: Plan, alert: Alert, now: int) -> Feedback:
    closed = alert.closed
    last = alert.events[-1]
    return Feedback(
        alert_id=alert.id,
        characteristic=alert.characteristic,
        verdict=None if closed is None else closed.verdict,
        cause_code="" if closed is None else closed.cause_code,
        cause_label="" if closed is None else cause_label(plan, alert.characteristic, closed.cause_code),
        by="" if closed is None else closed.by,
        time=last.time if closed is None else closed.time,
        state=alert.state(now),
    )


def met_by(plan: Plan, recipe: FeatureRecipe, part: PartRecord) -> dict[str, Surrounding]:
    """Return the environment as a part met it: one number per signal; nothing where the plan has changed since."""
    if part.recipe != recipe.digest:
        return {}
    return {
        spec.signal: Surrounding(
            signal=spec.signal, label=signal_label(plan, spec.signal), unit=spec.unit, value=float(value)
        )
        for spec, value in zip(recipe.features, part.features, strict=True)
        if spec.role is Role.ENVIRONMENT and math.isfinite(value)
    }
