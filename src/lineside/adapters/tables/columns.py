"""Cells of one column to numbers, or to text where they are none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NULLS: Final = frozenset(
    ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none", "-", "--", "?"]
)
"""What people and machines write for 'nothing'."""
TRUTHS: Final = {"true": 1.0, "false": 0.0}
LEAST_SHARE: Final = 0.9
"""A column is one of numbers when at least this share of its cells are."""
EXACT_DIGITS: Final = 15
"""Decimal digits that float64 keeps; a longer whole number is a name, not a quantity."""
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def to_column(cells: Sequence[str], decimal: str, *, as_text: bool) -> tuple[NDArray[Any], list[int]]:
    """Return float64 or text (``str`` or None), and the indices of the cells that could not be taken as numbers.

    Whole numbers with leading zeros or more digits than float64 keeps are names (serial numbers, orders): text.
    """
    if as_text or _are_names(cells):
        return _texts(cells), []
    numbers = _plain_numbers(cells, decimal)
    if numbers is not None:
        return numbers, []
    numbers = np.fromiter((_number(cell, decimal) for cell in cells), dtype=np.float64, count=len(cells))
    wrong = [i for i in np.flatnonzero(np.isnan(numbers)).tolist() if cells[i] not in NULLS]
    filled = len(cells) - sum(cell in NULLS for cell in cells)
    if not filled or len(wrong) > (1 - LEAST_SHARE) * filled:
        return _texts(cells), []
    return numbers, wrong


def _plain_numbers(cells: Sequence[str], decimal: str) -> NDArray[np.float64] | None:
    """Return the numbers of a column that has nothing else in it, quickly; None where it needs a closer look."""
    try:
        numbers = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None
    joined = "".join(cells)
    plain = len(cells) > 0 and joined.isascii() and "_" not in joined and (decimal == "." or "." not in joined)
    plain = plain and bool(np.isfinite(numbers).all())
    return numbers if plain else None


def _number(cell: str, decimal: str) -> float:
    """Return the number, or NaN where it is none or not finite."""
    if decimal != ".":
        if "." in cell:
            return math.nan
        cell = cell.replace(decimal, ".")
    if _NUMBER.fullmatch(cell) is None:
        return TRUTHS.get(cell.lower(), math.nan)
    number = float(cell)
    return number if math.isfinite(number) else math.nan


def _are_names(cells: Iterable[str]) -> bool:
    return any(cell.isdigit() and ((cell[0] == "0" and len(cell) > 1) or len(cell) > EXACT_DIGITS) for cell in cells)


def _texts(cells: Sequence[str]) -> NDArray[np.object_]:
    column = np.empty(len(cells), dtype=np.object_)
    column[:] = [None if cell in NULLS else cell for cell in cells]
    return column
