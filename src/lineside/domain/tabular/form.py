"""Find out how a table is written, from its first lines: delimiter, decimal sign, header, units, where rows begin."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from lineside.domain.errors import DataError
from lineside.domain.intake.reasons import Refusal
from lineside.domain.intake.values import read_number
from lineside.domain.tabular.cells import Shape, read_record, split

DELIMITERS: Final = (";", "\t", ",", "|")
"""In the order of preference where several fit equally well."""
SAMPLE: Final = 200
"""Lines that are looked at to find out the form."""
_COMMA_NUMBER: Final = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_POINT_NUMBER: Final = re.compile(r"[+-]?\d+\.\d+(?:[eE][+-]?\d+)?", re.ASCII)
_BRACKETED: Final = re.compile(r"\[.{0,20}\]|\(.{0,20}\)")
_WRITTEN: Final = (
    "°c degc c k °f degf % %rh bar mbar pa hpa kpa mpa psi um µm mm cm m in ms s sec min h g kg t n kn nm mnm a ma v "
    "mv kv w kw hz khz rpm 1/min u/min 1/s l/min l/h m3/h m³/h l ml mm/s m/s m/min n/mm2 n/mm² kwh - 1"
)
UNITS: Final = frozenset(_WRITTEN.split(" "))
"""Units as they stand under headers, in lower case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvOptions:
    """How a CSV file is written; what is empty (or None, or 0) is found out.

    ``header_line`` is the number of the line with the names, ``column`` a name that is certain to stand in it,
    ``units_line`` whether units stand under it, and ``comment`` what a line begins with that is no row (empty: there
    are none).
    """

    delimiter: str = ""
    decimal: Literal["", ".", ","] = ""
    header: bool | None = None
    header_line: int = 0
    column: str = ""
    units_line: bool | None = None
    comment: str = ""
    encoding: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvForm:
    """How a CSV file was understood: ``first`` is the number of the line (from 1) with which the rows begin.

    ``names`` are the cells of the header, stripped, or empty texts where there is none; ``units`` those under it.
    ``preamble`` are the lines above the header that are neither blank nor comments, by their numbers.
    """

    shape: Shape
    decimal: str
    header: bool
    names: tuple[str, ...]
    first: int
    units: tuple[str, ...] = ()
    preamble: tuple[int, ...] = field(default=())


def find_form(lines: Sequence[bytes], options: CsvOptions) -> CsvForm:
    """Return the form of a table, from its first lines without their ends.

    Raises:
        DataError: there is no row.
    """
    if options.column and not options.header_line:
        options = _where_named(lines, options)
    start = max(0, options.header_line - 1)
    texts = [
        line.decode(errors="replace")
        for line in lines[start:]
        if line.strip() and not (options.comment and line.startswith(options.comment.encode()))
    ]
    if not texts:
        raise DataError("the file is empty")
    shape = _shape(texts, options)
    records = _records(lines, start, shape)
    if not records:
        raise DataError("no line has as many cells as the others", value=texts[0])
    decimal = options.decimal or find_decimal([cells for _, cells, _ in records])
    at, names, after = records[0]
    header = has_header(names, decimal) if options.header is None else options.header
    if not header:
        names, after = [""] * shape.width, at
    below = [cells for _, cells, _ in records[1:3]]
    units = find_units(below, options.units_line) if header else ()
    if units:
        after = records[1][2]
    return CsvForm(
        shape=shape,
        decimal=decimal,
        header=header,
        names=tuple(names),
        first=after + 1,
        units=units,
        preamble=tuple(number + 1 for number in range(at) if lines[number].strip()),
    )


def _where_named(lines: Sequence[bytes], options: CsvOptions) -> CsvOptions:
    """Return the options with the line and the delimiter of the header, where a line names the certain column."""
    for number, line in enumerate(lines, 1):
        text = line.decode(errors="replace").removeprefix("\ufeff")
        for delimiter in [options.delimiter] if options.delimiter else DELIMITERS:
            cells = [cell.strip().strip('"') for cell in split(text, delimiter)]
            if len(cells) > 1 and options.column in cells:
                return replace(options, header_line=number, delimiter=delimiter)
    return options


