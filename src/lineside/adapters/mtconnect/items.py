"""Which observation belongs to which signal, and what it is as a value.

An address is the id or the name of a data item; ``exec=ACTIVE`` makes of its states a number, 1 while it is in the
state named and 0 otherwise, which is what a trigger needs. A condition is 0, 1 or 2 for normal, warning and fault, or
the word where the signal is a text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lineside.adapters.mtconnect.documents import DataItem, Observation
from lineside.domain.intake.gate import SignalRule

UNAVAILABLE: Final = "UNAVAILABLE"
LEVELS: Final = {"NORMAL": 0.0, "WARNING": 1.0, "FAULT": 2.0}
"""The states of a condition (Part 3, Condition) as numbers."""
UNITS: Final[Mapping[str, frozenset[str]]] = {
    "CELSIUS": frozenset({"degC", "Cel", "C"}),
    "MILLIMETER": frozenset({"mm"}),
    "MILLIMETER/SECOND": frozenset({"mm/s"}),
    "MILLIMETER/SECOND^2": frozenset({"mm/s2"}),
    "METER": frozenset({"m"}),
    "DEGREE": frozenset({"deg"}),
    "DEGREE/SECOND": frozenset({"deg/s"}),
    "REVOLUTION/MINUTE": frozenset({"rpm", "1/min", "/min", "{rev}/min", "r/min"}),
    "PERCENT": frozenset({"%"}),
    "PASCAL": frozenset({"Pa"}),
    "NEWTON": frozenset({"N"}),
    "NEWTON_METER": frozenset({"Nm", "N.m"}),
    "AMPERE": frozenset({"A"}),
    "VOLT": frozenset({"V"}),
    "WATT": frozenset({"W"}),
    "WATT_SECOND": frozenset({"W.s", "Ws", "J"}),
    "JOULE": frozenset({"J"}),
    "HERTZ": frozenset({"Hz"}),
    "SECOND": frozenset({"s"}),
    "KILOGRAM": frozenset({"kg"}),
    "LITER": frozenset({"l", "L"}),
    "LITER/SECOND": frozenset({"l/s", "L/s"}),
    "OHM": frozenset({"Ohm"}),
    "DECIBEL": frozenset({"dB"}),
    "VOLT_AMPERE": frozenset({"VA", "V.A"}),
}
"""How a plan may write the units of the standard (Part 2, units)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A signal that takes the observations of a data item; ``state`` is what it compares with, if it does."""

    rule: SignalRule
    item: str
    state: str


def wanted_of(rule: SignalRule) -> Wanted:
    """Return what a signal's address asks for."""
    item, _, state = rule.address.partition("=")
    return Wanted(rule, item, state)


def by_item(rules: Iterable[SignalRule], items: Sequence[DataItem]) -> tuple[dict[str, list[Wanted]], dict[str, str]]:
    """Return the signals by the id of their data item, and why a signal has none."""
    ids = {item.id for item in items}
    named: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.name:
            named[item.name].add(item.id)
    found: defaultdict[str, list[Wanted]] = defaultdict(list)
    refused: dict[str, str] = {}
    for rule in rules:
        wanted = wanted_of(rule)
        candidates = {wanted.item} if wanted.item in ids else named.get(wanted.item, set())
        if len(candidates) == 1:
            found[next(iter(candidates))].append(wanted)
        elif candidates:
            refused[rule.id] = f"{wanted.item} names several data items: {', '.join(sorted(candidates)[:5])}"
        else:
            refused[rule.id] = f"the agent has no data item {wanted.item}"
    return dict(found), refused


def unit_differs(unit: str, item: DataItem) -> bool:
    """Say whether a plan's unit is certainly another than the agent's."""
    known = UNITS.get(item.units)
    return bool(unit) and known is not None and unit not in known


def values_of(wanted: Wanted, observation: Observation) -> list[object]:
    """Return the values that an observation gives a signal: one, or those of a time series in order."""
    text = observation.value
    if wanted.state:
        return [float(text.casefold() == wanted.state.casefold())]
    if observation.condition:
        return [text.lower() if wanted.rule.text else LEVELS.get(text, text)]
    if observation.series > 0.0:
        return list(text.split())
    return [text]
