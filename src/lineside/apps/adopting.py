"""Adopting a prototype: read it, map its inputs, re-run it on past data, and measure what it costs here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from lineside.adapters.prototypes import ReadOptions, read_prototype
from lineside.domain.adoption.case import Case, case_of
from lineside.domain.adoption.inputs import InputMap, Offered, map_inputs, with_columns
from lineside.domain.adoption.result import Cost, Readiness
from lineside.domain.backtests.units import Units, units_from_tables
from lineside.domain.plan.model import Characteristic, Plan
from lineside.domain.tables import Table
from lineside.flows.adopt import AdoptRequest, adopt
from lineside.learn.prototype import Prototype

_TIMED: Final = 300
_WARM: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class AdoptOptions:
    """What the command line says; ``hour_price`` is what an hour of one core costs, in the plan's currency."""

    model: str
    given: Mapping[str, str] = field(default_factory=dict)
    lab: Mapping[str, float] = field(default_factory=dict)
    until: int | None = None
    group: str = ""
    flipped: bool = False
    trust_pickle: bool = False
    hour_price: float = 0.05
    seed: int = 0
    data: str = ""


def adopt_model(
    plan: Plan,
    characteristic: Characteristic,
    tables: Sequence[tuple[str, Table]],
    options: AdoptOptions,
    progress: Callable[[str], None] = lambda _: None,
) -> Readiness:
    """Return the report on the prototype that the options name.

    Raises:
        LinesideError: the prototype cannot be read, its inputs fit nothing, or the data does not carry a comparison.
    """
    progress(f"reading {options.model}")
    prototype = read_prototype(options.model, ReadOptions(trust_pickle=options.trust_pickle))
    columns = tuple(dict.fromkeys(name for _, table in tables for name in table.names))
    offered = Offered(plan=plan, characteristic=characteristic, columns=columns)
    inputs = map_inputs(prototype.inputs, offered, options.given)
    units = _units(plan, characteristic, tables, inputs, options.group)
    case, left_out = case_of(units, inputs, characteristic)
    progress(f"{len(case)} parts with known outcome in {len(set(case.group))} groups")
    request = AdoptRequest(
        plan=plan,
        characteristic=characteristic,
        prototype=prototype,
        inputs=inputs,
        data=options.data,
        lab=options.lab,
        until=options.until,
        flipped=options.flipped,
        seed=options.seed,
        left_out=dict(units.dropped) | {reason: count for reason, count in left_out.items() if count},
        progress=progress,
    )
    currency = characteristic.cost.currency
    return adopt(request, case, lambda parts: _cost(prototype, parts, options.hour_price, currency))


def _units(
    plan: Plan, characteristic: Characteristic, tables: Sequence[tuple[str, Table]], inputs: InputMap, group: str
) -> Units:
    whole = with_columns(plan, characteristic.station, inputs.columns)
    return units_from_tables(whole, characteristic, tables, group)


def _cost(prototype: Prototype, case: Case, hour_price: float, currency: str) -> Cost:
    """Return what one answer for one part takes, the prototype as it was brought."""
    rows = case.inputs[:_TIMED].astype(np.float32)
    taken, began = [], time.process_time()
    for number, row in enumerate((*rows[:_WARM], *rows)):
        if number == _WARM:
            began = time.process_time()
        start = time.thread_time_ns()
        prototype.raw(row[None, :])
        taken.append((time.thread_time_ns() - start) / 1000.0)
    seconds = (time.process_time() - began) / max(len(rows), 1)
    return Cost(
        where="the prototype as it was brought",
        p50_us=float(np.quantile(taken[_WARM:], 0.5)),
        p99_us=float(np.quantile(taken[_WARM:], 0.99)),
        cpu_seconds=seconds,
        bytes=prototype.size,
        per_part=seconds / 3600.0 * hour_price,
        currency=currency,
        hour_price=hour_price,
    )
