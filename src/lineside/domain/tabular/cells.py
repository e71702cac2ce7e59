"""Lines to cells, after RFC 4180 with any delimiter.

A record is a line, or several where a quoted cell holds line ends. A quote that is never closed must not swallow the
rest of the file: when the lines behind it do not complete the record, its first line alone is refused and reading
goes on with the next one. A line with another number of cells than the table, or with quotes that do not fit, is
refused and hurts no other.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lineside.domain.intake.reasons import Reason, Refusal, refuse

LONGEST_RECORD: Final = 50
"""Lines that one record may have."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of some lines: ``flat`` holds ``len(lines) * width`` of them, row after row.

    ``lines`` says on which line each row begins. ``grouped`` says that there may be underscores in the cells, which
    some readers of numbers skip.
    """

    width: int
    lines: Sequence[int]
    flat: Sequence[bytes]
    grouped: bool = True

    def column(self, index: int) -> Sequence[bytes]:
        """Return the cells of a column."""
        return self.flat[index :: self.width]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How the rows of a table are written; ``trailing``: each ends with a delimiter behind its last cell."""

    width: int
    delimiter: str
    comment: str = ""
    trailing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """The cells of some lines, the refusals by line, and how many lines were used: an open record waits for more."""

    cells: Cells
    refusals: Mapping[int, Refusal] = field(default_factory=dict)
    used: int


def parse_lines(lines: Sequence[bytes], shape: Shape, *, final: bool = True) -> Parsed:
    """Return the cells of lines (without their ends); blank lines and comments are neither rows nor refused.

    With ``final`` nothing comes behind the last line, so that a record which is open there is refused.
    """
    regular = _regular(lines, shape)
    if regular is None:
        regular = _regular_with_quotes(lines, shape)
    if regular is not None:
        return Parsed(cells=regular, used=len(lines))
    good: list[int] = []
    flat: list[bytes] = []
    refusals: dict[int, Refusal] = {}
    at = 0
    while at < len(lines):
        record, after = read_record(lines, at, shape, final=final)
        if after == at:
            break
        if isinstance(record, Refusal):
            refusals[at] = record
        elif record is not None:
            good.append(at)
            flat += record
        at = after
    return Parsed(cells=Cells(shape.width, good, flat), refusals=refusals, used=at)


def read_record(
    lines: Sequence[bytes], start: int, shape: Shape, *, final: bool
) -> tuple[list[bytes] | Refusal | None, int]:
    """Return the cells of the record at a line (None: it is blank or a comment) and the line behind it.

    Where the record is open and lines may follow that are not there yet, the line behind it is ``start``.
    """
    line = lines[start]
    if _is_blank(line) or (shape.comment and line.startswith(shape.comment.encode())):
        return None, start + 1
    if b'"' not in line:
        return _checked(line.split(shape.delimiter.encode()), shape), start + 1
    text, trouble = line.decode(errors="surrogateescape"), ""
    for after in range(start + 1, start + 1 + LONGEST_RECORD):
        cells, trouble = _split_quoted(text, shape)
        if cells is not None:
            found = _checked([cell.encode(errors="surrogateescape") for cell in cells], shape)
            return found, start + 1 if isinstance(found, Refusal) else after
        if "unexpected end" not in trouble:
            break
        if after >= len(lines):
            if not final:
                return None, start
            break
        text = f"{text}\n{lines[after].decode(errors='surrogateescape')}"
    return refuse(Reason.MALFORMED_ROW, hint="The quotes are not balanced."), start + 1


def split(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line that is a whole record, stripped; quotes that do not fit are taken literally."""
    cells = None
    if '"' in line:
        cells, _ = _split_quoted(line, Shape(width=0, delimiter=delimiter))
    return [cell.strip() for cell in (line.split(delimiter) if cells is None else cells)]


def _regular(lines: Sequence[bytes], shape: Shape) -> Cells | None:
    """Return the cells of lines that all have the right number of delimiters and no quotes, quickly."""
    mark, width = shape.delimiter.encode(), shape.width
    wanted = width - 1 + shape.trailing
    if not all(line.count(mark) == wanted for line in lines) or (not wanted and any(map(_is_blank, lines))):
        return None
    text = mark.join(lines)
    if b'"' in text or _has_comments(lines, text, shape):
        return None
    flat = text.split(mark) if lines else []
    if shape.trailing:
        if any(flat[width :: width + 1]):
            return None
        del flat[width :: width + 1]
    return Cells(width, range(len(lines)), flat, b"_" in text)


def _regular_with_quotes(lines: Sequence[bytes], shape: Shape) -> Cells | None:
    """Return the cells of lines that are each one whole record with quotes, or None."""
    text = b"\n".join(lines)
    if shape.trailing or b'"' not in text or b"\0" in text or b"\r" in text:
        return None
    if _has_comments(lines, text, shape):
        return None
    source = text.decode(errors="surrogateescape").split("\n")
    try:
        rows = list(csv.reader(source, delimiter=shape.delimiter, strict=True))
    except csv.Error:
        return None
    if len(rows) != len(lines) or any(len(row) != shape.width for row in rows):
        return None
    flat = [cell.encode(errors="surrogateescape") for row in rows for cell in row]
    return Cells(shape.width, range(len(lines)), flat)


def _has_comments(lines: Sequence[bytes], text: bytes, shape: Shape) -> bool:
    sign = shape.comment.encode()
    return bool(sign) and sign in text and any(line.startswith(sign) for line in lines)


def _checked(cells: list[bytes], shape: Shape) -> list[bytes] | Refusal:
    """Return cells if there are as many as the table has columns."""
    if len(cells) == shape.width + 1 and shape.trailing and not cells[-1].strip():
        return cells[:-1]
    if len(cells) == shape.width:
        return cells
    return refuse(Reason.MALFORMED_ROW, hint=f"The table has {shape.width} columns, the row {len(cells)}.")


def _split_quoted(text: str, shape: Shape) -> tuple[list[str] | None, str]:
    """Return the cells of a record with quotes, or None and why not; a blank before a quote is let pass."""
    trouble = ""
    for skip in (False, True):
        try:
            cells = next(csv.reader([text], delimiter=shape.delimiter, strict=True, skipinitialspace=skip), [])
        except csv.Error as error:
            trouble = trouble or str(error)
            continue
        if skip or len(cells) == shape.width or ' "' not in text or shape.delimiter == "\t":
            return cells, ""
    return None, trouble


def _is_blank(line: bytes) -> bool:
    return not line.strip(b" \r\t")
