"""The figures of a backtest by kind of characteristic, and the same figures for predictors that know nothing.

Units whose outcome is not known are judged and counted, but no figure is made of them. Episodes begin and
end as alerts are raised and clear, by the delays of the plan. Every figure is a share
(0.01, not percent), a count, or says its unit in its name; one that does not exist is NaN.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.backtests.judged import Bools, Floats, Judged
from lineside.domain.metrics.bootstrap import group_interval
from lineside.domain.metrics.calibration import brier_score, expected_calibration_error
from lineside.domain.metrics.confusion import accuracy_per_class, class_accuracy, confusion, share
from lineside.domain.metrics.episodes import report_events, stretches
from lineside.domain.metrics.ranking import average_precision, roc_auc
from lineside.domain.metrics.regression import interval_coverage, rmse
from lineside.domain.metrics.trivial import alarm_after, always_alarm, class_prior, last_value, never_alarm
from lineside.domain.outcomes import is_nonconforming
from lineside.domain.plan.model import AlertDelays, Characteristic, CharacteristicKind
from lineside.domain.predictions import JudgementState

Figures = dict[str, Any]
"""Figures by name: a number, the accuracy per class (a mapping), or the intervals (pairs by name of figure)."""

INTERVALS: Final = ("recall", "precision", "f1", "false_alarm_rate")
"""The figures that get a bootstrap interval (90 %, percentile, over groups)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureOptions:
    """How figures are made.

    ``seed`` draws the bootstrap; ``after`` is the trivial clock's number of units; ``by_unit`` says that units
    are independent parts, so that with a single group the bootstrap draws units.
    """

    seed: int = 0
    after: int = 200
    by_unit: bool = False


def figures(characteristic: Characteristic, judged: Judged, options: FigureOptions) -> Figures:
    """Return every figure that the characteristic's kind has, with intervals."""
    result = plain_figures(characteristic, judged)
    bad, known = truth_of(characteristic, judged.outcome)
    if known.any():
        result["intervals"] = _intervals(bad[known], judged.take(known), options)
    return result


def plain_figures(characteristic: Characteristic, judged: Judged) -> Figures:
    """Return every figure that the characteristic's kind has, without intervals."""
    result = _figures(characteristic, judged)
    states = Counter(judged.state)
    for state in JudgementState:
        if state is not JudgementState.NORMAL:
            result[f"share_{state.value}"] = share(states[state.value], len(judged))
    return result


def trivial_figures(
    characteristic: Characteristic, judged: Judged, trained: Sequence[str], options: FigureOptions
) -> dict[str, Figures]:
    """Return the figures of always alarm, never alarm, alarm after N, and class prior or last value.

    ``trained`` are the outcomes of the units learned from, ``""`` where unknown.
    """
    rows: dict[str, Judged] = {}
    if _hastruth_of(characteristic, judged.outcome):
        clock = alarm_after(judged.group, options.after)
        rows = {
            "always_alarm": _answering(judged, always_alarm(judged.group)),
            "never_alarm": _answering(judged, never_alarm(judged.group)),
            f"alarm_after_{options.after}": _answering(judged, clock),
        }
    known = [text for text in trained if text]
    if characteristic.kind is CharacteristicKind.VARIABLE:
        rows |= _trivial_values(judged, known)
    elif known:
        rows["class_prior"] = _prior(characteristic, judged, known)
    return {name: _figures(characteristic, answer) for name, answer in rows.items()}


# -- the figures ------------------------------------------------------------------------------------------


def _figures(characteristic: Characteristic, judged: Judged) -> Figures:
    bad, known = truth_of(characteristic, judged.outcome)
    result: Figures = {"units_with_outcome": float(sum(text != "" for text in judged.outcome))}
    if characteristic.kind is CharacteristicKind.VARIABLE:
        result |= _value_figures(judged)
    elif characteristic.classes:
        result |= _class_figures(judged)
    if known.any():
        result |= _alarm_figures(bad[known], judged.take(known), characteristic.alert)
    return result


def _alarm_figures(bad: Bools, judged: Judged, delays: AlertDelays) -> Figures:
    counts = confusion(bad, judged.alarm)
    scored = ~np.isnan(judged.score)
    result: Figures = {
        "nonconforming": float(bad.sum()),
        "recall": counts.recall,
        "precision": counts.precision,
        "f1": counts.f1,
        "false_alarm_rate": counts.false_alarm_rate,
        "false_alarm_rate_later_half": _later_false_alarms(bad, judged),
        "missed_alarm_rate": counts.missed_alarm_rate,
        "average_precision": average_precision(bad[scored], judged.score[scored]),
        "auc": roc_auc(bad[scored], judged.score[scored]),
        "false_alarms_per_1000_parts": share(1000 * counts.fp, len(bad)),
    }
    risky = ~np.isnan(judged.risk)
    if risky.any():
        result["ece"] = expected_calibration_error(bad[risky], judged.risk[risky])
        result["brier"] = brier_score(bad[risky], judged.risk[risky])
    return result | (_event_figures(bad, judged, delays) if judged.time is not None else {})


def _later_false_alarms(bad: Bools, judged: Judged) -> float:
    """Return the share of alarms among the later half of each group's good units: what drift does to a limit."""
    good = np.flatnonzero(~bad)
    position: Counter[str] = Counter()
    total = Counter(judged.group[row] for row in good)
    later = []
    for row in good:
        name = judged.group[row]
        later.append(2 * position[name] >= total[name])
        position[name] += 1
    chosen = good[np.array(later, dtype=np.bool_)] if len(good) else good
    return share(int(judged.alarm[chosen].sum()), len(chosen))


