"""The rows of a whole CSV file by column, as text, and the lines that do not fit."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.domain.quarantine import RAW_LIMIT
from lineside.domain.tables import RejectedRow
from lineside.domain.tabular import CsvOptions, CsvReader, Rows
from lineside.domain.tabular.form import unique_names


@dataclass(kw_only=True, slots=True)
class CsvRows:
    """The rows of a file by column: ``cells[c][r]``, with the line on which each row begins and its bytes."""

    names: list[str]
    cells: list[list[str]]
    lines: list[int]
    raw: list[bytes]
    rejected: list[RejectedRow]
    encoding: str
    delimiter: str
    decimal: str
    header: bool


def read_rows(data: bytes, options: CsvOptions) -> CsvRows:
    """Read all records of a file.

    Raises:
        DataError: the file has no rows.
    """
    reader = CsvReader(options)
    reader.feed(data)
    reader.finish()
    waiting = reader.peek()
    form = reader.form
    rejected = [_rejected(number, waiting[number - 1], "a line above the header") for number in form.preamble]
    names = unique_names(form.names)
    lines: list[int] = []
    raw: list[bytes] = []
    cells: list[list[str]] = [[] for _ in names]
    while (rows := reader.take(max(1, reader.waiting))) is not None:
        taken = _decoded(rows, rejected)
        lines += taken[0]
        raw += taken[1]
        for column, more in zip(cells, taken[2], strict=True):
            column.extend(more)
    return CsvRows(
        names=names,
        cells=cells,
        lines=lines,
        raw=raw,
        rejected=sorted(rejected, key=lambda row: row.row),
        encoding=reader.encoding,
        delimiter=form.shape.delimiter,
        decimal=form.decimal,
        header=form.header,
    )


def _decoded(rows: Rows, rejected: list[RejectedRow]) -> tuple[list[int], list[bytes], list[list[str]]]:
    """Return the rows that are UTF-8: the number of their lines, their bytes and their cells by column."""
    rejected += [_rejected(number, raw, refusal.detail) for number, refusal, raw in rows.refused]
    width, flat = rows.cells.width, rows.cells.flat
    keep = list(range(len(rows.numbers)))
    try:
        texts = [str(cell, "utf-8").strip() for cell in flat]
    except UnicodeDecodeError:
        texts = [""]
    if any("\0" in text for text in texts) or len(texts) != len(flat):
        keep, texts = _readable(rows, rejected)
    raw = [rows.lines[rows.cells.lines[row]] for row in keep]
    return [int(rows.numbers[row]) for row in keep], raw, [texts[column::width] for column in range(width)]


def _readable(rows: Rows, rejected: list[RejectedRow]) -> tuple[list[int], list[str]]:
    """Return the rows that are UTF-8 without NUL bytes, and their cells."""
    width, flat = rows.cells.width, rows.cells.flat
    keep: list[int] = []
    texts: list[str] = []
    for row, number in enumerate(rows.numbers.tolist()):
        raw = rows.lines[rows.cells.lines[row]]
        try:
            cells = [str(cell, "utf-8").strip() for cell in flat[row * width : (row + 1) * width]]
        except UnicodeDecodeError as error:
            rejected.append(_rejected(number, raw, f"bytes that are not utf-8 (at byte {error.start})"))
            continue
        if any("\0" in cell for cell in cells):
            rejected.append(_rejected(number, raw, "a NUL byte"))
            continue
        keep.append(row)
        texts += cells
    return keep, texts


def _rejected(number: int, raw: bytes, reason: str) -> RejectedRow:
    return RejectedRow(row=number, raw=raw[:RAW_LIMIT], reason=reason)
