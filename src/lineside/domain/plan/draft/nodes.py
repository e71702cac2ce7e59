"""From the variables of a server, or the metrics of births, to lines of a plan: a source, and a signal for each.

What the server says is taken as it is: units from EngineeringUnits, ranges from EURange (Part 8). What it does not
say is guessed from names and types, and named in the signal's ``guessed``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from lineside.domain.plan.draft.names import (
    CONTEXT,
    COUNTER,
    ENVIRONMENT,
    SERIAL,
    TRIGGER,
    UNITS,
    ColumnName,
    new_id,
    read_name,
    slug,
)
from lineside.domain.plan.findings import Path

UNECE: Final[Mapping[str, str]] = {
    "CEL": "degC",
    "FAH": "degF",
    "KEL": "K",
    "BAR": "bar",
    "MBR": "mbar",
    "A97": "hPa",
    "PAL": "Pa",
    "KPA": "kPa",
    "MPA": "MPa",
    "PS": "psi",
    "MMT": "mm",
    "CMT": "cm",
    "MTR": "m",
    "4H": "um",
    "C16": "mm/s",
    "MTS": "m/s",
    "MSK": "m/s2",
    "SEC": "s",
    "C26": "ms",
    "MIN": "min",
    "HUR": "h",
    "AMP": "A",
    "4K": "mA",
    "VLT": "V",
    "2Z": "mV",
    "WTT": "W",
    "KWT": "kW",
    "KWH": "kWh",
    "NEW": "N",
    "B47": "kN",
    "NU": "Nm",
    "RPM": "rpm",
    "HTZ": "Hz",
    "KHZ": "kHz",
    "P1": "%",
    "KGM": "kg",
    "GRM": "g",
    "L2": "l/min",
    "MQH": "m3/h",
    "CMQ": "cm3",
    "LTR": "l",
    "2N": "dB",
    "59": "ppm",
    "C62": "",
}
"""Units by their UNECE common code, which is what the UnitId of EngineeringUnits holds (Part 8, 5.6.3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundNode:
    """A variable of a server or a metric of a birth: the names that lead to it, its address, what is said of it.

    ``unit`` and ``unit_id`` are those of EngineeringUnits (empty and None: it has none), ``span`` is the EURange.
    """

    path: tuple[str, ...]
    node_id: str
    type: Literal["number", "boolean", "text"]
    unit: str = ""
    unit_id: int | None = None
    span: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowseLimits:
    """How far to look: steps down from the objects, variables at most, and patterns of which a path must match one."""

    depth: int = 8
    most: int = 1000
    patterns: tuple[str, ...] = ()

    def wants(self, path: Sequence[str]) -> bool:
        """Say whether a path, written with '/', matches one of the patterns; without patterns all do."""
        text = "/".join(path).lower()
        return not self.patterns or any(fnmatchcase(text, pattern.lower()) for pattern in self.patterns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Browsed:
    """What was found, why variables were left out with how many, and whether a bound cut the walk short."""

    nodes: tuple[FoundNode, ...]
    left_out: Mapping[str, int]
    cut: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanLines:
    """Lines for a plan as plain values, with the comments beside them."""

    content: Mapping[str, Any]
    comments: Mapping[Path, str]


def lines_for(nodes: Sequence[FoundNode], source: Mapping[str, Any], station: str) -> PlanLines:
    """Return the lines of a plan for a source and the variables found at it, which all belong to one station."""
    taken: set[str] = set()
    signals: list[dict[str, Any]] = []
    comments: dict[Path, str] = {}
    for position, node in enumerate(nodes):
        signals.append(_signal(node, str(source["id"]), station, taken))
        taken.add(signals[-1]["id"])
        if len(node.path) > 1:
            comments["signals", position] = " / ".join(node.path)
    return PlanLines(content={"sources": [dict(source)], "signals": signals}, comments=comments)


def unit_of(node: FoundNode) -> str:
    """Return the unit that a server gives, as a plan writes it; empty where it gives none."""
    if node.unit_id is not None and node.unit_id > 0:
        code = node.unit_id.to_bytes(4, "big").lstrip(b"\0").decode("ascii", errors="replace")
        if code in UNECE:
            return UNECE[code]
    return UNITS.get(slug(node.unit), node.unit.strip()[:20])


def _signal(node: FoundNode, source: str, station: str, taken: Collection[str]) -> dict[str, Any]:
    name = read_name(node.path[-1])
    signal: dict[str, Any] = {"id": _id(node, taken), "name": node.path[-1][:200], "station": station}
    guessed = []
    if node.type == "number":
        unit = unit_of(node) or name.unit
        if unit:
            signal["unit"] = unit
            guessed += [] if unit_of(node) or name.sure else ["unit"]
    role = _role(node, name)
    if role != "process":
        signal["role"] = role
        guessed.append("role")
    if node.type == "text":
        signal["type"] = "text"
    signal |= {"source": source, "address": node.node_id}
    if node.type == "number" and role in {"process", "environment"} and node.span is not None:
        signal["range"] = list(node.span)
    return signal | ({"guessed": guessed} if guessed else {})


def _role(node: FoundNode, name: ColumnName) -> str:
    words = frozenset(name.words)
    if node.type == "boolean":
        return "trigger" if words & TRIGGER else "context"
    if node.type == "text" or words & SERIAL:
        return "context"
    if node.span is None and not name.unit and words & (CONTEXT | COUNTER):
        return "context"
    return "environment" if words & ENVIRONMENT else "process"


def _id(node: FoundNode, taken: Collection[str]) -> str:
    """Return an id from as few of the names that lead to a node as make it one of its own."""
    for start in range(len(node.path) - 1, -1, -1):
        tried = new_id(" ".join(node.path[start:]), ())
        if tried not in taken:
            return tried
    return new_id(node.path[-1], taken)
