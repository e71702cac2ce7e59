"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) as blocks of rows, by python-calamine.

One sheet is read: the one that the plan names, else the first. Formulas count as the value they last had. A merged
range has its value in each of its cells. Cells that hold an error (#DIV/0!, #N/A) are refused one by one; only
.xlsx and .xlsm tell them from empty ones.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from defusedxml import ElementTree

from lineside.adapters.archives import check_archive
from lineside.adapters.files.blocks import TimeForm, numbers_of
from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.times import days_from_civil, read_time
from lineside.domain.intake.values import check_numbers, read_text
from lineside.domain.plan.model import FilesSpec
from lineside.domain.readings import Float64, Int64
from lineside.domain.tabular.form import checked_names, find_units
from lineside.domain.units import DAY, SECOND

EXCEL_SUFFIXES: Final = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
LARGEST: Final = 1 << 30
"""Bytes that a workbook may have once it is unpacked: it is held in memory."""
_MOST_COVERED: Final = 200_000
_SAMPLE: Final = 200
_SERIAL_DAYS: Final = (20_000.0, 110_000.0)
"""Days since 1899-12-30 that a plain number in a column of times may mean: 1954 to 2201."""
_SERIAL_EPOCH: Final = days_from_civil(1899, 12, 30)
_ERROR_CELL: Final = re.compile(
    rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*?\bt="e"[^>]*?>'
    rb"(?:<f\b.*?</f>|<f\b[^>]*/>)?<v>([^<]{1,20})<"
)
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell that holds an error."""

    text: str


@dataclass(frozen=True, slots=True)
class SheetBlock:
    """Rows of a sheet: cells as Python objects, an empty text where there is nothing."""

    names: tuple[str, ...]
    numbers: Int64
    end: int
    rows: Sequence[Sequence[Any]]

    def times(self, name: str, form: TimeForm, now: int) -> tuple[Int64, dict[int, Refusal]]:
        """Return a column as UTC nanoseconds; dates of the workbook are local to the source's zone."""
        times = np.zeros(len(self.rows), dtype=np.int64)
        refusals: dict[int, Refusal] = {}
        for row, cell in enumerate(self._column(name)):
            moment = _moment(cell, form, now)
            if isinstance(moment, Refusal):
                refusals[row] = moment
            else:
                times[row] = moment
        return times, refusals

    def values(self, name: str, *, decimal: str, boolean: bool) -> tuple[Float64, dict[int, Refusal]]:
        """Return a column as numbers; empty cells and refused ones are NaN."""
        cells = self._column(name)
        there = np.array([cell != "" for cell in cells], dtype=np.bool_)
        filled = [cell for cell in cells if cell != ""]
        if set(map(type, filled)) <= {float, int}:
            values, rows = np.full(len(cells), np.nan), np.flatnonzero(there)
            values[rows], refused = check_numbers(np.array(filled, dtype=np.float64))
            return values, {int(rows[at]): refusal for at, refusal in refused.items()}
        return numbers_of([_plain(cell) for cell in cells], decimal, boolean=boolean)

    def status(self, name: str) -> None:
        """Return None: all values are good."""

    def texts(self, name: str) -> tuple[list[str | None], dict[int, Refusal]]:
        """Return a column as texts; empty cells and refused ones are None."""
        texts: list[str | None] = []
        refusals: dict[int, Refusal] = {}
        for row, cell in enumerate(self._column(name)):
            text = refuse(Reason.NOT_A_NUMBER, cell.text) if isinstance(cell, CellError) else read_text(_plain(cell))
            if isinstance(text, Refusal):
                refusals[row], text = text, ""
            texts.append(text or None)
        return texts, refusals

    def raw(self, row: int) -> bytes:
        """Return the cells of a row in a readable form."""
        return "; ".join(str(_plain(cell)) for cell in self.rows[row]).encode(errors="backslashreplace")

    def take(self, rows: Int64) -> SheetBlock:
        """Return some of the rows, in order."""
        return SheetBlock(self.names, self.numbers[rows], self.end, [self.rows[row] for row in rows.tolist()])

    def _column(self, name: str) -> list[Any]:
        at = self.names.index(name)
        return [row[at] for row in self.rows]


def sheet_blocks(path: Path, spec: FilesSpec, rows: int, after: int) -> Iterator[SheetBlock]:
    """Yield the blocks of a sheet; its rows count from 1 behind the header, empty ones are none.

    Raises:
        DataError: it is no workbook, is protected, has no such sheet or no header.
        ConfigurationError: python-calamine is not installed.
    """
    _check_size(path)
    grid = _cells(path, spec.sheet)
    sample = [row for _, row in zip(range(max(_SAMPLE, spec.header_line + 2)), grid, strict=False)]
    header, first = _header(sample, spec)
    names = checked_names(header)
    waiting: list[Sequence[Any]] = []
    numbers: list[int] = []
    number = 0
    for number, row in enumerate(_chained(sample[first:], grid), 1):
        if number > after and any(cell != "" for cell in row):
            waiting.append(row)
            numbers.append(number)
        if len(waiting) >= rows:
            yield SheetBlock(names, np.array(numbers, dtype=np.int64), number, waiting)
            waiting, numbers = [], []
    if waiting or number <= after:
        yield SheetBlock(names, np.array(numbers, dtype=np.int64), number, waiting)


def _chained(first: Sequence[Sequence[Any]], rest: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield from first
    yield from rest


def _cells(path: Path, sheet: str) -> Iterator[list[Any]]:
    """Yield the rows of a sheet, with merged ranges filled and errors in their places."""
    try:
        import python_calamine as calamine  # noqa: PLC0415 - the base install does without
    except ImportError as error:
        raise ConfigurationError("workbooks need python-calamine", next_step="install lineside[files]") from error
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            chosen = _chosen(book.sheet_names, sheet, path.name)
            found = book.get_sheet_by_name(chosen)
            left = found.start[1] if found.start else 0
            covered = _covered(found.merged_cell_ranges or ())
            errors = _errors(path, chosen)
            yield from _filled(found.iter_rows(), left, covered, errors)
    except calamine.PasswordError as error:
        raise DataError("the workbook is protected by a password", where=path.name) from error
    except calamine.CalamineError as error:
        raise DataError(f"not a workbook, or damaged: {str(error)[:200]}", where=path.name) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how the library's own mistakes come, beside all exceptions
            raise
        raise DataError("damaged in a way that its reader does not know", where=path.name) from error


def _chosen(names: Sequence[str], sheet: str, where: str) -> str:
    if (sheet and sheet not in names) or not names:
        raise DataError("no such sheet", where=where, field="sheet", value=sheet, choices=names)
    return sheet or names[0]


def _filled(
    rows: Iterator[list[Any]], left: int, covered: Mapping[tuple[int, int], tuple[int, int]], errors: Mapping[Any, str]
) -> Iterator[list[Any]]:
    if not covered and not errors:
        yield from rows
        return
    anchors: dict[tuple[int, int], Any] = {}
    wanted = set(covered.values())
    for number, row in enumerate(rows):
        for place in range(len(row)):
            at = (number, place + left)
            if at in errors:
                row[place] = CellError(errors[at])
            if at in wanted:
                anchors[at] = row[place]
            elif at in covered:
                row[place] = anchors.get(covered[at], "")
        yield row


def _covered(ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the cells of merged ranges, each with the cell that holds the value."""
    covered: dict[tuple[int, int], tuple[int, int]] = {}
    for first, last in ranges:
        if len(covered) + (last[0] - first[0] + 1) * (last[1] - first[1] + 1) > _MOST_COVERED:
            break
        for row in range(first[0], last[0] + 1):
            covered |= {(row, column): first for column in range(first[1], last[1] + 1) if (row, column) != first}
    return covered


def _errors(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Return the cells of an .xlsx sheet that hold an error."""
    if path.suffix.lower() not in {".xlsx", ".xlsm"}:
        return {}
    with zipfile.ZipFile(path) as book:
        try:
            part = _part_of(book, sheet)
            text = book.read(part)
        except (KeyError, ElementTree.ParseError, zipfile.BadZipFile):
            return {}  # calamine reads it by other ways: then errors are empty cells
    found = {}
    for letters, number, error in _ERROR_CELL.findall(text):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        found[int(number) - 1, column - 1] = error.decode(errors="replace")
    return found


def _part_of(book: zipfile.ZipFile, sheet: str) -> str:
    sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{_MAIN}sheet")
    link = next(item.get(_LINK) for item in sheets if item.get("name") == sheet)
    links = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = next(str(item.get("Target")) for item in links if item.get("Id") == link)
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _check_size(path: Path) -> None:
    """Refuse what would not fit into memory, or must not be unpacked, before it is."""
    size = path.stat().st_size
    if size > LARGEST:
        raise DataError(f"a workbook of {size} bytes; the largest that is read has {LARGEST}", where=path.name)
    check_archive(path, LARGEST)


def _header(sample: Sequence[Sequence[Any]], spec: FilesSpec) -> tuple[list[str], int]:
    """Return the names of the columns and the index of the row behind them (and behind their units).

    The header is the first row that has a text in most of the columns that rows have, and nothing but texts.
    """
    filled = [sum(cell != "" for cell in row) for row in sample]
    most = max(filled, default=0)
    texts = [all(isinstance(cell, str) for cell in row) for row in sample]
    if spec.header_line:
        at = spec.header_line - 1
    else:
        at = next((at for at, count in enumerate(filled) if count * 2 > most and texts[at]), -1)
    if not 0 <= at < len(sample) or not filled[at]:
        raise DataError("no row names the columns", next_step="state header_line in the plan")
    below = [[str(_plain(cell)) for cell in row] for row in sample[at + 1 : at + 3]]
    units = find_units(below, spec.units_line)
    names = [str(cell).strip() if cell != "" else "" for cell in sample[at]]
    return names, at + 1 + bool(units)


def _plain(cell: Any) -> Any:
    if isinstance(cell, CellError):
        return cell.text
    return cell if isinstance(cell, str | int | float | bool) else str(cell)


def _moment(cell: Any, form: TimeForm, now: int) -> int | Refusal:
    if isinstance(cell, CellError):
        return refuse(Reason.TIME_UNREADABLE, cell.text)
    if isinstance(cell, float) and _SERIAL_DAYS[0] < cell < _SERIAL_DAYS[1]:
        local = _SERIAL_EPOCH * DAY + round(cell * 86_400_000) * 1_000_000
    elif isinstance(cell, date):
        moment = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - local
        days = days_from_civil(moment.year, moment.month, moment.day)
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        local = days * DAY + seconds * SECOND + round(moment.microsecond / 1000) * 1_000_000
    else:
        return read_time(cell, now=now, zone=form.zone, form=form.form)
    utc = form.zone.to_utc(local)
    return utc if isinstance(utc, Refusal) else read_time(utc, now=now)
