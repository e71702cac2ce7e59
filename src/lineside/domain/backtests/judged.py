"""What was answered for every unit judged, in columns: the table behind every figure of a backtest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.predictions import JudgementState, Prediction

SCORE_COLUMNS: Final = ("unit", "time", "group", "score", "limit", "alarm", "state", "prediction", "outcome", "risk")
"""The columns of a scores file, in order."""

TEXTS: Final = ("unit", "group", "state", "predicted", "outcome")
NUMBERS: Final = ("score", "limit", "alarm", "raised", "risk", "low", "high")

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Int64 = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """One row per unit judged; every column has length ``n``.

    ``time`` is the start of the unit in UTC ns, None for data without time. ``predicted`` is the class or value
    expected, ``low``/``high`` its interval and ``risk`` the calibrated probability, NaN where the model gives
    none. ``raised`` marks the units at which the alert engine opened an alert. Units of one group stand together, in
    the order judged.
    """

    unit: tuple[str, ...]
    time: Int64 | None
    group: tuple[str, ...]
    score: Floats
    limit: Floats
    alarm: Bools
    raised: Bools
    state: tuple[str, ...]
    predicted: tuple[str, ...]
    outcome: tuple[str, ...]
    risk: Floats
    low: Floats
    high: Floats

    def __len__(self) -> int:
        """Return the number of units judged."""
        return len(self.unit)

    def take(self, rows: Int64 | Bools) -> Judged:
        """Return the units chosen by positions or a mask."""
        where = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        columns: dict[str, Any] = {name: tuple(getattr(self, name)[row] for row in where) for name in TEXTS}
        columns |= {name: getattr(self, name)[where] for name in NUMBERS}
        return replace(self, time=None if self.time is None else self.time[where], **columns)

    def score_columns(self) -> dict[str, Sequence[Any]]:
        """Return the columns of the scores file; ``time`` is UTC ns or None."""
        time: list[int | None] = [None] * len(self) if self.time is None else self.time.tolist()
        columns = (
            self.unit,
            time,
            self.group,
            self.score.tolist(),
            self.limit.tolist(),
            self.alarm.tolist(),
            self.state,
            self.predicted,
            self.outcome,
            self.risk.tolist(),
        )
        return dict(zip(SCORE_COLUMNS, columns, strict=True))


def judged_from(
    predictions: Sequence[Prediction],
    raised: Sequence[bool],
    group: Sequence[str],
    outcome: Sequence[str],
    *,
    timed: bool,
) -> Judged:
    """Return the columns of predictions, one per unit, with the units' alerts, groups and outcomes beside them."""

    def numbers(values: Sequence[float | None]) -> Floats:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    return Judged(
        unit=tuple(item.unit for item in predictions),
        time=np.array([item.started for item in predictions], dtype=np.int64) if timed else None,
        group=tuple(group),
        score=numbers([item.score for item in predictions]),
        limit=numbers([item.limit for item in predictions]),
        alarm=np.array([item.state is JudgementState.ALARM for item in predictions], dtype=np.bool_),
        raised=np.array(raised, dtype=np.bool_),
        state=tuple(item.state.value for item in predictions),
        predicted=tuple(item.predicted for item in predictions),
        outcome=tuple(outcome),
        risk=numbers([item.risk for item in predictions]),
        low=numbers([item.low for item in predictions]),
        high=numbers([item.high for item in predictions]),
    )


def joined(pieces: Sequence[Judged]) -> Judged:
    """Return all pieces in order; there must be one at least, and all with time or all without."""
    times = [piece.time for piece in pieces if piece.time is not None]
    columns: dict[str, Any] = {name: tuple(text for piece in pieces for text in getattr(piece, name)) for name in TEXTS}
    columns |= {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in NUMBERS}
    return Judged(time=np.concatenate(times) if len(times) == len(pieces) else None, **columns)
