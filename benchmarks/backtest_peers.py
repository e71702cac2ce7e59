"""Other projects' detectors under the same protocols, with the same rule for the limit: the rows beside ours.

Each learns from the same rows, its limit is set on the same later rows by `lineside.domain.limits` with the rate and
the delays of the set's plan, and the same figures are made of its alarms. What is theirs is the score alone.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import backtest_figures as figures
from lineside.adapters.plan_yaml import load_plan
from lineside.cli.backtest import choose_characteristic, read_units
from lineside.domain.backtests.units import Units
from lineside.domain.limits import serial_limit
from lineside.domain.metrics.calibration import expected_calibration_error
from lineside.domain.metrics.confusion import class_accuracy, confusion
from lineside.domain.outcomes import is_nonconforming
from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Characteristic, Plan
from lineside.domain.splits import Fold, GivenSplit, fit_then_run, repeated_stratified_kfold
from measuring.environments import UnavailableError, python_of

Figures = dict[str, Any]
KEPT_BACK = 0.3
"""Share of the rows learned from that sets the limit where the protocol gives none for it."""
DETECTORS = Path(__file__).parent / "subjects" / "detectors.py"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Set:
    """A published set as its plan reads it, and its folds."""

    plan: Plan
    characteristic: Characteristic
    units: Units
    folds: tuple[Fold, ...]


def read_set(plan: Path, data: Path, split: GivenSplit, files: tuple[str, ...] = ()) -> Set:
    """Read a set and cut it by learning from what came first."""
    loaded = load_plan(plan)
    characteristic = choose_characteristic(loaded, "")
    units = read_units(loaded, characteristic, data, files=files)
    return Set(plan=loaded, characteristic=characteristic, units=units, folds=fit_then_run(units.group, split))


def compared(name: str, sets: Sequence[Set], make: Callable[[Sequence[figures.Scores]], Figures]) -> dict[str, Figures]:
    """Return the figures of every detector on one set (or on its series), by name; empty where they cannot be run."""
    tasks: dict[str, Any] = {}
    for number, item in enumerate(sets):
        for place, fold in enumerate(item.folds):
            tasks |= {f"{part}_{number}_{place}": rows for part, rows in _parts(item, fold).items()}
    scores = run(name, tasks)
    result: dict[str, Figures] = {}
    for method in dict.fromkeys(key.split("|")[0] for key in scores):
        own = {key.split("|")[1]: value for key, value in scores.items() if key.startswith(f"{method}|")}
        if len(own) == sum(len(item.folds) for item in sets):
            result[method] = make([_scores(item, number, own) for number, item in enumerate(sets)])
    return result


def run(name: str, tasks: Mapping[str, Any]) -> dict[str, Any]:
    """Run the detectors on tasks in their own environment and return their scores."""
    folder = Path(__file__).parent / ".peers"
    folder.mkdir(exist_ok=True)
    given, answered = folder / f"{name}_in.npz", folder / f"{name}_out.npz"
    try:
        python = python_of("detectors")
    except UnavailableError as error:
        print(f"   no peers: {error}", flush=True)
        return {}
    np.savez(given, **tasks)
    threads = {"OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    subprocess.run([python, DETECTORS, given, answered], check=True, env=os.environ | threads)
    scores = dict(np.load(answered))
    print(f"   peers: {scores.pop('versions')}", flush=True)
    return scores


def _parts(item: Set, fold: Fold) -> dict[str, Any]:
    features = np.nan_to_num(item.units.features[:, _inputs(item)])
    learn, limit = _for_limit(fold)
    return {"learn": features[learn], "limit": features[limit], "judge": features[fold.test]}


def _inputs(item: Set) -> list[int]:
    left_out = set(item.characteristic.model.exclude)
    return [place for place, feature in enumerate(item.units.recipe.features) if feature.signal not in left_out]


def _for_limit(fold: Fold) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    if len(fold.calibrate):
        return fold.train, fold.calibrate
    kept = round(len(fold.train) * KEPT_BACK)
    return fold.train[:-kept], fold.train[-kept:]


def _scores(item: Set, number: int, own: Mapping[str, Any]) -> figures.Scores:
    alarms = false_alarms(item.plan, item.characteristic)
    names = np.asarray(item.units.group, dtype=object)
    alarm, rows = [], []
    for place, fold in enumerate(item.folds):
        score = own[f"{number}_{place}"]
        _, limit = _for_limit(fold)
        value = serial_limit(score[: len(limit)], alarms.rate, names[limit], alarms.fold, alarms.raise_after).value
        alarm.append(score[len(limit) :] > value)
        rows.append(fold.test)
    order = np.concatenate(rows)
    time = item.units.time
    outcome = tuple(item.units.outcome[row] for row in order)
    return figures.Scores(
        group=tuple(names[order]),
        time=None if time is None else time[order],
        alarm=np.concatenate(alarm),
        bad=np.array([is_nonconforming(item.characteristic, text) is True for text in outcome], dtype=np.bool_),
        predicted=("",) * len(order),
        outcome=outcome,
        delays=item.characteristic.alert,
    )


def classifiers(plan: Path, data: Path, folds: int, repeats: int, waste: str) -> dict[str, Figures]:
    """Return the figures of classifiers with their defaults, by the published protocol of stratified folds."""
    loaded = load_plan(plan)
    characteristic = choose_characteristic(loaded, "")
    units = read_units(loaded, characteristic, data)
    classes = sorted(set(units.outcome))
    label = np.array([classes.index(text) for text in units.outcome])
    cut = repeated_stratified_kfold(units.names, units.outcome, folds, repeats, 0)
    tasks: dict[str, Any] = {}
    for place, fold in enumerate(cut):
        rows = units.features
        tasks |= {
            f"learn_{place}": rows[fold.train],
            f"label_{place}": label[fold.train],
            f"judge_{place}": rows[fold.test],
        }
    scores = run("classifiers", tasks)
    truth = np.concatenate([label[fold.test] for fold in cut])
    result = {}
    for method in dict.fromkeys(key.split("|")[0] for key in scores):
        risk = np.concatenate([scores[f"{method}|{place}"] for place in range(len(cut))])
        result[method] = _class_figures(truth, risk, classes, waste)
    return result


def _class_figures(truth: Any, risk: Any, classes: Sequence[str], waste: str) -> Figures:
    named, place = risk.argmax(axis=1), list(classes).index(waste)
    counts = confusion(truth == place, named == place)
    return {
        "accuracy": class_accuracy([classes[k] for k in truth], [classes[k] for k in named]),
        "waste_recall": counts.recall,
        "waste_precision": counts.precision,
        "ece": expected_calibration_error(truth == place, risk[:, place]),
    }


def one(make: Callable[[figures.Scores], Figures]) -> Callable[[Sequence[figures.Scores]], Figures]:
    """Return the maker of figures of a set that is one series of scores."""
    return lambda series: make(series[0])


def without(scores: figures.Scores, groups: Sequence[str]) -> figures.Scores:
    """Return scores without the rows of some groups."""
    keep = ~np.isin(np.asarray(scores.group, dtype=object), list(groups))
    return replace(
        scores,
        group=tuple(np.asarray(scores.group, dtype=object)[keep]),
        time=None if scores.time is None else scores.time[keep],
        alarm=scores.alarm[keep],
        bad=scores.bad[keep],
        predicted=tuple(np.asarray(scores.predicted, dtype=object)[keep]),
        outcome=tuple(np.asarray(scores.outcome, dtype=object)[keep]),
    )
