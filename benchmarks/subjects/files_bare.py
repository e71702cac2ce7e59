"""The limits of `files`: each format by the quickest library that reads it, with nothing checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import python_calamine
from pyarrow import csv, parquet

from measuring.clocks import per_cpu_second
from subjects.tables_files import ROWS, SIGNALS


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run over the work's file."""
    file = Path(work["folder"]) / str(work["file"])

    def run() -> dict[str, object]:
        return {"rows": READERS[file.name](file)}

    run()
    return per_cpu_second(ROWS * SIGNALS, run)


def _plain(file: Path) -> int:
    return int(csv.read_csv(file).num_rows)


def _german(file: Path) -> int:
    options = csv.ReadOptions(encoding="cp1252", skip_rows=1)
    convert = csv.ConvertOptions(decimal_point=",")
    return int(csv.read_csv(file, options, csv.ParseOptions(delimiter=";"), convert).num_rows)


def _sheet(file: Path) -> int:
    with python_calamine.CalamineWorkbook.from_path(str(file)) as book:
        return len(book.get_sheet_by_index(0).to_python())


def _values(file: Path) -> int:
    """Split every line and turn the first field of each piece into a number: what any reader has to do."""
    count = 0
    with file.open("rb") as source:
        for line in source:
            if line[:1] != b"K":
                count += len([float(piece.split(b"\x14", 1)[0]) for piece in line.split(b"\x0f")]) // SIGNALS
    return count


READERS: dict[str, Callable[[Path], int]] = {
    "plain.csv": _plain,
    "german.csv": _german,
    "plain.parquet": lambda file: int(parquet.read_table(file).num_rows),
    "plain.xlsx": _sheet,
    "plain.dfq": _values,
}
