"""pandas at `files`: its readers, told the encoding, the delimiter and the decimal sign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from measuring.clocks import per_cpu_second


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run over the work's file."""
    file = Path(work["folder"]) / str(work["file"])

    def run() -> dict[str, object]:
        if file.name == "german.csv":
            frame = pd.read_csv(file, sep=";", decimal=",", encoding="cp1252", skiprows=1, parse_dates=["time"])
        else:
            frame = pd.read_csv(file, parse_dates=["time"])
        return {"version": pd.__version__, "rows": len(frame)}

    run()
    return per_cpu_second(int(work["readings"]), run)
