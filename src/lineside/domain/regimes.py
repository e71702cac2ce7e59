"""Regimes: stretches of production that differ in a way that is known, each of which can be left out of learning.

A regime is named by what tells it: ``shift``, ``season``, ``group`` (a file, an experiment), ``band:SIGNAL`` (bands of
a condition or of a number of the context), ``lot:SIGNAL``, ``tool:SIGNAL``, ``variant:SIGNAL`` or ``context:SIGNAL``
(the values of a text of the context; the four mean the same and read differently). A model that was never shown a
regime and is judged in it shows what the first summer, the next lot or another tool will do to it.

Regimes with fewer than `LEAST_UNITS` units say nothing: bands are joined to their smaller neighbour, others are named
as too small and stay among what is learned from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.bands import band_edges, band_of, state_edges
from lineside.domain.coverage.facts import condition_columns
from lineside.domain.errors import DataError
from lineside.domain.features.recipe import FeatureRecipe, signals_of
from lineside.domain.judging.wording import format_value
from lineside.domain.plan.model import Plan, Role, SignalType
from lineside.domain.readings import Float64, Int64
from lineside.domain.shifts import NO_SHIFT, SEASONS, season_of, shift_of

LEAST_UNITS: Final = 30
MOST_OF_A_KIND: Final = 12
"""The largest regimes of a kind that are left out one by one; learning that often again takes its time."""
BANDS: Final = 6
_VALUES: Final = ("lot", "tool", "variant", "context")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Production:
    """What tells regimes, per unit, of one station: features, context, group and local wall-clock time (or None)."""

    recipe: FeatureRecipe
    features: Float64
    context: Sequence[Mapping[str, str]]
    group: Sequence[str]
    local: Int64 | None

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.features)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Regime:
    """One regime: of which kind, its name in words, and the positions of its units."""

    kind: str
    name: str
    rows: Int64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Regimes:
    """Regimes large enough to be left out, and in words those that are not, or would leave nothing to learn from."""

    kept: tuple[Regime, ...]
    passed_over: tuple[str, ...]


def regimes_of(plan: Plan, made: Production, wanted: Sequence[str] = (), least: int = LEAST_UNITS) -> Regimes:
    """Return the regimes of the kinds wanted, or of all kinds that the data has.

    Raises:
        DataError: a kind does not exist, or the data has fewer than two regimes of a kind that is wanted by name, or of
            every kind.
    """
    kept: list[Regime] = []
    passed: list[str] = []
    for kind in wanted or kinds_of(plan, made):
        found = _of_kind(plan, made, kind, least)
        if len(found) < 2:
            if wanted:
                raise DataError("the data has only one such regime", field="--regime", value=kind)
            continue
        large = [item for item in found if least <= len(item.rows) <= len(made) - least]
        chosen = sorted(large, key=lambda item: -len(item.rows))[:MOST_OF_A_KIND]
        kept += [item for item in large if item in chosen]
        passed += [_passed_over(item, len(made), least) for item in found if item not in large]
        if len(chosen) < len(large):
            passed.append(
                f"{kind}: {len(large) - len(chosen)} more, not among the {MOST_OF_A_KIND} largest of their kind"
            )
    if not kept:
        raise DataError(
            f"the data has no two regimes of {least} units or more",
            field="--regime",
            value=passed[:5] or None,
            next_step="take parts of other conditions, seasons or lots into the data",
        )
    return Regimes(kept=tuple(kept), passed_over=tuple(passed))


def kinds_of(plan: Plan, made: Production) -> tuple[str, ...]:
    """Return the kinds of regimes that a station's data can have: conditions first, then calendar, context, groups."""
    kinds = [f"band:{name}" for name in condition_columns(made.recipe, tuple(item.signal for item in plan.envelope))]
    if made.local is not None:
        kinds += ["season", *(["shift"] if plan.shifts else [])]
    serial = plan.station(made.recipe.station).serial
    for signal in signals_of(plan, made.recipe.station):
        if signal.role is Role.CONTEXT and signal.id != serial:
            kinds.append(f"context:{signal.id}" if signal.type is SignalType.TEXT else f"band:{signal.id}")
    return (*kinds, "group") if len(set(made.group)) > 1 else tuple(kinds)


