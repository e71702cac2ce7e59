"""The four published sets: where their files are, and the two that need another form before they can be read.

TEP comes as arrays and becomes one Parquet file per run; the NAB series get a column that says which rows lie in
a labelled window. SKAB and AIRTLab are read as they were published. Nothing else is changed.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TEP_STEP = timedelta(minutes=3)
TEP_FAULT_FROM = 160
TEP_START = datetime(2026, 1, 1, tzinfo=UTC)
NAB_SERIES = {
    "nab_machine": "machine_temperature_system_failure",
    "nab_ambient": "ambient_temperature_system_failure",
}


def tep_columns() -> list[str]:
    """Return the signals of the plan in the order of the arrays' columns."""
    return [f"xmeas_{i}" for i in range(1, 42)] + [f"xmv_{i}" for i in range(1, 12)]


def prepare_tep(source: Path, target: Path) -> Path:
    """Write a Parquet file per run, each on days of its own: the training run first, the normal test run next."""
    runs = np.load(source / "tep" / "tep_test_float32.npz")
    target.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(sorted(runs.files, key=lambda item: (item != "d00", item))):
        values = runs[name].astype(np.float64)
        start = TEP_START + number * timedelta(days=3)
        columns: dict[str, object] = {"time": [start + row * TEP_STEP for row in range(len(values))]}
        columns |= dict(zip(tep_columns(), values.T, strict=True))
        faulty = name not in {"d00", "d00_te"}
        columns["fault"] = [int(faulty and row >= TEP_FAULT_FROM) for row in range(len(values))]
        pq.write_table(pa.table(columns), target / f"{name}.parquet")
    return target


def prepare_nab(source: Path, target: Path, series: str) -> Path:
    """Write the series with a column that is 1 inside the labelled windows."""
    folder = source / "nab_temperature"
    name = NAB_SERIES[series]
    labels = json.loads((folder / "combined_windows.json").read_text())
    windows = [(start[:19], end[:19]) for start, end in labels[f"realKnownCause/{name}.csv"]]
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{series}.csv"
    with (folder / f"{name}.csv").open() as rows, path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["timestamp", "value", "failure"])
        for row in csv.DictReader(rows):
            inside = any(start <= row["timestamp"] <= end for start, end in windows)
            writer.writerow([row["timestamp"], row["value"], int(inside)])
    return path
