"""Text tables as machines write them (CSV and its kin), from bytes to cells, without files.

`LineCutter` cuts what is read into whole lines and keeps no line that is longer than `LONGEST_LINE`;
`parse_lines` turns lines into cells, column by column. A line with another number of cells than the header, or
with unbalanced quotes, is refused and hurts no other. Cells stay bytes: what they mean is the business of
`intake`. The form is RFC 4180 with any delimiter, but a cell cannot hold a line break, so that a forgotten quote
spoils one line and not the rest of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lineside.domain.errors import DataError
from lineside.domain.intake.reasons import Reason, Refusal, refuse

LONGEST_LINE: Final = 65_536
"""Bytes of a line; a longer one is refused."""
DELIMITERS: Final = (";", ",", "\t", "|")
"""What is tried, in this order, where the plan names none; the one that is most frequent in the header wins."""
_BOM: Final = b"\xef\xbb\xbf"


def guess_delimiter(header: str) -> str:
    """Return the delimiter of a header line; a comma where it has none."""
    best = max(DELIMITERS, key=header.count)
    return best if best in header else ","


def read_header(line: bytes, delimiter: str = "") -> tuple[tuple[str, ...], str]:
    """Return the column names of a header line and the delimiter, found out where it is not given.

    Raises:
        DataError: the line is not UTF-8, or names a column twice or not at all.
    """
    try:
        text = line.removeprefix(_BOM).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            "the header is not UTF-8", value=line[:40], next_step="save the file as CSV in UTF-8"
        ) from error
    found = delimiter or guess_delimiter(text)
    cells = _split_quoted(text, found)
    if cells is None:
        raise DataError("the header has unbalanced quotes", value=text)
    names = tuple(cell.strip() for cell in cells)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice or not any(names):
        raise DataError("the header must name each column once", value=twice or text, next_step="correct the header")
    return names, found


class LineCutter:
    """Cuts a stream of bytes into whole lines, without their ends; sans-IO."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipped = 0

    def feed(self, chunk: bytes) -> list[bytes | Refusal]:
        """Return the lines that a chunk completes, in order; a line that is too long comes as its refusal."""
        first, *others = chunk.split(b"\n")
        if not others:
            self._keep(first)
            return []
        self._keep(first)
        whole: list[bytes | Refusal] = [self._end(), *others[:-1]]
        if b"\r" in chunk or max(map(len, others)) > LONGEST_LINE:
            whole[1:] = [_capped(line) for line in others[:-1]]
        self._keep(others[-1])
        return whole

    def finish(self) -> list[bytes | Refusal]:
        """Return the last line, if it has no end."""
        return [self._end()] if self._rest or self._skipped else []

    def _keep(self, piece: bytes) -> None:
        room = LONGEST_LINE + 1 - len(self._rest)
        self._rest += piece[:room]
        self._skipped += max(0, len(piece) - room)

    def _end(self) -> bytes | Refusal:
        line, skipped = self._rest, self._skipped
        self._rest, self._skipped = b"", 0
        return _capped(line, skipped)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of some lines: ``flat`` holds ``len(lines) * width`` of them, line after line.

    ``grouped`` says that there may be underscores in them, which some readers of numbers skip.
    """

    width: int
    lines: tuple[int, ...]
    flat: Sequence[bytes]
    grouped: bool = True

    def column(self, index: int) -> Sequence[bytes]:
        """Return the cells of a column."""
        return self.flat[index :: self.width]


def parse_lines(lines: Sequence[bytes], width: int, delimiter: str) -> tuple[Cells, dict[int, Refusal]]:
    """Return the cells of lines (without their ends) that have ``width`` of them, and the refusals by line.

    ``Cells.lines`` says which lines the rows of cells come from; blank lines are neither.
    """
    mark = delimiter.encode()
    wanted = width - 1
    regular = all(line.count(mark) == wanted for line in lines) and (wanted or not any(map(_is_blank, lines)))
    if regular and b'"' not in (text := mark.join(lines)):
        return Cells(width, tuple(range(len(lines))), text.split(mark) if lines else (), b"_" in text), {}
    good: list[int] = []
    flat: list[bytes] = []
    refusals: dict[int, Refusal] = {}
    for index, line in enumerate(lines):
        if _is_blank(line):
            continue
        cells = _split_line(line, delimiter)
        if isinstance(cells, Refusal):
            refusals[index] = cells
        elif len(cells) != width:
            refusals[index] = refuse(
                Reason.MALFORMED_ROW, hint=f"The header has {width} columns, the row {len(cells)}."
            )
        else:
            good.append(index)
            flat += cells
    return Cells(width, tuple(good), flat), refusals


def _is_blank(line: bytes) -> bool:
    return not line.strip(b" \r")


def _split_line(line: bytes, delimiter: str) -> list[bytes] | Refusal:
    if b'"' not in line:
        return line.split(delimiter.encode())
    cells = _split_quoted(line.decode(errors="surrogateescape"), delimiter)
    if cells is None:
        return refuse(Reason.MALFORMED_ROW, hint="The quotes are not balanced.")
    return [cell.encode(errors="surrogateescape") for cell in cells]


def _split_quoted(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of a line with quotes, or None where they are not balanced."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def _capped(line: bytes, skipped: int = 0) -> bytes | Refusal:
    if skipped or len(line) > LONGEST_LINE:
        return refuse(Reason.LINE_TOO_LONG, hint=f"It has {len(line) + skipped} bytes and begins {line[:40]!r}.")
    return line[:-1] if line.endswith(b"\r") else line
