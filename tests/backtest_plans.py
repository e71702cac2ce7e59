"""Small plans and tables that the tests of the backtest share."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineside.domain.plan.model import Plan
from lineside.domain.tables import Table, TableForm

SECOND = 1_000_000_000


def make_plan(cycle: dict[str, Any] | None = None, **changes: Any) -> Plan:
    """Return a plan of one station with two number signals and one attribute; rows are parts unless told."""
    characteristic = {
        "id": "defect",
        "station": "press",
        "outcome": {"column": "label"},
        **changes.pop("characteristic", {}),
    }
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "site"},
            "area": {"id": "area"},
            "line": {"id": "line"},
            "part": {"number": "P-1"},
            "sources": [
                {"id": "files", "kind": "files", "path": "data", "time_column": changes.pop("time_column", "")}
            ],
            "stations": [{"id": "press", "cycle": cycle or {"by": "rows"}, **changes.pop("station", {})}],
            "signals": [
                {"id": "force", "station": "press", "unit": "kN", "source": "files"},
                {"id": "heat", "station": "press", "unit": "degC", "source": "files", "address": "Heat 1"},
                *changes.pop("signals", []),
            ],
            "characteristics": [characteristic],
            "reactions": [
                {
                    "id": "look",
                    "characteristic": "defect",
                    "text": "Look at it.",
                    "steps": [{"do": "inspect", "text": "Look."}],
                }
            ],
            **changes,
        }
    )


def make_table(
    force: list[float], label: list[str | None], *, times: list[int] | None = None, name: str = "a.csv", **more: Any
) -> Table:
    """Return a table of the plan's columns; ``times`` in seconds."""
    count = len(force)
    columns: dict[str, Any] = {
        "force": np.array(force, dtype=np.float64),
        "Heat 1": np.arange(count, dtype=np.float64) % 7,
        "label": np.array(label, dtype=np.object_),
    }
    return Table(
        name=name,
        columns=columns | more,
        rows=np.arange(2, count + 2, dtype=np.int64),
        times=None if times is None else np.array(times, dtype=np.int64) * SECOND,
        form=TableForm(kind="csv"),
    )
