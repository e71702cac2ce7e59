"""The figures by which each published set is compared, from the scores that `lineside backtest` writes.

The names are those under which the sets' results are usually given; rates are shares. The same functions make
the trivial rows, from alarms that know nothing. What is counted how:

- An alarm episode begins and ends as an alert is raised and clears, by the delays of the set's plan.
- An event is found when an alarm is *raised* inside it; one raised on a good unit is false, even if it still
  stands when an event begins. ``events_touched`` is the kinder count: any alarm inside.
- A detection in the sense of the NAB score is the raising of an alarm, not every row in alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from lineside.domain.metrics.confusion import accuracy_per_class, class_accuracy, confusion, share
from lineside.domain.metrics.episodes import episodes_of, report_events, stretches
from lineside.domain.metrics.nab import NabSeries, Window, nab_score
from lineside.domain.metrics.trivial import alarm_after, always_alarm, never_alarm
from lineside.domain.plan.model import AlertDelays

Figures = dict[str, float]
TEP_LEFT_OUT = {"d03_te", "d09_te", "d15_te"}
"""Faults that hardly show in any variable; the usual mean is over the other 18."""
TEP_MINUTES = 3
CLOCK = 200
USUAL_DELAYS = AlertDelays()
ROUNDS = 100


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scores:
    """The columns of a scores file that figures are made of; ``bad`` says what the outcome was.

    ``delays`` are those of the plan.
    """

    group: tuple[str, ...]
    time: np.ndarray[Any, np.dtype[np.int64]] | None
    alarm: np.ndarray[Any, np.dtype[np.bool_]]
    bad: np.ndarray[Any, np.dtype[np.bool_]]
    predicted: tuple[str, ...]
    outcome: tuple[str, ...]
    delays: AlertDelays = USUAL_DELAYS

    @property
    def clearing_and_raising(self) -> tuple[int, int]:
        """How many units clear an alert, and how many raise one."""
        return self.delays.clear_after, self.delays.raise_after


def read_scores(path: Path, bad: str = "nonconforming", delays: AlertDelays = USUAL_DELAYS) -> Scores:
    """Read a scores file; units whose outcome is ``bad`` are the bad ones."""
    table = pq.read_table(path)
    outcome = tuple(table["outcome"].to_pylist())
    time = table["time"]
    return Scores(
        group=tuple(table["group"].to_pylist()),
        time=None if time.null_count else time.to_numpy().astype("datetime64[ns]").astype(np.int64),
        alarm=np.array(table["alarm"].to_pylist(), dtype=np.bool_),
        bad=np.array([text == bad for text in outcome], dtype=np.bool_),
        predicted=tuple(table["prediction"].to_pylist()),
        outcome=outcome,
        delays=delays,
    )


def trivial(scores: Scores, figures: Callable[[Scores], Figures]) -> dict[str, Figures]:
    """Return the figures of always alarm, never alarm and a clock."""
    answers = {
        "always_alarm": always_alarm(scores.group),
        "never_alarm": never_alarm(scores.group),
        f"alarm_after_{CLOCK}": alarm_after(scores.group, CLOCK),
    }
    return {name: figures(replace(scores, alarm=alarm)) for name, alarm in answers.items()}


def intervals(
    scores: Scores, make: Callable[[Scores], Figures], names: Sequence[str], always: Sequence[str] = ()
) -> dict[str, tuple[float, float]]:
    """Return the 90 % bootstrap intervals of some figures over groups drawn with replacement, some of them always in.

    A group drawn twice counts as two: its name gets a number behind ``#``.
    """
    group = np.asarray(scores.group, dtype=object)
    rows = {name: np.flatnonzero(group == name) for name in dict.fromkeys(scores.group)}
    drawn_from = [name for name in rows if name not in always]
    rng = np.random.default_rng(0)
    draws: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        drawn = [*always, *(drawn_from[k] for k in rng.integers(len(drawn_from), size=len(drawn_from)))]
        found = make(_regrouped(scores, [(f"{name}#{k}", rows[name]) for k, name in enumerate(drawn)]))
        for name in names:
            draws[name].append(found[name])
    return {name: _interval(values) for name, values in draws.items() if len(drawn_from) > 1}


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.nanquantile(values, [0.05, 0.95])
    return float(low), float(high)


def _regrouped(scores: Scores, drawn: Sequence[tuple[str, np.ndarray[Any, np.dtype[np.int64]]]]) -> Scores:
    order = np.concatenate([rows for _, rows in drawn])
    return replace(
        scores,
        group=tuple(name for name, rows in drawn for _ in rows),
        time=None if scores.time is None else scores.time[order],
        alarm=scores.alarm[order],
        bad=scores.bad[order],
        predicted=tuple(np.asarray(scores.predicted, dtype=object)[order]),
        outcome=tuple(np.asarray(scores.outcome, dtype=object)[order]),
    )


def tep(scores: Scores) -> Figures:
    """FDR over 18 faults, FAR before the faults and on the second half of the normal run, delay in minutes."""
    names = np.asarray(scores.group, dtype=object)
    faults = [name for name in dict.fromkeys(scores.group) if _run(name) != "d00_te"]
    normal = np.array([_run(name) == "d00_te" for name in scores.group], dtype=np.bool_)
    rates: dict[str, float] = {}
    delays: list[float] = []
    for name in faults:
        alarm = scores.alarm[(names == name) & scores.bad]
        rates[name] = float(alarm.mean())
        if _run(name) not in TEP_LEFT_OUT and alarm.any():
            delays.append(TEP_MINUTES * int(np.argmax(alarm)))
    before = scores.alarm[~normal & ~scores.bad]
    result = {
        "fdr18": float(np.mean([rate for name, rate in rates.items() if _run(name) not in TEP_LEFT_OUT])),
        "far_prefault": share(int(before.sum()), len(before)),
        "far_second_half": float(scores.alarm[normal].mean()),
        "median_delay_min": float(np.median(delays)) if delays else float("nan"),
        "faults_detected_of_18": float(len(delays)),
    }
    return result | {f"fdr_{name[:3]}": rate for name, rate in rates.items()}


def _run(name: str) -> str:
    """Return the run that a group is, without the number of a draw."""
    return name.split("#", maxsplit=1)[0]


def skab(scores: Scores) -> Figures:
    """Pooled F1, FAR and MAR; events found; false episodes per hour of normal running."""
    counts = confusion(scores.bad, scores.alarm)
    report = report_events(scores.bad, scores.alarm, scores.group, scores.time, *scores.clearing_and_raising)
    return {
        "f1": counts.f1,
        "far": counts.false_alarm_rate,
        "mar": counts.missed_alarm_rate,
        "events_found": float(report.found),
        "false_episodes_per_hour": report.false_episodes_per_hour,
        "events_touched": float(report.touched),
        "events": float(report.events),
        "median_delay_seconds": report.median_delay_seconds,
    }


def airtlab(scores: Scores, metrics: Mapping[str, Any]) -> Figures:
    """Accuracy over classes, waste against the rest by the class predicted, and calibration of the risk of waste."""
    waste = confusion(scores.bad, np.array([text == "1" for text in scores.predicted], dtype=np.bool_))
    known = metrics.get("ece")
    result = {
        "accuracy": class_accuracy(scores.outcome, scores.predicted),
        "waste_recall": waste.recall,
        "waste_precision": waste.precision,
        "ece": float("nan") if known is None else float(known),
    }
    per_class = accuracy_per_class(scores.outcome, scores.predicted)
    alarms = confusion(scores.bad, scores.alarm)
    return (
        result
        | {f"accuracy_class_{name}": value for name, value in per_class.items()}
        | {"alarm_recall": alarms.recall, "alarm_precision": alarms.precision}
    )


def airtlab_trivial(scores: Scores, metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Figures]:
    """The class prior of the training folds, and alarms as predictions of waste."""
    rows = trivial(scores, airtlab_alarm)
    prior = metrics.get("class_prior", {})
    recall, precision = prior.get("recall"), prior.get("precision")
    rows["class_prior"] = {
        "accuracy": _number(prior.get("accuracy")),
        "waste_recall": _number(recall),
        "waste_precision": _number(precision),
        "ece": _number(prior.get("ece")),
    }
    return rows


def airtlab_alarm(scores: Scores) -> Figures:
    """Alarms as predictions of waste: they name no class, so there is no accuracy over classes."""
    counts = confusion(scores.bad, scores.alarm)
    return {"waste_recall": counts.recall, "waste_precision": counts.precision}


def nab(machine: Scores, ambient: Scores) -> Figures:
    """Windows found, false alarms over both series, and the NAB score over both."""
    result: Figures = {}
    series = []
    false_alarms = 0
    for name, scores in (("machine", machine), ("ambient", ambient)):
        report = report_events(scores.bad, scores.alarm, scores.group, scores.time, *scores.clearing_and_raising)
        result[f"{name}_found"] = float(report.found)
        result[f"{name}_touched"] = float(report.touched)
        result[f"{name}_false_alarms"] = float(report.false_episodes)
        false_alarms += report.false_episodes
        series.append(nab_series(scores))
    return result | {"false_alarms": float(false_alarms), "nab_score": nab_score(series)}


def nab_series(scores: Scores) -> NabSeries:
    """Return windows and detections by position; only judged rows are in the scores, so none is probation."""
    windows = tuple(Window(item.first, item.last) for item in stretches(scores.bad, scores.group))
    raised = tuple(item.first for item in episodes_of(scores.alarm, scores.group, *scores.clearing_and_raising))
    return NabSeries(windows=windows, detections=raised, probation=0)


def nab_trivial(machine: Scores, ambient: Scores) -> dict[str, Figures]:
    """The trivial rows over both series."""
    rows: dict[str, Figures] = {}
    for name, answer in (
        ("always_alarm", always_alarm),
        ("never_alarm", never_alarm),
        (f"alarm_after_{CLOCK}", lambda group: alarm_after(group, CLOCK)),
    ):
        rows[name] = nab(*(replace(item, alarm=answer(item.group)) for item in (machine, ambient)))
    return rows


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