def find_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that gives most lines the same number of cells; a comma where there is only one."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        counts = Counter(fields for fields in _counted(lines, delimiter) if fields > 1)
        if not counts:
            continue
        fields, times = max(counts.items(), key=lambda item: (item[1], item[0]))
        score = times / len(lines) + (len(split(lines[0], delimiter)) == fields)
        if score > best_score + 1e-9:
            best, best_score = delimiter, score
    return best


def find_decimal(rows: Sequence[Sequence[str]]) -> Literal[".", ","]:
    """Return the decimal sign: a comma where more cells look like numbers with one than with a point."""
    commas = sum(_COMMA_NUMBER.fullmatch(cell) is not None for row in rows for cell in row)
    points = sum(_POINT_NUMBER.fullmatch(cell) is not None for row in rows for cell in row)
    return "," if commas > points else "."


def has_header(first: Sequence[str], decimal: str) -> bool:
    """Return whether a first row is one of names: no cell of it is a number."""
    return not any(is_number(cell, decimal) for cell in first)


def is_number(cell: str, decimal: str = ".") -> bool:
    """Return whether a cell is a number."""
    return not isinstance(read_number(cell, decimal=decimal), Refusal)


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a header that names each column once.

    Raises:
        DataError: it names a column twice, or none at all.
    """
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice or not any(names):
        raise DataError(
            "the header must name each column once", value=twice or list(names), next_step="correct the header"
        )
    return tuple(names)


def unique_names(header: Sequence[str]) -> list[str]:
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


def _shape(texts: Sequence[str], options: CsvOptions) -> Shape:
    """Return the width of the rows, and whether they end with a delimiter that the header lacks."""
    delimiter = options.delimiter or find_delimiter(texts)
    fields = _counted(texts, delimiter)
    ended = [line.rstrip(" ").endswith(delimiter) for line in texts]
    mostly = sum(ended[1:]) * 10 >= 9 * len(ended[1:])
    if len(fields) > 1 and fields[1] == fields[0] + 1 > 2 and not ended[0] and mostly:
        return Shape(width=fields[0], delimiter=delimiter, comment=options.comment, trailing=True)
    width = fields[0] if options.header_line else _width(fields)
    return Shape(width=width, delimiter=delimiter, comment=options.comment)


def _width(fields: Sequence[int]) -> int:
    """Return as many as the first line has, unless it is of a preamble: no line behind the first rows has as many."""
    several = Counter(count for count in fields if count > 1)
    most, times = max(several.items(), key=lambda item: (item[1], item[0]), default=(fields[0], 0))
    is_preamble = times > 1 and fields[0] not in fields[fields.index(most) :]
    return most if is_preamble else fields[0]


def _counted(lines: Sequence[str], delimiter: str) -> list[int]:
    return [len(split(line, delimiter)) for line in lines]


def _records(lines: Sequence[bytes], start: int, shape: Shape) -> list[tuple[int, list[str], int]]:
    """Return the records that fit, each with the index of its first line and of the line behind it."""
    found = []
    at = start
    while at < len(lines):
        record, after = read_record(lines, at, shape, final=True)
        if isinstance(record, list):
            found.append((at, [cell.decode(errors="replace").strip() for cell in record], after))
        at = after
    return found


def find_units(below: Sequence[Sequence[str]], stated: bool | None) -> tuple[str, ...]:  # noqa: FBT001 - as in the plan
    """Return the units that stand under a header, from the rows below it; empty where none do.

    Unless it is stated, a row is one of units if it holds no number, the row below it does, and a cell of it is a
    unit that is known or stands in brackets.
    """
    if not below or stated is False:
        return ()
    cells = below[0]
    if stated:
        return tuple(cells)
    if any(map(_may_be_number, cells)) or len(below) < 2:
        return ()
    numeric = any(map(_may_be_number, below[1]))
    named = any(cell.lower() in UNITS or _BRACKETED.fullmatch(cell) for cell in cells if cell)
    return tuple(cells) if numeric and named else ()


def _may_be_number(cell: str) -> bool:
    """Return whether a cell is a number, with whichever decimal sign."""
    return is_number(cell) or is_number(cell, ",")
