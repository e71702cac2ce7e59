"""The performance of models in service: what they judged in the last 30 days, joined with what was found since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.apps.further_levels import further_levels, weigh
from lineside.apps.plant.evidence import held_out_of
from lineside.domain.outcomes import is_nonconforming, precedence_of
from lineside.domain.performance.burning import PERIOD
from lineside.domain.performance.judged import JudgedParts
from lineside.domain.performance.measured import Share
from lineside.domain.performance.report import (
    WINDOW,
    LearnedFrom,
    PerformanceReport,
    performance,
    with_change,
    with_levels,
)
from lineside.domain.performance.values import ExpectedValues
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Plan
from lineside.domain.predictions import JudgementState

_JUDGED: Final = """
SELECT p.judged, p.judged - p.received AS delay, p.state, coalesce(p.risk, 'nan'::DOUBLE) AS risk,
       coalesce(o.value, '') AS value, coalesce(o.found - p.ended, 0) AS lag, coalesce(c.said, []) AS said
FROM predictions_as_judged p LEFT JOIN latest_outcomes o ON o.unit = p.unit AND o.characteristic = p.characteristic
LEFT JOIN contradictions c ON c.unit = p.unit AND c.characteristic = p.characteristic
WHERE p.model = {model} AND p.judged > {since} AND p.judged <= {now} ORDER BY p.judged
"""
_VALUES: Final = """
SELECT count(*) AS n, sqrt(avg(power(o.value::DOUBLE - p.predicted::DOUBLE, 2))) AS rmse,
       avg(o.value::DOUBLE - p.predicted::DOUBLE) AS off,
       count(*) FILTER (o.value::DOUBLE BETWEEN p.low AND p.high) AS held,
       sqrt(avg(power(o.value::DOUBLE - p.predicted::DOUBLE + coalesce(p.bias, 0), 2))) AS alone,
       count(p.bias) AS corrected
FROM predictions_as_judged p JOIN latest_outcomes o ON o.unit = p.unit AND o.characteristic = p.characteristic
WHERE p.model = {model} AND p.judged > {since} AND p.judged <= {now} AND p.predicted <> '' AND p.low IS NOT NULL
  AND isfinite(TRY_CAST(o.value AS DOUBLE))
"""
_COULD: Final = (JudgementState.NORMAL.value, JudgementState.ALARM.value)


@dataclass(frozen=True, slots=True)
class PerformanceLook:
    """Looks at the performance of every model in service."""

    plan: Plan
    folder: BundleFolder
    history: Path

    def __call__(self, now: int) -> tuple[PerformanceReport, ...]:
        """Return a report for each model in service at a moment (UTC ns), in the plan's order of stations."""
        if not (self.history / "predictions").is_dir():
            return ()
        query = HistoryQuery(self.history, precedence_of(self.plan))
        weight = None if self.plan.rates is None else weigh(query, self.history)
        reports = []
        for station in self.plan.stations:
            for bundle in self.folder.active(station.id):
                name = bundle.manifest.characteristic
                parts = judged_parts(query, self.plan.characteristic(name), bundle.name, now - PERIOD, now)
                training, held_out = bundle.manifest.training, held_out_of(bundle.manifest)
                learned = LearnedFrom(first=training.since, last=training.last)
                found = performance(self.plan, station.id, name, bundle.name, parts, held_out, now, learned)
                if self.plan.characteristic(name).kind is CharacteristicKind.VARIABLE:
                    found = replace(found, values=expected_values(query, bundle.name, now - WINDOW, now))
                if found.since.worse:
                    whole = judged_parts(query, self.plan.characteristic(name), bundle.name, training.last, now)
                    found = with_change(found, whole, held_out)
                further = further_levels(self.plan, bundle, query, self.history, now, weight)
                reports.append(with_levels(found, further))
        return tuple(reports)


def judged_parts(query: HistoryQuery, characteristic: Characteristic, model: str, since: int, now: int) -> JudgedParts:
    """Return what a model judged after ``since`` until ``now`` (UTC ns), with what was found of each part."""
    text = _JUDGED.format(model=quoted(model), since=int(since), now=int(now))
    return _columns(characteristic, query.sql(text, ("predictions", "outcomes")))


def expected_values(query: HistoryQuery, model: str, since: int, now: int) -> ExpectedValues | None:
    """Return what a model expected after ``since`` until ``now`` (UTC ns) against what was measured, if anything."""
    text = _VALUES.format(model=quoted(model), since=int(since), now=int(now))
    (found,) = query.sql(text, ("predictions", "outcomes")).to_pylist()
    if not found["n"]:
        return None
    return ExpectedValues(
        rmse=found["rmse"],
        off=found["off"],
        held=Share(hits=found["held"], of=found["n"]),
        alone=found["alone"] if found["corrected"] else None,
    )


def _columns(characteristic: Characteristic, table: pa.Table) -> JudgedParts:
    state = np.array(table.column("state").to_pylist(), dtype=object)
    value = np.array(table.column("value").to_pylist(), dtype=object)
    verdicts = {text: is_nonconforming(characteristic, text) for text in set(value.tolist())}
    truth = [verdicts[text] for text in value.tolist()]
    return JudgedParts(
        judged=table.column("judged").to_numpy().astype(np.int64),
        delay=table.column("delay").to_numpy().astype(np.int64),
        could=np.isin(state, _COULD),
        outside=state == JudgementState.OUTSIDE_EXPERIENCE.value,
        warming=state == JudgementState.WARMING_UP.value,
        alarm=state == JudgementState.ALARM.value,
        risk=table.column("risk").to_numpy().astype(np.float64),
        known=np.array([item is not None for item in truth], dtype=np.bool_),
        bad=np.array([bool(item) for item in truth], dtype=np.bool_),
        lag=table.column("lag").to_numpy().astype(np.int64),
        contradicted=np.array(
            [_contradict(characteristic, said) for said in table.column("said").to_pylist()], dtype=np.bool_
        ),
    )


def _contradict(characteristic: Characteristic, said: Sequence[str]) -> bool:
    """Whether some of what sources say of a part is good and some bad; two bad classes do not contradict each other."""
    return {True, False} <= {is_nonconforming(characteristic, text) for text in said}
