"""The rows a model is learned from: which of a table's parts, which of its features, and what was dropped.

Dropped rows are counted by reason. Row order carries no meaning to any model; time order is kept because
memory, lags and honest validation need it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.outcomes import CONFORMING, NONCONFORMING
from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Characteristic, CharacteristicKind, ModelWish, Plan, Role, SourceKind
from lineside.domain.readings import Float64, Int64
from lineside.domain.splits import duplicate_rows

Bools = NDArray[np.bool_]
LEAST_PRESENT = 0.5
"""Least share of a model's inputs that a part must have to be learned from or judged."""
_BLOCK = 50_000
"""Rows that are taken over at a time, so that a large table stands in memory twice and not four times."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Choice:
    """Which columns of the recipe are for what: ``inputs`` reach the model, ``environment`` are the conditions.

    ``signal`` numbers the signal of each input.
    """

    inputs: Int64
    environment: Int64
    signal: Int64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """Parts ready to be learned from, in time order; all columns have one length.

    ``features`` is the whole recipe, float32 values held as float64, so that what is learned is what is judged.
    ``other_defect`` says which are known not to conform in another characteristic of the station.
    ``setup`` has the values of the plan's setup signals, a tuple per row; ``context`` all texts of the context, a
    mapping per row.
    """

    features: Float64
    outcome: NDArray[np.object_]
    other_defect: Bools
    group: NDArray[np.object_]
    unit: NDArray[np.object_]
    started: Int64
    ended: Int64
    setup: NDArray[np.object_]
    context: NDArray[np.object_]
    dropped: Mapping[str, int]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.unit)

    def take(self, chosen: Bools | Int64) -> Rows:
        """Return the rows chosen by a mask or by positions; rows that follow one another are not copied."""
        where = _stretch(chosen)
        return Rows(
            features=self.features[where],
            outcome=self.outcome[where],
            other_defect=self.other_defect[where],
            group=self.group[where],
            unit=self.unit[where],
            started=self.started[where],
            ended=self.ended[where],
            setup=self.setup[where],
            context=self.context[where],
            dropped=self.dropped,
        )


def _stretch(chosen: Bools | Int64) -> Bools | Int64 | slice:
    """Return a slice where the chosen rows or columns follow one another, else what was given."""
    positions = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    if len(positions) and positions[0] >= 0 and np.all(np.diff(positions) == 1):
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return chosen


def columns_of(features: Float64, inputs: Int64) -> Float64:
    """Return some columns of rows; columns that follow one another are not copied."""
    chosen: Float64 = features[:, _stretch(inputs)]
    return chosen


def thinned(count: int, most: int) -> Int64:
    """Return at most so many positions of rows, evenly spaced from the first to the last."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def choose_columns(recipe: FeatureRecipe, characteristic: Characteristic, *, with_environment: bool) -> Choice:
    """Return the columns for a characteristic: process features, and conditions as inputs too where wanted."""
    excluded = set(characteristic.model.exclude)
    process = [i for i, item in enumerate(recipe.features) if item.signal not in excluded and item.role is Role.PROCESS]
    conditions = [
        i for i, item in enumerate(recipe.features) if item.signal not in excluded and item.role is Role.ENVIRONMENT
    ]
    inputs = sorted(process + conditions) if with_environment or not process else process
    number = {name: i for i, name in enumerate(dict.fromkeys(item.signal for item in recipe.features))}
    return Choice(
        inputs=np.array(inputs, dtype=np.int64),
        environment=np.array(conditions, dtype=np.int64),
        signal=np.array([number[recipe.features[i].signal] for i in inputs], dtype=np.int64),
    )


def prepare(table: PartTable, inputs: Int64, *, remembers: bool, setup: Sequence[str] = ()) -> Rows:
    """Return a table's rows in time order without duplicates and without parts that lack most inputs.

    ``setup`` names the context signals that make up a setup. ``remembers`` says that the model has memory or lags: then
    each group stays together, by its first time, and a row whose values repeat is no copy unless its time repeats too.
    """
    order = _order(table, remembers=remembers)
    rows = Rows(
        features=_as_judged(table.features, order),
        outcome=np.array(table.outcome, dtype=object)[order],
        other_defect=np.array(table.other_defects or (False,) * len(table), dtype=np.bool_)[order],
        group=np.array(table.group, dtype=object)[order],
        unit=np.array(table.unit, dtype=object)[order],
        started=np.asarray(table.started, dtype=np.int64)[order],
        ended=np.asarray(table.ended, dtype=np.int64)[order],
        setup=_setups(table, setup)[order],
        context=_contexts(table)[order],
        dropped={},
    )
    beside = list(zip(rows.outcome, rows.group, rows.started.tolist(), strict=True)) if remembers else rows.outcome
    repeated = duplicate_rows(rows.features, beside)
    keep = np.ones(len(rows), dtype=np.bool_)
    keep[repeated] = False
    given = columns_of(rows.features, inputs)
    empty = np.isnan(given).sum(axis=1) > (1.0 - LEAST_PRESENT) * len(inputs) if len(inputs) else ~keep
    dropped = {"duplicate": len(repeated), "lacks most inputs": int(np.sum(keep & empty))}
    kept = rows.take(keep & ~empty)
    return Rows(**{name: getattr(kept, name) for name in Rows.__slots__ if name != "dropped"}, dropped=dropped)


