"""From part records and outcomes to the table that a characteristic is learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from lineside.domain.errors import DataError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import UNKNOWN, Outcome, rank_of
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.model import Characteristic, Plan
from lineside.domain.tables import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinedParts:
    """The table, and how many parts were left out, by reason."""

    table: PartTable
    dropped: Mapping[str, int]


def latest_outcomes(
    outcomes: Iterable[Outcome], characteristic: str, precedence: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return the outcome of each unit for a characteristic, from outcomes in the order in which they were recorded.

    The source that comes first in ``precedence`` holds; then the highest revision, of equals the latest found, and of
    those the latest recorded. The view ``latest_outcomes`` of the history says the same.
    """
    best: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.characteristic != characteristic:
            continue
        known = best.get(outcome.unit)
        if known is None or _weight(outcome, precedence) >= _weight(known, precedence):
            best[outcome.unit] = outcome
    return {unit: outcome.value for unit, outcome in best.items()}


def _weight(outcome: Outcome, precedence: tuple[str, ...]) -> tuple[int, int, int]:
    return -rank_of(outcome.source, precedence), outcome.revision, outcome.found


def join_parts(
    plan: Plan,
    characteristic: Characteristic,
    parts: Iterable[PartRecord],
    outcomes: Mapping[str, str],
    defects: Collection[str] = frozenset(),
) -> JoinedParts:
    """Return the parts of a characteristic's station in time order, each with its unit's outcome.

    Left out and counted: cycles without a proper end, and parts made by another recipe than the plan's. A cycle that
    comes twice is taken once. ``outcomes`` are by unit, ``defects`` the units that do not conform in another
    characteristic of the station.

    Raises:
        DataError: no part is left.
    """
    recipe = recipe_for(plan, characteristic.station)
    dropped: Counter[str] = Counter()
    chosen: dict[str, PartRecord] = {}
    for part in parts:
        if part.station != characteristic.station:
            continue
        if part.incomplete:
            dropped["no proper end"] += 1
        elif part.recipe != recipe.digest:
            dropped["made by another recipe"] += 1
        else:
            chosen[part.cycle_id] = part
    ordered = sorted(chosen.values(), key=lambda part: (part.started, part.cycle_id))
    if not ordered:
        raise DataError(
            "there is no part to learn from",
            field=characteristic.station,
            value=dict(dropped) or None,
            next_step="let the line run, or give finished parts with --parts",
        )
    table = PartTable(
        recipe=recipe,
        unit=tuple(part.unit for part in ordered),
        started=np.array([part.started for part in ordered], dtype=np.int64),
        ended=np.array([part.ended for part in ordered], dtype=np.int64),
        features=np.array([part.features for part in ordered], dtype=np.float64),
        group=("",) * len(ordered),
        outcome=tuple(outcomes.get(part.unit, UNKNOWN) for part in ordered),
        context=tuple(part.context for part in ordered),
        other_defects=tuple(part.unit in defects for part in ordered),
    )
    return JoinedParts(table=table, dropped=dict(dropped))


def with_outcomes(parts: Table, characteristic: Characteristic, outcomes: Table | None, unit_column: str) -> Table:
    """Return a table of parts with its characteristic's outcome column, filled from a table of outcomes by unit.

    Without a table of outcomes the parts' own column holds, empty where there is none: then nothing is known. Of
    several outcomes of one unit the last row holds.

    Raises:
        DataError: a table lacks the column of units or of outcomes.
    """
    column = characteristic.outcome.column or characteristic.id
    if outcomes is None:
        empty = np.full(len(parts), None, dtype=object)
        return parts if column in parts.columns else replace(parts, columns={**parts.columns, column: empty})
    for table, wanted in ((parts, unit_column), (outcomes, unit_column), (outcomes, column)):
        if wanted not in table.columns:
            raise DataError(
                "a column is missing",
                where=table.name,
                field=wanted,
                choices=table.names,
                next_step="name the column of units with --unit, that of outcomes in the plan (outcome.column)",
            )
    known = dict(zip(outcomes.texts(unit_column), outcomes.texts(column), strict=True))
    found = np.array([known.get(unit) for unit in parts.texts(unit_column)], dtype=object)
    return replace(parts, columns={**parts.columns, column: found})
