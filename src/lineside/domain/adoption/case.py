"""The parts with known outcome that a prototype is re-run on, in columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.adoption.inputs import ROW, TIME, InputMap, MappedInput, brought
from lineside.domain.backtests.units import Units
from lineside.domain.outcomes import CONFORMING, NONCONFORMING, is_nonconforming
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Role
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import DAY, SECOND

Bools = NDArray[np.bool_]
Objects = NDArray[np.object_]
UNITS_WANTED: Final = 40
"""Stretches that the bootstrap draws from, at least, where rows depend on their neighbours."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Case:
    """``n`` parts in the order made: group after group, then by time.

    ``inputs`` ``(n, k)`` are those of the prototype, in its order, named by ``names``. ``label`` is the class's
    position (0 conforming, 1 not, or as the plan's classes stand), or the measured value. ``environment`` are the
    conditions by feature, ``context`` the texts by signal. ``time`` is UTC ns, None where parts have none.
    """

    names: tuple[str, ...]
    inputs: Float64
    label: Float64
    bad: Bools
    group: Objects
    time: Int64 | None
    environment: Mapping[str, Float64] = field(default_factory=dict)
    context: Mapping[str, Objects] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.bad)

    @property
    def day(self) -> Int64 | None:
        """The UTC day of each part, None where parts have no time."""
        return None if self.time is None else np.asarray(self.time // DAY, dtype=np.int64)

    def take(self, rows: Int64) -> Case:
        """Return the parts at these positions."""
        return Case(
            names=self.names,
            inputs=self.inputs[rows],
            label=self.label[rows],
            bad=self.bad[rows],
            group=self.group[rows],
            time=None if self.time is None else self.time[rows],
            environment={name: column[rows] for name, column in self.environment.items()},
            context={name: column[rows] for name, column in self.context.items()},
        )


def stretches_of(case: Case) -> Int64:
    """Return for each part the stretch it belongs to: what a bootstrap may draw as a whole.

    Neighbours in time resemble each other, so that single parts are no independent evidence (block bootstrap:
    Kuensch, *Annals of Statistics* 17, 1989). Parts without time and group are stretches of their own.
    """
    if case.time is None and len(set(case.group)) < 2:
        return np.arange(len(case), dtype=np.int64)
    names = list(dict.fromkeys(case.group))
    pieces = max(1, -(-UNITS_WANTED // len(names)))
    found = np.zeros(len(case), dtype=np.int64)
    for number, name in enumerate(names):
        rows = np.flatnonzero(case.group == name)
        if case.time is not None:
            rows = rows[np.argsort(case.time[rows], kind="stable")]
        for piece, part in enumerate(np.array_split(rows, min(pieces, len(rows)))):
            found[part] = number * pieces + piece
    return found


def case_of(units: Units, inputs: InputMap, characteristic: Characteristic) -> tuple[Case, dict[str, int]]:
    """Return the units with known outcome as a case, and how many were left out, by reason.

    ``units`` were made by a plan that has the map's further columns too (`inputs.with_columns`).
    """
    said = [is_nonconforming(characteristic, text) for text in units.outcome]
    variable = characteristic.kind is CharacteristicKind.VARIABLE
    known = np.array([bool(text) for text in units.outcome], dtype=np.bool_)
    rows = np.flatnonzero(known)
    outcome = np.array(units.outcome, dtype=object)[rows]
    classes = {name: k for k, name in enumerate(characteristic.classes or (CONFORMING, NONCONFORMING))}
    features = units.features
    return Case(
        names=tuple(item.name for item in inputs.inputs),
        inputs=np.column_stack([_column(item, inputs, units, features) for item in inputs.inputs])[rows],
        label=np.array([float(text) if variable else classes[text] for text in outcome], dtype=np.float64),
        bad=np.array([said[row] is True for row in rows], dtype=np.bool_),
        group=np.array(units.group, dtype=object)[rows],
        time=None if units.time is None else units.time[rows],
        environment={
            spec.name: features[rows, j]
            for j, spec in enumerate(units.recipe.features)
            if spec.role is Role.ENVIRONMENT
        },
        context=_contexts(units, rows),
    ), {"outcome not known": int((~known).sum())}


def _column(item: MappedInput, inputs: InputMap, units: Units, features: Float64) -> Float64:
    if item.source == ROW:
        return np.arange(len(units), dtype=np.float64)
    if item.source == TIME:
        times = units.time
        return np.arange(len(units), dtype=np.float64) if times is None else times / SECOND
    signals = [spec.signal for spec in units.recipe.features]
    place = (
        units.recipe.names.index(item.source)
        if item.of_plan
        else signals.index(brought(inputs.columns.index(item.source)))
    )
    return np.asarray(features[:, place], dtype=np.float32).astype(np.float64)


def _contexts(units: Units, rows: Int64) -> dict[str, Objects]:
    """Return the context texts of units, empty where a unit has none, by signal."""
    names = sorted({name for part in units.parts for name in part.context})
    return {name: np.array([units.parts[row].context.get(name, "") for row in rows], dtype=object) for name in names}