def _as_judged(features: Float64, order: Int64) -> Float64:
    """Return features in an order as a judge sees them: float32 values, NaN where they are none; a block at a time."""
    result = np.empty((len(order), features.shape[1]))
    for first in range(0, len(order), _BLOCK):
        block = np.asarray(features[order[first : first + _BLOCK]], dtype=np.float32)
        block[~np.isfinite(block)] = np.nan
        result[first : first + _BLOCK] = block
    return result


def _contexts(table: PartTable) -> NDArray[np.object_]:
    contexts = np.empty(len(table), dtype=object)
    for row in range(len(table)):
        contexts[row] = table.context[row] if table.context else {}
    return contexts


def _setups(table: PartTable, signals: Sequence[str]) -> NDArray[np.object_]:
    """Return the setup of each part; a signal that says nothing has the value it had last."""
    found: NDArray[np.object_] = np.empty(len(table), dtype=object)
    if not signals:
        found.fill(())
        return found
    last = ("",) * len(signals)
    for i, context in enumerate(table.context or ({},) * len(table)):
        last = tuple(context.get(name, value) for name, value in zip(signals, last, strict=True))
        found[i] = last
    return found


def _order(table: PartTable, *, remembers: bool) -> Int64:
    """Return the order of rows: by time, or group after group where what came before a row matters."""
    started = np.asarray(table.started, dtype=np.int64)
    if not remembers:
        return np.argsort(started, kind="stable")
    first: dict[str, int] = {}
    for name, time in zip(table.group, started.tolist(), strict=True):
        first[name] = min(first.get(name, time), time)
    place = {name: i for i, name in enumerate(sorted(first, key=first.__getitem__))}
    return np.lexsort((started, np.array([place[name] for name in table.group], dtype=np.int64)))


def remembers_parts(wish: ModelWish) -> bool:
    """Return whether the model wished for remembers earlier parts: then their order in time matters."""
    return wish.lags > 0 or wish.memory < 1.0 or wish.drift > 0.0 or wish.cusum > 0.0


def bad_values(characteristic: Characteristic) -> frozenset[str]:
    """Return the outcomes of an attribute that do not conform."""
    return frozenset(characteristic.nonconforming or ((NONCONFORMING,) if not characteristic.classes else ()))


def classes_of(characteristic: Characteristic) -> tuple[str, ...]:
    """Return the classes of an attribute, in the plan's order."""
    return characteristic.classes or (CONFORMING, NONCONFORMING)


def nonconforming(rows: Rows, characteristic: Characteristic) -> Bools:
    """Return for each row whether it is known not to conform; what is not known counts as conforming."""
    if characteristic.kind is CharacteristicKind.ATTRIBUTE:
        return np.isin(rows.outcome, list(bad_values(characteristic)))
    values = measured(rows)
    limits = characteristic.specification
    low = -np.inf if limits is None or limits.lsl is None else limits.lsl
    high = np.inf if limits is None or limits.usl is None else limits.usl
    return np.asarray((values < low) | (values > high), dtype=np.bool_)


def known(rows: Rows) -> Bools:
    """Return for each row whether its outcome is known."""
    return np.array([text != "" for text in rows.outcome], dtype=np.bool_)


def measured(rows: Rows) -> Float64:
    """Return the measured values of a variable, NaN where there is none or it is no number."""
    return np.array([_number(text) for text in rows.outcome], dtype=np.float64)


def has_time(plan: Plan, station: str) -> bool:
    """Return whether a station's parts have times of their own, rather than made from the order of rows."""
    for signal in plan.signals_at(station):
        source = plan.source(signal.source)
        if source.kind is not SourceKind.FILES or source.time_column:
            return True
    return False


def several_groups(groups: Sequence[str] | NDArray[np.object_]) -> bool:
    """Return whether rows belong to more than one group."""
    return len(set(groups)) > 1


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")
