"""Which features a station's parts have, as the plan says it: names, units and roles, in one fixed order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from lineside.domain.plan.model import CycleByRows, Plan, Role, Signal, SignalType

DEFAULT_FEATURES: Final = {
    Role.PROCESS: ("mean", "std", "min", "max", "slope"),
    Role.ENVIRONMENT: ("last",),
    Role.CONTEXT: (),
    Role.TRIGGER: (),
}
"""Features of a number signal for which the plan names none."""

TRACE_KINDS: Final = frozenset({"curve", "waves"})
"""Kinds of which one in the plan stands for several features."""

WHOLE: Final = ""
"""Phase id that stands for the whole cycle."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One feature: a statistic of one signal over one phase of the cycle (``""``: the whole cycle)."""

    signal: str
    phase: str
    kind: str
    unit: str
    role: Role

    @property
    def name(self) -> str:
        """The feature's name: ``signal``, ``signal.kind`` or ``signal.phase.kind``."""
        if self.kind == "value":
            return self.signal
        return ".".join(part for part in (self.signal, self.phase, self.kind) if part)


@dataclass(frozen=True, slots=True)
class FeatureRecipe:
    """The features of a station's parts, in order; equal recipes have equal digests."""

    station: str
    features: tuple[FeatureSpec, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the recipe by its content."""
        text = "\n".join(f"{item.name}|{item.unit}|{item.role}" for item in self.features)
        object.__setattr__(self, "digest", hashlib.sha256(f"{self.station}\n{text}".encode()).hexdigest()[:16])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return tuple(item.name for item in self.features)


def signals_of(plan: Plan, station_id: str) -> tuple[Signal, ...]:
    """Return the signals that a station's parts are made from: its own, and the conditions of the whole line.

    A signal of role ``environment`` (hall temperature, humidity) holds for every station, wherever it is
    measured. The order is the plan's.
    """
    return tuple(signal for signal in plan.signals if signal.station == station_id or signal.role is Role.ENVIRONMENT)


def recipe_for(plan: Plan, station_id: str) -> FeatureRecipe:
    """Return the recipe of a station: its number signals' features, signals in the plan's order."""
    station = plan.station(station_id)
    phases = [phase.id for phase in station.phases]
    finished_rows = isinstance(station.cycle, CycleByRows)
    features: list[FeatureSpec] = []
    for signal in signals_of(plan, station_id):
        if signal.type is SignalType.TEXT:
            continue
        if finished_rows:
            wanted = [(WHOLE, "value")] if signal.role in {Role.PROCESS, Role.ENVIRONMENT} else []
        else:
            wanted = _wanted(signal, phases)
        features += [
            FeatureSpec(signal.id, phase, kind, _unit(signal.unit, kind), signal.role) for phase, kind in wanted
        ]
    return FeatureRecipe(station_id, tuple(features))


def _wanted(signal: Signal, phases: list[str]) -> list[tuple[str, str]]:
    whole = DEFAULT_FEATURES[signal.role] if signal.features is None else signal.features
    pairs = [(WHOLE, kind) for kind in whole]
    for phase in phases:
        pairs += [(phase, kind) for kind in signal.phase_features.get(phase, ())]
    return [(phase, each) for phase, kind in pairs for each in _each_of(kind)]


def _each_of(kind: str) -> tuple[str, ...]:
    """Return the kinds that a kind of the plan stands for: those of a trace one by one, else itself."""
    name = kind[:5]
    if name not in TRACE_KINDS:
        return (kind,)
    count = int(kind[6:-1])
    return tuple(f"{name}({number + 1}of{count})" for number in range(count))


def trace_kind(kind: str) -> tuple[str, int, int] | None:
    """Return of which kind of trace a feature is, its number, from 1, and of how many; None where it is of none."""
    if kind[:5] not in TRACE_KINDS:
        return None
    number, count = kind[6:-1].split("of")
    return kind[:5], int(number), int(count)


def _unit(unit: str, kind: str) -> str:
    """Return the unit of a statistic of a signal of that unit."""
    if kind == "count":
        return ""
    if kind == "slope":
        return f"{unit}/s"
    if kind == "area":
        return f"{unit}*s" if unit else "s"
    return "s" if kind.startswith("above(") else unit
