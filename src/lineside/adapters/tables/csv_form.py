"""Find out how a CSV file is written: encoding, delimiter, decimal sign and header."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lineside.adapters.tables.columns import is_number

DELIMITERS: Final = (";", "\t", ",", "|")
"""In the order of preference where several fit equally well."""
SAMPLE: Final = 200
"""Lines that are looked at to find out the form."""
LONGEST_LINE: Final = 1_000_000
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMA_NUMBER: Final = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_POINT_NUMBER: Final = re.compile(r"[+-]?\d+\.\d+(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """The physical lines of a file: as bytes without their ends, and how to read them."""

    lines: list[bytes]
    encoding: str

    def line(self, index: int) -> str:
        """Return a line as text.

        Raises:
            UnicodeDecodeError: its bytes are not in the file's encoding.
        """
        return self.lines[index].decode(self.encoding)


def decode(data: bytes) -> Decoded:
    """Return the lines of a file and its encoding: utf-8, utf-16 by its mark, or cp1252 where utf-8 fits worse."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            rest = data[len(mark) :]
            if encoding != "utf-8":
                rest = rest.decode(encoding, "replace").encode()
            return Decoded(lines=rest.splitlines(), encoding="utf-8")
    lines = data.splitlines()
    return Decoded(lines=lines, encoding=_encoding(data, lines))


def _encoding(data: bytes, lines: Sequence[bytes]) -> str:
    """Return utf-8 unless most of the lines beyond ASCII are not; single damaged lines do not decide."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        beyond = [line for line in lines if not line.isascii()]
        damaged = sum(not _is_utf8(line) for line in beyond)
        return "cp1252" if damaged * 2 > len(beyond) else "utf-8"
    return "utf-8"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def sample_lines(text: Decoded) -> list[str]:
    """Return the first lines that are not empty and can be read."""
    found: list[str] = []
    for raw in text.lines[: 2 * SAMPLE]:
        if raw.strip() and len(raw) < LONGEST_LINE:
            found.append(raw.decode(text.encoding, "replace"))
        if len(found) == SAMPLE:
            break
    return found


def find_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that gives most lines the same number of fields; a comma where there is only one."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        counts = Counter(len(split(line, delimiter)) for line in lines)
        fields, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if fields < 2 or not times:
            continue
        share = times / len(lines)
        in_header = len(split(lines[0], delimiter)) == fields
        score = share + in_header
        if score > best_score + 1e-9:
            best, best_score = delimiter, score
    return best


def find_decimal(rows: Sequence[Sequence[str]]) -> str:
    """Return the decimal sign: a comma where more cells look like numbers with one than with a point."""
    commas = sum(_COMMA_NUMBER.fullmatch(cell) is not None for row in rows for cell in row)
    points = sum(_POINT_NUMBER.fullmatch(cell) is not None for row in rows for cell in row)
    return "," if commas > points else "."


def has_header(first: Sequence[str], decimal: str) -> bool:
    """Return whether a first row is one of names: no cell of it is a number."""
    return not any(is_number(cell, decimal) for cell in first)


def split(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line that is a whole record, stripped; quotes that do not fit are taken literally."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return strict_split(line, delimiter)
    except csv.Error:
        return [cell.strip() for cell in line.split(delimiter)]


def strict_split(record: str, delimiter: str) -> list[str]:
    """Return the fields of a record with quotes, stripped.

    Raises:
        csv.Error: the quotes do not fit, or one is not closed.
    """
    fields = next(csv.reader([record], delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t"), [])
    return [cell.strip() for cell in fields]
