"""The files of `files`: the same measurements in every format that the source of files reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from lineside.domain.aqdef import Characteristic, Part, ValueSet, write
from lineside.testing.workbooks import Grid, xlsx

ROWS, SIGNALS = 10_000, 25
BEGIN = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


def make(folder: Path) -> None:
    """Write a file per format: `ROWS` rows of a time and `SIGNALS` values of three decimals."""
    values = np.random.default_rng(1).normal(100, 10, (ROWS, SIGNALS)).round(3)
    names = names_of()
    begin = int(BEGIN.timestamp())
    moments = [datetime.fromtimestamp(begin + row, UTC) for row in range(ROWS)]
    texts = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in moments]
    cells = [[f"{value:.3f}" for value in row] for row in values.tolist()]
    lines = [",".join([time, *row]) for time, row in zip(texts, cells, strict=True)]
    (folder / "plain.csv").write_text("\n".join([",".join(["time", *names]), *lines]) + "\n")
    german = [
        ";".join([time, *(cell.replace(".", ",") for cell in row)]) for time, row in zip(texts, cells, strict=True)
    ]
    header = ";".join(["time", *names])
    (folder / "german.csv").write_bytes("\n".join([f"Prüfstand 7\n{header}", *german]).encode("cp1252"))
    columns = {"time": pa.array(moments, pa.timestamp("ms", "UTC"))} | dict(zip(names, values.T, strict=True))
    parquet.write_table(pa.table(columns), folder / "plain.parquet")
    grid: Grid = [
        ["time", *names],
        *([time.replace(tzinfo=None), *row] for time, row in zip(moments, values.tolist(), strict=True)),
    ]
    (folder / "plain.xlsx").write_bytes(xlsx({"Data": grid}))
    kinds = [Characteristic(index=at, part=1, fields={"K2002": name, "K2004": "0"}) for at, name in enumerate(names, 1)]
    sets = (
        ValueSet(
            number=row,
            part=1,
            values={
                at: {"K0001": cell, "K0002": "0", "K0004": moments[row].strftime("%d.%m.%Y/%H:%M:%S")}
                for at, cell in enumerate(cells[row], 1)
            },
        )
        for row in range(ROWS)
    )
    part = Part(index=1, fields={"K1001": "4711"})
    (folder / "plain.dfq").write_text("\n".join(write([part], kinds, sets, compact=True)) + "\n")


def names_of() -> list[str]:
    """Return the names of the columns of values."""
    return [f"s{number}" for number in range(SIGNALS)]
