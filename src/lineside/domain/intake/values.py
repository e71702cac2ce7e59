"""Values as machines deliver them, to a number or a text, or refused.

The column functions are the fast way for cells of text files. They accept exactly what the single-value rules
accept: a cell that does not pass the fast test is handed to the single-value rule, which decides and names the
reason.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.intake.decimals import read_decimals
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.readings import Float64

LARGEST: Final = 1e30
"""Beyond this size a number is a placeholder (such as the largest float of 32 bits) or garbage."""
LONGEST_TEXT: Final = 256
"""Characters of a text value or a name."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NUMBER_COMMA: Final = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity|1\.#\w+)(\(\w*\))?", re.ASCII | re.IGNORECASE)
_BLANK: Final = " \t\r\n\v\f"
_WILDCARDS: Final = frozenset("*>#+")


def read_number(value: object, *, decimal: str = ".", boolean: bool = False) -> float | Refusal:
    """Return the number that a value is, or why it is none.

    Accepts int and float, and text or bytes that read as a decimal number with the given separator (no grouping,
    no underscores, no digits of other scripts). True and false are 1 and 0 only where ``boolean`` allows it.
    Magnitudes beyond `LARGEST` are refused; subnormal numbers and the negative zero are numbers like any other.
    """
    if isinstance(value, bool | np.bool_):
        if boolean:
            return float(value)
        return refuse(Reason.BOOLEAN, bool(value), "Give the signal the role trigger or context.")
    if isinstance(value, float | np.floating | int | np.integer):
        return _sized(value)
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="replace")
    if isinstance(value, str):
        return _number_of_text(value.strip(_BLANK), decimal)
    if value is None:
        return refuse(Reason.NULL)
    return refuse(Reason.NESTED_VALUE, value)


def read_text(value: object) -> str | Refusal:
    """Return the text that a value is, or why it is none.

    Numbers and truth values are written as text (a serial number often arrives as an integer; ``5.0`` reads
    ``5``). Texts are at most `LONGEST_TEXT` characters that can be shown; an empty text is a text.
    """
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return refuse(Reason.ENCODING, value)
    if isinstance(value, str):
        return _checked_text(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | float | np.integer | np.floating):
        number = _sized(value)
        if isinstance(number, Refusal):
            return number
        return str(int(value)) if number.is_integer() else repr(number)
    return refuse(Reason.NULL) if value is None else refuse(Reason.NESTED_VALUE, value)


def check_name(name: object) -> Refusal | None:
    """Return why a name (of a signal, a topic, a column) cannot be one, or None where it can."""
    if not isinstance(name, str) or not name:
        return refuse(Reason.BAD_NAME, name)
    if len(name) > LONGEST_TEXT or not name.isprintable() or not _WILDCARDS.isdisjoint(name):
        return refuse(Reason.BAD_NAME, name)
    return None


def read_number_column(
    cells: Sequence[bytes], *, decimal: str = ".", boolean: bool = False, grouped: bool = True, thousands: str = ""
) -> tuple[Float64, dict[int, Refusal]]:
    """Return the numbers of a column of cells and the refusals by row; empty cells and refused ones are NaN.

    ``grouped=False`` promises that no cell holds an underscore (which Python's own grammar would let pass).
    ``thousands`` is the sign that groups digits by three, where the source declares one; blanks may be no-break.
    """
    if thousands:
        cells = [without_groups(cell, thousands, decimal) for cell in cells]
    values = read_decimals(b"\n".join([*cells, b""]), len(cells), decimal)
    unsure = np.flatnonzero(np.isnan(values))
    if len(unsure):
        values[unsure] = _read_by_python([cells[row] for row in unsure.tolist()], decimal, grouped=grouped)
    suspects = np.flatnonzero(~(np.abs(values) <= LARGEST))
    refusals: dict[int, Refusal] = {}
    for row in suspects.tolist():
        if not cells[row].strip():
            continue
        number = read_number(cells[row], decimal=decimal, boolean=boolean)
        if isinstance(number, Refusal):
            refusals[row] = number
            values[row] = np.nan
        else:
            values[row] = number
    return values, refusals


