"""Small plans for tests, and what they begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lineside.domain.plan.model import Plan

SIGNALS: Final[tuple[dict[str, Any], ...]] = (
    {"id": "temperature", "unit": "degC", "range": (0, 300)},
    {"id": "pressure", "unit": "bar"},
    {"id": "running", "role": "trigger"},
    {"id": "serial", "role": "context", "type": "text"},
)


CASTING: Final[Mapping[str, Any]] = {
    "lineside": 1,
    "site": {"id": "works"},
    "area": {"id": "foundry"},
    "line": {"id": "dc07"},
    "part": {"number": "4711"},
}
"""What every plan begins with, of a die-casting line; sources, stations and signals are each test's own."""


def plan_with_source(
    source: Mapping[str, Any],
    *,
    addresses: Mapping[str, str] | None = None,
    registers: Mapping[str, Mapping[str, Any]] | None = None,
    cycle: Mapping[str, Any] | None = None,
    signals: Sequence[Mapping[str, Any]] = SIGNALS,
) -> Plan:
    """Return a plan with one source and the station's signals at the given addresses or registers of it."""
    named, kept = addresses or {}, registers or {}
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "site"},
            "area": {"id": "area"},
            "line": {"id": "line"},
            "part": {"number": "P1"},
            "sources": [{"id": "machine", **source}],
            "stations": [
                {"id": "press", "cycle": cycle or {"by": "trigger", "signal": "running"}, "serial": "serial"},
            ],
            "signals": [
                {
                    "station": "press",
                    "source": "machine",
                    "address": named.get(item["id"], ""),
                    "register": kept.get(item["id"]),
                    **item,
                }
                for item in signals
            ],
        }
    )


PRESS_PLAN: Final = """\
lineside: 1
number: CP-1
site: {id: site}
area: {id: area}
line: {id: line}
part: {number: P-1}
sources:
  - {id: rows, kind: files, path: parts.csv, time_column: time}
stations:
  - {id: press, operation: "10", machine: M1, serial: serial, cycle: {by: rows}}
signals:
  - {id: melt, station: press, source: rows, unit: degC}
  - {id: speed, station: press, source: rows, unit: m/s}
  - {id: serial, station: press, source: rows, role: context, type: text}
characteristics:
  - {id: porosity, station: press}
rates: {processor_hour: 0.05, gigabyte: 0.02}
reactions:
  - {id: look, characteristic: porosity, text: Porosity is likely., steps: [{do: inspect, text: Look at the part.}]}
"""
"""One station whose parts come as rows of a file: two signals and a serial, judged for porosity."""
