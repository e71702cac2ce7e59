"""The rows of a CSV file: cells of one width, and the lines that do not fit.

A record is a line, or several where a quoted field holds line ends. A quote that is never closed must not swallow
the rest of the file: when the lines behind it do not complete the record, that line alone is rejected and reading
goes on with the next one.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

from lineside.adapters.tables.csv_form import (
    LONGEST_LINE,
    Decoded,
    find_decimal,
    find_delimiter,
    has_header,
    sample_lines,
    split,
    strict_split,
)
from lineside.domain.errors import DataError
from lineside.domain.quarantine import RAW_LIMIT
from lineside.domain.tables import RejectedRow

LONGEST_RECORD: Final = 50
"""Lines that one record may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvOptions:
    """How a CSV file is written; what is empty (or None) is found out."""

    delimiter: str = ""
    decimal: Literal["", ".", ","] = ""
    header: bool | None = None


@dataclass(kw_only=True, slots=True)
class CsvRows:
    """The rows of a file by column: ``cells[c][r]``, with the line on which each row begins."""

    text: Decoded
    names: list[str]
    cells: list[list[str]]
    lines: list[int]
    rejected: list[RejectedRow]
    delimiter: str
    decimal: str
    header: bool

    def raw(self, index: int) -> bytes:
        """Return the first line of a row, as it stands in the file."""
        return self.text.lines[self.lines[index] - 1]


@dataclass(frozen=True, slots=True)
class _Record:
    """One record that fits, or the reason why the line at ``start`` does not; ``after`` is where reading goes on."""

    start: int
    after: int
    cells: list[str]
    reason: str = ""


def read_rows(text: Decoded, options: CsvOptions, where: str) -> CsvRows:
    """Read all records of a file.

    Raises:
        DataError: the file has no rows.
    """
    sample = sample_lines(text)
    if not sample:
        raise DataError("the file is empty", where=where)
    delimiter = options.delimiter or find_delimiter(sample)
    width = _width(sample, delimiter)
    records: list[_Record] = []
    rejected: list[RejectedRow] = []
    at = 0
    while at < len(text.lines):
        record = _next_record(text, at, delimiter, width)
        at = record.after
        if record.reason:
            raw = text.lines[record.start][:RAW_LIMIT]
            rejected.append(RejectedRow(row=record.start + 1, raw=raw, reason=record.reason))
        elif record.cells:
            records.append(record)
    return _assemble(text, records, rejected, delimiter, options, width)


def _width(sample: list[str], delimiter: str) -> int:
    """Return how many fields a row has: as many as the header, unless hardly a row agrees with it."""
    counts = Counter(len(split(line, delimiter)) for line in sample)
    first = len(split(sample[0], delimiter))
    most, times = max(counts.items(), key=lambda item: (item[1], item[0]))
    return most if counts[first] == 1 and times > 1 else first


def _next_record(text: Decoded, start: int, delimiter: str, width: int) -> _Record:
    line, reason = _line(text, start)
    if reason:
        return _Record(start, start + 1, [], reason)
    if not line.strip():
        return _Record(start, start + 1, [])
    if '"' in line:
        return _quoted_record(text, start, line, delimiter, width)
    cells = [cell.strip() for cell in line.split(delimiter)]
    reason = "" if len(cells) == width else f"{len(cells)} fields where {width} are expected"
    return _Record(start, start + 1, cells, reason)


def _quoted_record(text: Decoded, start: int, line: str, delimiter: str, width: int) -> _Record:
    record, after, reason = line, start + 1, ""
    while True:
        try:
            cells = strict_split(record, delimiter)
        except csv.Error as error:
            reason = f"quotes that do not fit ({error})"
        else:
            if len(cells) == width:
                return _Record(start, after, cells)
            return _Record(start, start + 1, [], f"{len(cells)} fields where {width} are expected")
        more, trouble = _line(text, after) if after < min(len(text.lines), start + LONGEST_RECORD) else ("", "end")
        if trouble or "unexpected end" not in reason:
            return _Record(start, start + 1, [], reason)
        record, after = f"{record}\n{more}", after + 1


def _line(text: Decoded, index: int) -> tuple[str, str]:
    """Return a line and why it cannot be read, one of both empty."""
    raw = text.lines[index]
    if len(raw) > LONGEST_LINE:
        return "", f"a line of {len(raw)} bytes; the longest allowed has {LONGEST_LINE}"
    if b"\0" in raw:
        return "", "a NUL byte"
    try:
        return text.line(index), ""
    except UnicodeDecodeError as error:
        return "", f"bytes that are not {text.encoding} (at byte {error.start})"


def _assemble(
    text: Decoded,
    records: list[_Record],
    rejected: list[RejectedRow],
    delimiter: str,
    options: CsvOptions,
    width: int,
) -> CsvRows:
    decimal = options.decimal or find_decimal([record.cells for record in records[:200]])
    header = options.header
    if header is None:
        header = bool(records) and has_header(records[0].cells, decimal)
    names = _unique_names(records[0].cells if header and records else [""] * width)
    body = records[1:] if header else records
    return CsvRows(
        text=text,
        names=names,
        cells=[list(column) for column in zip(*(record.cells for record in body), strict=True)] or [[] for _ in names],
        lines=[record.start + 1 for record in body],
        rejected=rejected,
        delimiter=delimiter,
        decimal=decimal,
        header=header,
    )


def _unique_names(header: list[str]) -> list[str]:
    """Return the header with empty names filled in (``column_3``) and repeated ones numbered (``speed (2)``)."""
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(header, start=1):
        base = cell or f"column_{position}"
        name, again = base, 2
        while name in taken:
            name, again = f"{base} ({again})", again + 1
        taken.add(name)
        names.append(name)
    return names