def _event_figures(bad: Bools, judged: Judged, delays: AlertDelays) -> Figures:
    raised_and_cleared = (delays.clear_after, delays.raise_after)
    report = report_events(bad, judged.alarm, judged.group, judged.time, *raised_and_cleared)
    return {
        "alarm_episodes": float(report.episodes),
        "false_episodes": float(report.false_episodes),
        "alarm_episodes_per_hour": report.episodes_per_hour,
        "false_episodes_per_hour": report.false_episodes_per_hour,
        "alarm_episodes_per_1000_parts": report.episodes_per_thousand,
        "false_episodes_per_1000_parts": report.false_episodes_per_thousand,
        "alerts": float(judged.raised.sum()),
        "false_alerts": float(np.sum(judged.raised & ~bad)),
        "events": float(report.events),
        "events_found": float(report.found),
        "events_touched": float(report.touched),
        "median_delay_seconds": report.median_delay_seconds,
        "median_delay_units": report.median_delay_units,
    }


def _class_figures(judged: Judged) -> Figures:
    pairs = [(truth, answer) for truth, answer in zip(judged.outcome, judged.predicted, strict=True) if truth]
    truth, answer = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if not any(answer):
        return {}
    return {"accuracy": class_accuracy(truth, answer), "accuracy_per_class": accuracy_per_class(truth, answer)}


def _value_figures(judged: Judged) -> Figures:
    known = np.array([bool(truth and answer) for truth, answer in zip(judged.outcome, judged.predicted, strict=True)])
    if not known.any():
        return {}
    chosen = judged.take(known)
    truth = np.array(chosen.outcome, dtype=np.float64)
    result: Figures = {"rmse": rmse(truth, np.array(chosen.predicted, dtype=np.float64))}
    bounded = ~(np.isnan(chosen.low) | np.isnan(chosen.high))
    if bounded.any():
        result["interval_coverage"] = interval_coverage(truth[bounded], chosen.low[bounded], chosen.high[bounded])
        result["interval_width"] = float(np.mean(chosen.high[bounded] - chosen.low[bounded]))
    return result


def _intervals(bad: Bools, judged: Judged, options: FigureOptions) -> dict[str, tuple[float, float]]:
    group = judged.unit if options.by_unit and len(set(judged.group)) < 2 else judged.group

    def measured(name: str) -> tuple[float, float]:
        def measure(rows: NDArray[np.int64]) -> float:
            value = getattr(confusion(bad[rows], judged.alarm[rows]), name)
            assert isinstance(value, float)
            return value

        return group_interval(measure, group, seed=options.seed)

    return {name: measured(name) for name in INTERVALS}


# -- truth and answers ------------------------------------------------------------------------------------


def truth_of(characteristic: Characteristic, outcome: Sequence[str]) -> tuple[Bools, Bools]:
    """Return which units are bad, and of which that is known."""
    said = {text: is_nonconforming(characteristic, text) for text in set(outcome)}
    bad = np.array([said[text] is True for text in outcome], dtype=np.bool_)
    known = np.array([said[text] is not None for text in outcome], dtype=np.bool_)
    return bad, known


def _hastruth_of(characteristic: Characteristic, outcome: Sequence[str]) -> bool:
    return bool(truth_of(characteristic, outcome)[1].any())


def _answering(judged: Judged, alarm: Bools, risk: Floats | None = None) -> Judged:
    """Return the same units with other answers; the score is the alarm itself."""
    nothing = np.full(len(judged), np.nan)
    return replace(
        judged,
        alarm=alarm,
        raised=_beginnings(alarm, judged.group),
        score=alarm.astype(np.float64),
        predicted=("",) * len(judged),
        risk=nothing if risk is None else risk,
        low=nothing,
        high=nothing,
    )


def _beginnings(alarm: Bools, group: Sequence[str]) -> Bools:
    raised = np.zeros(len(alarm), dtype=np.bool_)
    raised[[item.first for item in stretches(alarm, group)]] = True
    return raised


def _prior(characteristic: Characteristic, judged: Judged, trained: Sequence[str]) -> Judged:
    most_frequent, shares = class_prior(trained)
    risk = sum(part for name, part in shares.items() if is_nonconforming(characteristic, name))
    alarm = np.full(len(judged), is_nonconforming(characteristic, most_frequent) is True)
    answer = _answering(judged, alarm, np.full(len(judged), float(risk)))
    return replace(answer, predicted=(most_frequent,) * len(judged))


def _trivial_values(judged: Judged, trained: Sequence[str]) -> dict[str, Judged]:
    """Return the training mean, and the outcome before (of the same table, whatever its group)."""
    mean = float(np.mean([float(text) for text in trained])) if trained else float("nan")
    truth = np.array([float(text) if text else np.nan for text in judged.outcome])
    alarm = np.zeros(len(judged), dtype=np.bool_)
    constant = np.full(len(judged), mean)
    return {
        name: replace(
            _answering(judged, alarm),
            predicted=tuple("" if np.isnan(value) else repr(float(value)) for value in values),
        )
        for name, values in (("training_mean", constant), ("last_value", last_value(truth, mean)))
    }