def _of_kind(plan: Plan, made: Production, kind: str, least: int) -> list[Regime]:
    head, _, signal = kind.partition(":")
    if head == "group" and not signal:
        return _by_value(kind, "Group", made.group)
    if head in {"shift", "season"} and not signal:
        if made.local is None:
            raise DataError("the data has no time, so nothing tells this regime", field="--regime", value=kind)
        return _by_shift(plan, kind, made.local) if head == "shift" else _by_season(kind, made.local)
    known = {item.id: item for item in signals_of(plan, made.recipe.station)}
    if head not in (*_VALUES, "band") or signal not in known:
        raise DataError(
            "no such kind of regime", field="--regime", value=kind, choices=("group", *kinds_of(plan, made))
        )
    label, unit = known[signal].label, known[signal].unit
    if head == "band":
        return _by_band(kind, label, unit, _values(made, signal), least)
    return _by_value(kind, label, [item.get(signal, "") for item in made.context])


def _values(made: Production, signal: str) -> Float64:
    columns = condition_columns(made.recipe, (signal,))
    if signal in columns:
        return made.features[:, columns[signal]]
    return np.array([_number(item.get(signal, "")) for item in made.context], dtype=np.float64)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _by_value(kind: str, label: str, values: Sequence[str]) -> list[Regime]:
    names = np.asarray(values, dtype=object)
    return [
        Regime(kind=kind, name=f"{label} {name}", rows=np.flatnonzero(names == name))
        for name in dict.fromkeys(values)
        if name
    ]


def _by_shift(plan: Plan, kind: str, local: Int64) -> list[Regime]:
    which, _ = shift_of(plan.shifts, local, plan.holidays)
    if not plan.shifts:
        raise DataError("the plan names no shifts", field="shifts", next_step="add the shifts of a day to the plan")
    return [
        Regime(kind=kind, name=f"Shift {plan.shifts[int(place)].id}", rows=np.flatnonzero(which == place))
        for place in np.unique(which)
        if place != NO_SHIFT
    ]


def _by_season(kind: str, local: Int64) -> list[Regime]:
    season = season_of(local)
    return [
        Regime(kind=kind, name=SEASONS[int(place)], rows=np.flatnonzero(season == place)) for place in np.unique(season)
    ]


def _by_band(kind: str, label: str, unit: str, values: Float64, least: int) -> list[Regime]:
    known = values[np.isfinite(values)]
    if not len(known) or known.min() == known.max():
        return []
    low, high = float(known.min()), float(known.max())
    states = state_edges(known, low, high)
    edges = states or _joined(known, band_edges(low, high, BANDS), least)
    place = band_of(values, edges)
    regimes = []
    for band in np.unique(place[place >= 0]).tolist():
        words = format_value(edges[band] + 0.5) if states else _band_words(edges, band)
        regimes.append(Regime(kind=kind, name=f"{label} {words} {unit}".rstrip(), rows=np.flatnonzero(place == band)))
    return regimes


def _joined(known: Float64, edges: tuple[float, ...], least: int) -> tuple[float, ...]:
    """Return the borders with every band of fewer than ``least`` values joined to its smaller neighbour."""
    kept = list(edges)
    while len(kept) > 2:
        counts = np.bincount(band_of(known, tuple(kept)), minlength=len(kept) - 1)
        small = int(np.argmin(counts))
        if counts[small] >= least:
            break
        left = counts[small - 1] if small > 0 else np.iinfo(np.int64).max
        right = counts[small + 1] if small + 1 < len(counts) else np.iinfo(np.int64).max
        del kept[small if left <= right else small + 1]
    return tuple(kept)


def _band_words(edges: tuple[float, ...], band: int) -> str:
    if band == 0:
        return f"below {format_value(edges[1])}"
    if band == len(edges) - 2:
        return f"above {format_value(edges[-2])}"
    return f"{format_value(edges[band])} to {format_value(edges[band + 1])}"


def _passed_over(regime: Regime, units: int, least: int) -> str:
    count = len(regime.rows)
    if count < least:
        return f"{regime.name}: too small ({count} units, {least} are needed)"
    return f"{regime.name}: without it too little is left to learn from ({units - count} units)"
