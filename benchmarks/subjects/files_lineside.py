"""Lineside at `files`: the source itself, from the file on the disk to batches of checked readings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.files.source import FileOptions, open_source
from lineside.domain.plan.model import FilesSpec, Plan
from measuring.clocks import per_cpu_second
from subjects.tables_files import ROWS, SIGNALS, names_of


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run over the work's file."""
    plan, folder = _plan(str(work["file"])), Path(work["folder"])

    def run() -> dict[str, object]:
        return {"readings": asyncio.run(_read(plan, folder))}

    assert run()["readings"] == ROWS * SIGNALS
    return per_cpu_second(ROWS * SIGNALS, run)


async def _read(plan: Plan, folder: Path) -> int:
    spec = plan.source_as(FilesSpec, "bench")
    source = open_source(plan, spec, SystemClock(), root=folder, options=FileOptions())
    return sum([len(item.readings) async for item in source.deliveries() if item.readings is not None])


def _plan(file: str) -> Plan:
    decimal = "," if file.startswith("german") else "."
    signals = [{"id": name, "station": "cell", "source": "bench"} for name in names_of()]
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "site"},
            "area": {"id": "area"},
            "line": {"id": "line"},
            "part": {"number": "1"},
            "sources": [{"id": "bench", "kind": "files", "path": file, "time_column": "time", "decimal": decimal}],
            "stations": [{"id": "cell", "cycle": {"by": "window", "length": "10 s"}}],
            "signals": signals,
        }
    )
