"""The ways in which a prototype is re-run: the notebook's, at random, and those that production resembles.

Every scheme says which parts are judged by a model of which others. Whole days, groups, lots or bands of a condition
are held out together, in at most `FOLDS` folds, so that each model still learns from most of the data; later periods
are judged by a model of what came before, and the random scheme beside them learns from equally many parts, so that
the difference between the two is the split's and not that of less data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.adoption.case import Case
from lineside.domain.readings import Float64, Int64
from lineside.domain.splits import Amount, Fold, repeated_stratified_kfold, walk_forward

FOLDS: Final = 5
RANDOM: Final = "random"
LATER: Final = "later"
_BANDS: Final = 4
_FEWEST: Final = 3
"""Days, groups or values from which a scheme of its own is made."""
_MOST_VALUES: Final = 500
_FEWEST_BAD: Final = 3
"""Parts of either kind that a fold must have on both sides to count."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scheme:
    """Folds under a stable name, in words; ``unit`` names what is held out together in each row."""

    id: str
    label: str
    folds: tuple[Fold, ...]
    unit: Int64
    names: tuple[str, ...] = ()


def random_scheme(case: Case, seed: int) -> Scheme:
    """Return the split of most notebooks: stratified, at random, part by part."""
    rows = [str(i) for i in range(len(case))]
    folds = repeated_stratified_kfold(rows, [str(x) for x in case.bad], FOLDS, 1, seed)
    return Scheme(id=RANDOM, label=f"at random, {FOLDS} folds", folds=folds, unit=np.arange(len(case), dtype=np.int64))


def honest_schemes(case: Case, seed: int) -> tuple[Scheme, ...]:
    """Return every scheme that the data allows: later periods, days, groups, context values, bands of conditions."""
    found: list[Scheme | None] = []
    if case.time is not None:
        found.append(_later(case))
        day = case.day
        assert day is not None
        found.append(_held_out("day", "whole days held out", np.array([f"day {d}" for d in day]), case, seed))
    found.append(_held_out("group", "whole groups held out", case.group, case, seed))
    for name, texts in case.context.items():
        found.append(_held_out(f"context:{name}", f"whole values of {name} held out", texts, case, seed))
    for name, values in case.environment.items():
        found.append(_bands(name, values, case))
    return tuple(_distinct([scheme for scheme in found if scheme is not None and scheme.folds]))


def matched(case: Case, scheme: Scheme, seed: int) -> tuple[Fold, ...]:
    """Return random folds over the parts that a scheme judges, each learned from as many parts as the scheme's mean."""
    judged = np.sort(np.concatenate([fold.test for fold in scheme.folds]))
    size = int(np.mean([len(fold.train) for fold in scheme.folds]))
    rng = np.random.default_rng([seed, 1])
    labels = [str(case.bad[row]) for row in judged]
    result = []
    for fold in repeated_stratified_kfold([str(row) for row in judged], labels, FOLDS, 1, seed):
        test = judged[fold.test]
        rest = np.setdiff1d(np.arange(len(case)), test)
        train = np.sort(rng.permutation(rest)[: min(size, len(rest))])
        result.append(Fold(name=fold.name, train=train, test=test))
    return tuple(result)


def _later(case: Case) -> Scheme | None:
    assert case.time is not None
    order = np.argsort(case.time, kind="stable").astype(np.int64)
    if len(order) < 4 * FOLDS:
        return None
    folds = tuple(
        Fold(name=f"period {i}", train=np.sort(order[fold.train]), test=np.sort(order[fold.test]))
        for i, fold in enumerate(walk_forward(len(order), FOLDS, Amount(share=0.4)), start=1)
    )
    return _scheme(LATER, f"{FOLDS} later periods, each judged by a model of all before it", folds, case)


def _held_out(
    key: str, label: str, values: np.ndarray[tuple[int], np.dtype[np.object_]], case: Case, seed: int
) -> Scheme | None:
    """Return folds of whole values, about equally many bad parts in each."""
    names, unit = np.unique(values.astype(str), return_inverse=True)
    if not _FEWEST <= len(names) <= max(_MOST_VALUES, len(case) // 20) or len(names) > len(case) // 2:
        return None
    count = min(FOLDS, len(names))
    place = _dealt(unit, case, count, seed)
    folds = tuple(
        Fold(name=f"fold {k + 1}", train=np.flatnonzero(place != k), test=np.flatnonzero(place == k))
        for k in range(count)
    )
    return _scheme(
        key, f"{label} ({len(names)} in {count} folds)", folds, case, unit.astype(np.int64), tuple(names.tolist())
    )


def _dealt(unit: Int64, case: Case, folds: int, seed: int) -> Int64:
    """Deal values to folds: those with most bad parts first, each to the fold with fewest bad, then fewest parts."""
    count, bad = np.bincount(unit), np.bincount(unit, weights=case.bad)
    shuffled = np.random.default_rng([seed, 2]).permutation(len(count))
    order = shuffled[np.lexsort((-count[shuffled], -bad[shuffled]))]
    load = np.zeros((folds, 2))
    place = np.zeros(len(count), dtype=np.int64)
    for value in order:
        chosen = int(np.lexsort((load[:, 1], load[:, 0]))[0])
        place[value] = chosen
        load[chosen] += (bad[value], count[value])
    return place[unit]


def _bands(name: str, values: Float64, case: Case) -> Scheme | None:
    """Return folds of quarters of a condition's range of values, each judged by a model of the others."""
    finite = np.isfinite(values)
    if len(np.unique(values[finite])) < 4 * _BANDS:
        return None
    edges = np.quantile(values[finite], np.linspace(0, 1, _BANDS + 1)[1:-1])
    band = np.where(finite, np.searchsorted(edges, values, side="right"), -1)
    ends = [float(values[finite].min()), *edges.tolist(), float(values[finite].max())]
    folds = tuple(
        Fold(
            name=f"{ends[k]:.4g} to {ends[k + 1]:.4g}", train=np.flatnonzero(band != k), test=np.flatnonzero(band == k)
        )
        for k in range(_BANDS)
    )
    return _scheme(f"condition:{name}", f"quarters of {name} held out", folds, case)


def _scheme(
    key: str, label: str, folds: tuple[Fold, ...], case: Case, unit: Int64 | None = None, names: tuple[str, ...] = ()
) -> Scheme | None:
    """Return a scheme of the folds that have enough parts of either kind on both sides; None where there is none."""
    useful = tuple(
        fold for fold in folds if min(_fewest(case.bad[fold.train]), _fewest(case.bad[fold.test])) >= _FEWEST_BAD
    )
    if unit is None:
        unit = np.full(len(case), -1, dtype=np.int64)
        for number, fold in enumerate(folds):
            unit[fold.test] = number
        names = tuple(fold.name for fold in folds)
    return Scheme(id=key, label=label, folds=useful, unit=unit, names=names) if useful else None


def _fewest(bad: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    return int(min(bad.sum(), (~bad).sum()))


def _distinct(schemes: list[Scheme]) -> list[Scheme]:
    """Leave out schemes that hold out the same parts together as an earlier one."""
    kept: list[Scheme] = []
    for scheme in schemes:
        folds = {fold.test.tobytes() for fold in scheme.folds}
        if not any(folds == {fold.test.tobytes() for fold in other.folds} for other in kept):
            kept.append(scheme)
    return kept
