"""Small plans, tables and parts for tests of learning and judging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import CONFORMING, NONCONFORMING
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.domain.units import SECOND
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import Bundle

STATION = "press"
CHARACTERISTIC = "porosity"


def modelling_plan(
    signals: int = 4,
    conditions: int = 0,
    *,
    timed: bool = True,
    contexts: Sequence[str] = (),
    model: dict[str, Any] | None = None,
    **characteristic: Any,
) -> Plan:
    """Return a plan of one station with finished rows: process signals ``x0``..., conditions ``e0``...

    ``contexts`` are further signals, of text, that say what is made. One reaction is for ``x0``, one for every other
    cause. ``model`` is the characteristic's model wish.
    """
    roles = [("x", "process")] * signals + [("e", "environment")] * conditions
    names = [f"x{i}" for i in range(signals)] + [f"e{i}" for i in range(conditions)]
    step = {"do": "inspect", "text": "Look at the part."}
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "site"},
            "area": {"id": "area"},
            "line": {"id": "line"},
            "part": {"number": "P-1"},
            "sources": [{"id": "rows", "kind": "files", "path": "rows.csv", "time_column": "time" if timed else ""}],
            "stations": [{"id": STATION, "cycle": {"by": "rows"}}],
            "signals": [
                {"id": name, "station": STATION, "source": "rows", "unit": "degC", "role": role}
                for name, (_, role) in zip(names, roles, strict=True)
            ]
            + [
                {"id": name, "station": STATION, "source": "rows", "role": "context", "type": "text"}
                for name in contexts
            ],
            "characteristics": [{"id": CHARACTERISTIC, "station": STATION, "model": model or {}, **characteristic}],
            "reactions": [
                {"id": "cause_x0", "characteristic": CHARACTERISTIC, "signals": ["x0"], "text": "x0.", "steps": [step]},
                {"id": "other", "characteristic": CHARACTERISTIC, "text": "Something else.", "steps": [step]},
            ],
        }
    )


def part_table(
    plan: Plan,
    features: Float64,
    outcome: Sequence[str] = (),
    *,
    group: Sequence[str] = (),
    context: Sequence[Mapping[str, str]] = (),
    first: int = 0,
) -> PartTable:
    """Return parts a second apart with the given features ``(n, recipe)``; no outcome is known unless given."""
    count = len(features)
    started = (first + np.arange(count, dtype=np.int64)) * SECOND
    return PartTable(
        recipe=recipe_for(plan, STATION),
        unit=tuple(f"unit-{first + i}" for i in range(count)),
        started=started,
        ended=started + SECOND,
        features=features,
        group=tuple(group) or ("",) * count,
        outcome=tuple(outcome) or ("",) * count,
        context=tuple(context),
    )


def fitted(plan: Plan, version: int = 1) -> Bundle:
    """Return a learned bundle of that version: parts are bad where the last process signal is high."""
    features = np.random.default_rng(0).normal(size=(300, len(recipe_for(plan, STATION).features)))
    outcome = [NONCONFORMING if bad else CONFORMING for bad in features[:, 2] > 1.0]
    table = part_table(plan, features, outcome)
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table, version=version)).bundle


def part_record(plan: Plan, features: Float64, number: int = 0, context: Mapping[str, str] | None = None) -> PartRecord:
    """Return one part with the given features."""
    return PartRecord(
        cycle_id=f"{STATION}-{number}",
        unit=f"unit-{number}",
        station=STATION,
        started=number * SECOND,
        ended=(number + 1) * SECOND,
        received=(number + 1) * SECOND,
        recipe=recipe_for(plan, STATION).digest,
        features=features,
        context=context or {},
    )