def _read_by_python(cells: Sequence[bytes], decimal: str, *, grouped: bool) -> Float64:
    """Return cells as Python reads them, NaN where it reads none, or where any of them is none."""
    values = np.full(len(cells), np.nan)
    if not (grouped and any(b"_" in cell for cell in cells)):
        plain = decimal == "." and b"" not in cells
        readable = cells if plain else [_pointed(cell, decimal) for cell in cells]
        with contextlib.suppress(ValueError):
            values = np.fromiter(map(float, readable), dtype=np.float64, count=len(cells))
    return values


def without_groups(cell: bytes, thousands: str, decimal: str) -> bytes:
    """Return a number without the signs that group its digits by three; any other cell as it is."""
    text = cell.replace(b"\xc2\xa0", b" ").replace(b"\xe2\x80\xaf", b" ") if thousands == " " else cell
    sign = re.escape(thousands.encode())
    pattern = rb"\s*[+-]?\d{1,3}(?:" + sign + rb"\d{3})+(?:" + re.escape(decimal.encode()) + rb"\d*)?\s*"
    return text.replace(thousands.encode(), b"") if re.fullmatch(pattern, text) else cell


def read_text_column(cells: Sequence[bytes]) -> tuple[list[str | None], dict[int, Refusal]]:
    """Return the texts of a column of cells (None where empty or refused) and the refusals by row."""
    known: dict[bytes, str | Refusal | None] = {b"": None}
    texts: list[str | None] = []
    refusals: dict[int, Refusal] = {}
    for row, cell in enumerate(cells):
        if cell not in known:
            known[cell] = read_text(cell)
        text = known[cell]
        if isinstance(text, Refusal):
            refusals[row] = text
            text = None
        texts.append(text)
    return texts, refusals


def check_numbers(values: NDArray[np.floating] | NDArray[np.integer]) -> tuple[Float64, dict[int, Refusal]]:
    """Return a column that is numbers already as float64, and the refusals by row, whose values become NaN."""
    numbers = values.astype(np.float64)
    refusals = {}
    for row in np.flatnonzero(~(np.abs(numbers) <= LARGEST)).tolist():
        refusal = _sized(float(numbers[row]))
        assert isinstance(refusal, Refusal)
        refusals[row] = refusal
        numbers[row] = np.nan
    return numbers, refusals


def _sized(value: float | np.floating | np.integer) -> float | Refusal:
    try:
        number = float(value)
    except OverflowError:
        return refuse(Reason.TOO_LARGE, value)
    if number != number or number in (np.inf, -np.inf):  # noqa: PLR0124 - only NaN differs from itself
        return refuse(Reason.NOT_FINITE, number)
    return number if abs(number) <= LARGEST else refuse(Reason.TOO_LARGE, number)


def _number_of_text(text: str, decimal: str) -> float | Refusal:
    if not text:
        return refuse(Reason.NULL)
    pattern, other = (_NUMBER, _NUMBER_COMMA) if decimal == "." else (_NUMBER_COMMA, _NUMBER)
    if pattern.fullmatch(text):
        number = float(text.replace(",", "."))
        return number if abs(number) <= LARGEST else refuse(Reason.TOO_LARGE, text)
    if other.fullmatch(text):
        return refuse(Reason.DECIMAL_SEPARATOR, text, f"The source declares {decimal!r}.")
    if _NOT_FINITE.fullmatch(text):
        return refuse(Reason.NOT_FINITE, text)
    return refuse(Reason.NOT_A_NUMBER, text)


def _checked_text(text: str) -> str | Refusal:
    if len(text) > LONGEST_TEXT:
        return refuse(Reason.TEXT_TOO_LONG, text)
    return text if text.isprintable() else refuse(Reason.CONTROL_CHARACTERS, text)


def _pointed(cell: bytes, decimal: str) -> bytes:
    """Return a cell with a decimal point, ``nan`` where it is empty or has a point that is not its separator."""
    if not cell:
        return b"nan"
    if decimal == ".":
        return cell
    return b"nan" if b"." in cell else cell.replace(b",", b".")
