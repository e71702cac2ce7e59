"""What the re-runs of a prototype need of learning: answers as scores, neighbours, and the conditions seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from lineside.domain.adoption.case import Case
from lineside.domain.adoption.result import ConditionCover
from lineside.domain.errors import DataError
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Plan
from lineside.domain.readings import Float64, Int64
from lineside.learn.calibrate import log_odds
from lineside.learn.rows import bad_values, classes_of

_STEPS: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Answers:
    """How a prototype's raw answers become scores: bigger is worse, 0 where good and bad are as likely.

    ``classes`` is what a recipe is asked to tell apart: 2, the plan's number of classes, or 0 for a value. ``bad`` are
    the positions of the nonconforming ones.
    """

    classes: int
    bad: Int64
    low: float
    high: float
    sign: float

    @classmethod
    def of(cls, characteristic: Characteristic, outputs: int, *, flipped: bool) -> Answers:
        """Return how answers of so many columns are read for a characteristic.

        Raises:
            DataError: the columns are neither one nor the plan's classes.
        """
        limits = characteristic.specification
        low = -np.inf if limits is None or limits.lsl is None else limits.lsl
        high = np.inf if limits is None or limits.usl is None else limits.usl
        sign = -1.0 if flipped else 1.0
        if characteristic.kind is CharacteristicKind.VARIABLE:
            classes, bad, wanted = 0, np.empty(0, dtype=np.int64), (1, 1)
        else:
            known = classes_of(characteristic)
            named = bad_values(characteristic)
            bad = np.array([k for k, name in enumerate(known) if name in named], dtype=np.int64)
            classes = 2 if outputs == 1 else len(known)
            bad = np.array([1], dtype=np.int64) if outputs == 1 else bad
            wanted = (1, len(known))
        if outputs not in wanted:
            raise DataError(
                "the prototype answers in another number of columns than the plan has classes",
                field=characteristic.id,
                value=outputs,
                choices=wanted,
                next_step="let it answer with the risk of a nonconforming part, or with a column for each class of "
                "the plan",
            )
        return cls(classes=classes, bad=bad, low=float(low), high=float(high), sign=sign)

    def labels(self, case: Case) -> Float64:
        """Return what a recipe learns: whether a part is bad, its class, or its value."""
        if self.classes == 0:
            return case.label
        return case.bad.astype(np.float64) if self.classes == 2 else case.label

    def worth(self, raw: Float64) -> Float64:
        """Return what is compared with the truth: the value, or the score."""
        return raw[:, 0] if self.classes == 0 else self.score(raw)

    def score(self, raw: Float64) -> Float64:
        """Return scores ``(n,)`` of raw answers ``(n, outputs)``: log-odds of bad, or the way beyond a limit."""
        if self.classes == 0:
            return np.maximum(raw[:, 0] - self.high, self.low - raw[:, 0])
        if raw.shape[1] == 1:
            return self.sign * raw[:, 0]
        return log_odds(raw, self.bad)


def nearest_rows(rows: Float64) -> Int64:
    """Return for each row ``(n, k)`` the position of the nearest other one."""
    _, found = cKDTree(rows).query(rows, k=min(2, len(rows)))
    pairs = np.asarray(found, dtype=np.int64).reshape(len(rows), -1)
    own = np.arange(len(rows))
    return np.where(pairs[:, 0] == own, pairs[:, -1], pairs[:, 0])


def covered(plan: Plan, case: Case) -> tuple[ConditionCover, ...]:
    """Return what the parts have seen of each condition for which the plan declares a range."""
    found = []
    for limit in plan.envelope:
        values = next((v for name, v in case.environment.items() if name.split(".")[0] == limit.signal), None)
        if values is None or not np.isfinite(values).any():
            continue
        seen = values[np.isfinite(values)]
        steps = np.histogram(seen, bins=_STEPS, range=(limit.low, limit.high))[0]
        found.append(
            ConditionCover(
                signal=limit.signal,
                unit=plan.signal(limit.signal).unit,
                low=limit.low,
                high=limit.high,
                seen_low=float(seen.min()),
                seen_high=float(seen.max()),
                unseen=float(np.mean(steps == 0)),
            )
        )
    return tuple(found)


def outside_share(plan: Plan, case: Case) -> float:
    """Return the share of later parts within the envelope whose conditions lie beyond those of the earlier half.

    NaN where no condition is declared, or parts have no time.
    """
    declared = {limit.signal: limit for limit in plan.envelope}
    known = {name: v for name, v in case.environment.items() if name.split(".")[0] in declared}
    if case.time is None or not known or len(case) < 2:
        return float("nan")
    order = np.argsort(case.time, kind="stable")
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    outside = np.zeros(len(second), dtype=np.bool_)
    within = np.ones(len(second), dtype=np.bool_)
    for name, values in known.items():
        limit, early = declared[name.split(".")[0]], values[first][np.isfinite(values[first])]
        if not len(early):
            continue
        margin = 0.1 * float(early.max() - early.min())
        outside |= (values[second] < early.min() - margin) | (values[second] > early.max() + margin)
        within &= (values[second] >= limit.low) & (values[second] <= limit.high)
    return float(np.mean(outside[within])) if within.any() else float("nan")
