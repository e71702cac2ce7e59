"""The control plan of a line with many signals, for the benchmarks."""

from __future__ import annotations

from typing import Any

from lineside.domain.plan.model import Plan
from subjects.workload import FEATURES


def line_of(
    signals: int, *, model: dict[str, Any] | None = None, source: dict[str, Any] | None = None, address: str = ""
) -> Plan:
    """Return the plan of one station with so many signals and cycles of 30 s, with the six features of the work.

    With ``model`` there is a characteristic, ``defect``, with that wish for its model.
    """
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "site"},
            "area": {"id": "area"},
            "line": {"id": "line"},
            "part": {"number": "P1"},
            "sources": [{"id": "machine", **(source or {"kind": "files", "path": "readings.csv"})}],
            "stations": [{"id": "station", "cycle": {"by": "window", "length": "30 s"}, "lateness": "500 ms"}],
            "signals": [
                {
                    "id": f"s{number}",
                    "station": "station",
                    "source": "machine",
                    "features": list(FEATURES),
                    "address": address.format(id=f"s{number}"),
                }
                for number in range(signals)
            ],
            "characteristics": [] if model is None else [{"id": "defect", "station": "station", "model": model}],
        }
    )
