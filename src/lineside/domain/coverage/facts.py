"""Which part of the plan's declared envelope parts have seen: counts per band of each condition, and of pairs.

A condition is a signal of role ``environment``, or one that the envelope names; a part's value of it is the first of
its features (its value, or its last reading). *Seen* is the range without strays, which are fewer than `LEAST_PARTS`
parts at an end, away from all others: one part at 41 degC in three years teaches a model nothing about 41 degC. The
counts say where parts were, not whether
a model is good there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from lineside.domain.bands import band_edges, band_of, state_edges
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.plan.model import Plan, Role
from lineside.domain.readings import Float64

LEAST_PARTS: Final = 5
"""A band with fewer parts counts as not seen."""
NEAR: Final = 0.02
"""Within this share of the declared range, parts are near one another, and an end not seen is not worth naming."""
BANDS: Final = 8
PAIR_BANDS: Final = 6
MOST_PAIRED: Final = 5
"""Conditions of which pairs are counted: the first of the plan's envelope."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What parts have seen of one condition, in its unit.

    ``declared`` is the envelope (None: the plan declares none), ``seen`` the range seen (None: fewer than `LEAST_PARTS`
    parts have the condition), ``beyond`` the parts below and above it. ``parts`` counts per band of ``edges``, over the
    declared range where there is one; ``states`` says that bands are whole numbers. ``known`` parts have the condition.
    """

    signal: str
    label: str
    unit: str
    declared: tuple[float, float] | None
    seen: tuple[float, float] | None
    beyond: tuple[int, int]
    edges: tuple[float, ...]
    parts: tuple[int, ...]
    states: bool
    known: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Parts per band of one condition (rows) and of another (columns); ``edges`` are of the first and the second."""

    first: str
    second: str
    edges: tuple[tuple[float, ...], tuple[float, ...]]
    parts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What ``parts`` parts have seen of the conditions of a station, one by one and in pairs."""

    parts: int
    conditions: tuple[Condition, ...] = ()
    pairs: tuple[Pair, ...] = ()

    def condition(self, signal: str) -> Condition:
        """Return the condition that a signal measures; raises `KeyError` where there is none."""
        for item in self.conditions:
            if item.signal == signal:
                return item
        raise KeyError(signal)


def coverage_of(plan: Plan, recipe: FeatureRecipe, features: Float64) -> Coverage:
    """Return what parts, given by their features ``(n, len(recipe.features))``, have seen of the envelope."""
    declared = {item.signal: (item.low, item.high) for item in plan.envelope}
    columns = condition_columns(recipe, tuple(declared))
    names = [*declared, *(name for name in columns if name not in declared)]
    nothing = np.full(len(features), np.nan)
    values = {name: features[:, columns[name]] if name in columns else nothing for name in names}
    conditions = tuple(_condition(plan, name, declared.get(name), values[name]) for name in names)
    paired = [item for item in conditions if item.seen is not None and len(item.parts) > 1][:MOST_PAIRED]
    pairs = tuple(_pair(a, b, values[a.signal], values[b.signal]) for a, b in combinations(paired, 2))
    return Coverage(parts=len(features), conditions=conditions, pairs=pairs)


def condition_columns(recipe: FeatureRecipe, declared: tuple[str, ...] = ()) -> dict[str, int]:
    """Return for each condition the position of the feature that says its value: the first of its signal."""
    columns: dict[str, int] = {}
    for position, item in enumerate(recipe.features):
        if item.role is Role.ENVIRONMENT or item.signal in declared:
            columns.setdefault(item.signal, position)
    return columns


def _condition(plan: Plan, name: str, declared: tuple[float, float] | None, values: Float64) -> Condition:
    signal = plan.signal(name)
    known = np.sort(values[np.isfinite(values)])
    seen = _seen(known, declared)
    edges, states = _edges(known, declared, BANDS)
    return Condition(
        signal=name,
        label=signal.label,
        unit=signal.unit,
        declared=declared,
        seen=seen,
        beyond=(0, 0) if seen is None else (int(np.sum(known < seen[0])), int(np.sum(known > seen[1]))),
        edges=edges,
        parts=_counts(known, edges),
        states=states,
        known=len(known),
    )


def _seen(known: Float64, declared: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the range of ascending values without strays; None of too few values."""
    if len(known) < LEAST_PARTS:
        return None
    low, high = sorted((float(known[LEAST_PARTS - 1]), float(known[-LEAST_PARTS])))
    near = NEAR * (high - low if declared is None else declared[1] - declared[0])
    return float(known[known >= low - near][0]), float(known[known <= high + near][-1])


def _edges(known: Float64, declared: tuple[float, float] | None, about: int) -> tuple[tuple[float, ...], bool]:
    if declared is None and not len(known):
        return (), False
    low, high = declared or (float(known[0]), float(known[-1]))
    states = state_edges(known, low, high)
    return (states, True) if states else (band_edges(low, high, about), False)


def _counts(values: Float64, edges: tuple[float, ...]) -> tuple[int, ...]:
    if not edges:
        return ()
    place = band_of(values, edges)
    return tuple(np.bincount(place[place >= 0], minlength=len(edges) - 1).tolist())


def _pair(first: Condition, second: Condition, rows: Float64, columns: Float64) -> Pair:
    edges = tuple(
        _edges(np.sort(values[np.isfinite(values)]), item.declared, PAIR_BANDS)[0]
        for item, values in ((first, rows), (second, columns))
    )
    down, across = band_of(rows, edges[0]), band_of(columns, edges[1])
    shape = len(edges[0]) - 1, len(edges[1]) - 1
    counts = np.zeros(shape, dtype=np.int64)
    both = (down >= 0) & (across >= 0)
    np.add.at(counts, (down[both], across[both]), 1)
    return Pair(
        first=first.signal,
        second=second.signal,
        edges=(edges[0], edges[1]),
        parts=tuple(tuple(row) for row in counts.tolist()),
    )
