"""The control plan of a line with many signals, for the benchmarks."""

from __future__ import annotations

from lineside.domain.plan.model import Plan
from subjects.workload import FEATURES


def line_of(signals: int) -> Plan:
    """Return the plan of one station with so many signals and cycles of 30 s, with the six features of the work."""
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "site"},
            "area": {"id": "area"},
            "line": {"id": "line"},
            "part": {"number": "P1"},
            "sources": [{"id": "machine", "kind": "files", "path": "readings.csv"}],
            "stations": [{"id": "station", "cycle": {"by": "window", "length": "30 s"}, "lateness": "500 ms"}],
            "signals": [
                {"id": f"s{number}", "station": "station", "source": "machine", "features": list(FEATURES)}
                for number in range(signals)
            ],
        }
    )
