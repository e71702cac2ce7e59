"""What a station's tile says: one condition out of alerts, links and the latest judgements, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lineside.apps.plant.floor.alerts import is_late, priority_of, raised_at
from lineside.apps.plant.floor.cards import leading_trend
from lineside.apps.plant.floor.labels import characteristic_label, feature_labels, station_label
from lineside.apps.plant.floor.parts import StationParts
from lineside.apps.plant.floor.usual import bands, feature_trend, score_trend
from lineside.apps.plant.floor.views import Condition, LinkStatus, Tile, Trend, finite
from lineside.apps.web.language import word
from lineside.domain.alerting import OUTSIDE_EXPERIENCE
from lineside.domain.alerts import Alert, AlertKind
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.plan.model import Plan, Role, Station
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.units import HOUR

_MISSED_PARTS: Final = 3
"""Parts that may fail to come before a station counts as silent."""

_OF_STATE: Final[Mapping[JudgementState, Condition]] = {
    JudgementState.NORMAL: Condition.NORMAL,
    # A part above its limit without an open alert: the alert is still being decided, or was closed by somebody.
    JudgementState.ALARM: Condition.NORMAL,
    JudgementState.OUTSIDE_EXPERIENCE: Condition.OUTSIDE_EXPERIENCE,
    JudgementState.WARMING_UP: Condition.LEARNING,
    JudgementState.BAD_DATA: Condition.BAD_DATA,
}
_RANK: Final = {condition: rank for rank, condition in enumerate(Condition)}


@dataclass(frozen=True, kw_only=True, slots=True)
class StationSight:
    """All that a tile is made from; ``alerts`` are the station's open ones, the most urgent first.

    ``interrupting`` are the ids of those that interrupt; the others advise.
    """

    plan: Plan
    station: Station
    recipe: FeatureRecipe
    parts: StationParts
    alerts: tuple[Alert, ...]
    interrupting: frozenset[str]
    links: tuple[LinkStatus, ...]


def worst_of(predictions: Iterable[Prediction]) -> Prediction | None:
    """Return the judgement that a tile should speak of: the least ordinary state, then nearest its limit."""
    return min(predictions, key=lambda item: (_RANK[_OF_STATE[item.state]], item.limit - item.score), default=None)


def build_tile(sight: StationSight, now: int) -> Tile:
    """Return the tile of a station."""
    latest = sight.parts.latest()
    silent = _silence(sight, now)
    worst = worst_of(sight.parts.newest_judgements().values())
    base = Tile(
        station=sight.station.id,
        label=station_label(sight.plan, sight.station.id),
        condition=Condition.NO_DATA,
        stale=silent is not None,
        unit="" if latest is None else latest.unit,
        cycle_id="" if latest is None else latest.cycle_id,
        last_part=0 if latest is None else latest.ended,
        score=None if worst is None else finite(worst.score),
        limit=None if worst is None else finite(worst.limit),
        risk=None if worst is None else finite(worst.risk),
    )
    if sight.alerts:
        return _alerted(base, sight, sight.alerts[0], worst)
    if silent is not None:
        return _with(base, Condition.NO_DATA, detail=silent, since=base.last_part, trend=_quiet_trend(sight, worst))
    return _judged(base, sight, worst)


def _alerted(base: Tile, sight: StationSight, alert: Alert, worst: Prediction | None) -> Tile:
    priority = priority_of(alert)
    label = characteristic_label(sight.plan, alert.characteristic)
    quiet = _quiet_trend(sight, worst)
    return _with(
        base,
        _condition_of(alert, interrupts=alert.id in sight.interrupting),
        characteristic=label,
        priority=priority,
        alert_id=alert.id,
        taken=any(event.kind is AlertKind.TAKEN for event in alert.events),
        since=raised_at(alert),
        detail="" if worst is None else worst.reason,
        trend=leading_trend(sight.plan, sight.parts, sight.recipe, alert) if alert.active else quiet,
    )


def _condition_of(alert: Alert, *, interrupts: bool) -> Condition:
    if not alert.active:
        return Condition.RETURNED
    if is_late(alert):
        return Condition.CONTAINMENT
    if alert.cause == OUTSIDE_EXPERIENCE:
        return Condition.OUTSIDE_EXPERIENCE
    return Condition.ALARM if interrupts else Condition.ADVISORY


def _judged(base: Tile, sight: StationSight, worst: Prediction | None) -> Tile:
    trend = _quiet_trend(sight, worst)
    if worst is None:
        return _with(base, Condition.NOT_JUDGED, trend=trend)
    label = characteristic_label(sight.plan, worst.characteristic)
    return _with(base, _OF_STATE[worst.state], characteristic=label, detail=worst.reason, trend=trend)


def _quiet_trend(sight: StationSight, worst: Prediction | None) -> Trend | None:
    """Return the score where parts are judged, else the first feature of the process."""
    if worst is not None:
        return score_trend(sight.parts, worst.characteristic)
    process = next((item for item in sight.recipe.features if item.role is Role.PROCESS), None)
    if process is None or not sight.parts.ordered:
        return None
    label = feature_labels(sight.plan, sight.recipe)[process.name]
    band = bands(sight.parts, sight.recipe)[sight.recipe.names.index(process.name)]
    return feature_trend(sight.parts, sight.recipe, process.name, label, band=band)


def _silence(sight: StationSight, now: int) -> str | None:
    """Return why the station counts as silent, None where it does not."""
    lost = next((link for link in sight.links if not link.ok and sight.station.id in link.stations), None)
    if lost is not None:
        return lost.detail or f"{lost.name} lost"
    latest = sight.parts.latest()
    if latest is None:
        return word("no part yet")
    rate = sight.station.parts_per_hour
    allowed = max(sight.station.live_within, 0 if rate is None else round(_MISSED_PARTS * HOUR / rate))
    return word("no part comes") if now - latest.ended > allowed else None


def _with(tile: Tile, condition: Condition, **changes: object) -> Tile:
    values = {name: getattr(tile, name) for name in Tile.__slots__}
    return Tile(**{**values, "condition": condition, **changes})
