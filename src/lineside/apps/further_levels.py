"""Service levels that no part's judgement tells alone: whether alerts are answered, and what a part costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.apps.plant.evidence import ANSWERS, judging_of
from lineside.domain.performance.burning import PERIOD, LevelWatch, watch_level, watch_spending
from lineside.domain.performance.report import ADOPTION, COST
from lineside.domain.plan.model import Plan
from lineside.domain.uptake import ANSWERED_WITHIN
from lineside.wire.bundle import Bundle

_ALERTS: Final = """
SELECT r.time, EXISTS (SELECT 1 FROM alert_events a WHERE a.alert_id = r.alert_id AND a.kind IN ({answers})) AS answered
FROM alert_events r WHERE r.kind = 'raised' AND r.model = {model} AND r.time > {since} AND r.time <= {now}
  AND coalesce(r.suppressed, '') = ''
ORDER BY r.time
"""
_READINGS: Final = """
SELECT p.judged, coalesce(r.readings, 0) AS readings FROM predictions_as_judged p
LEFT JOIN (SELECT cycle_id, max(readings) AS readings FROM parts_as_judged GROUP BY cycle_id) r USING (cycle_id)
WHERE p.model = {model} AND p.judged > {since} AND p.judged <= {now} ORDER BY p.judged
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weight:
    """What the history keeps, in bytes: of a part with all that is said of it but its readings, and of a reading."""

    part: float
    reading: float


def weigh(query: HistoryQuery, history: Path) -> Weight:
    """Return what a history keeps on average of a part and of a reading."""
    counts, readings = query.counts(), _bytes(history / "readings")
    return Weight(
        part=(_bytes(history) - readings) / max(counts["parts"], 1), reading=readings / max(counts["readings"], 1)
    )


def further_levels(
    plan: Plan, bundle: Bundle, query: HistoryQuery, history: Path, now: int, weight: Weight | None
) -> tuple[LevelWatch, ...]:
    """Return how adoption and cost stand for a model in service; cost only where the plan gives rates.

    A part costs what the processor took for a golden part here, and the bytes that are kept of it: those of its
    records, and those of each of its readings (``weight``; None: cost is not asked for).
    """
    words = {"model": quoted(bundle.name), "since": now - PERIOD, "now": now}
    cost = () if weight is None else _cost(plan, bundle, query, weight, words, now)
    return (*_adoption(plan, query, history, words, now), *cost)


def _adoption(
    plan: Plan, query: HistoryQuery, history: Path, words: dict[str, object], now: int
) -> tuple[LevelWatch, ...]:
    """Return the level of alerts that are answered; what was raised in the last hour may still be."""
    if not (history / "alert_events").is_dir():
        return ()
    found = query.sql(_ALERTS.format(answers=ANSWERS, **words), ("alert_events",))
    time = found.column("time").to_numpy().astype(np.int64)
    answered = np.array(found.column("answered").to_pylist(), dtype=np.bool_)
    settled = answered | (time <= now - ANSWERED_WITHIN)
    return (watch_level(ADOPTION, time[settled], ~answered[settled], 1.0 - plan.service_levels.adoption, now),)


def _cost(
    plan: Plan, bundle: Bundle, query: HistoryQuery, weight: Weight, words: dict[str, object], now: int
) -> tuple[LevelWatch, ...]:
    rates, judging = plan.rates, judging_of(plan, bundle)
    if rates is None or judging is None:
        return ()
    found = query.sql(_READINGS.format(**words), ("predictions", "parts"))
    time = found.column("judged").to_numpy().astype(np.int64)
    size = weight.part + weight.reading * found.column("readings").to_numpy().astype(np.float64)
    cost = judging.cpu_seconds / 3600.0 * rates.processor_hour + size / 1e9 * rates.gigabyte
    return (watch_spending(COST, time, cost, plan.service_levels.cost_per_part, now),)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))
