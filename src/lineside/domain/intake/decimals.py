"""Decimal numbers of many cells at once, exactly as Python reads them one by one.

A number of up to `DIGITS` digits is a whole number below 2**53, and powers of ten up to 10**22 are exact in binary64:
multiplying or dividing one by the other rounds once, and so gives the nearest double (W. D. Clinger, "How to Read
Floating Point Numbers Accurately", PLDI 1990). Whatever is longer, empty, padded or no number comes back as NaN and
is read by the slow way.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64

DIGITS: Final = 15
"""Decimal digits that binary64 keeps whatever they are."""
MOST_POWER: Final = 22
END: Final = 10
"""The byte between two cells: a line feed, which no cell of a table that is a number holds."""
_POWERS: Final = 10.0 ** np.arange(MOST_POWER + 1)


@numba.njit(
    numba.float64[::1](
        numba.types.Array(numba.uint8, 1, "C", readonly=True), numba.int64, numba.uint8, numba.float64[::1]
    ),
    cache=True,
    nogil=True,
)
def _read(text, count, decimal, powers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, C901 - one loop over bytes
    """Return the numbers of ``count`` cells that each end with `END`; NaN where a cell has another form."""
    values = np.full(count, np.nan)
    at = 0
    for cell in range(count):
        negative = text[at] == 45
        if negative or text[at] == 43:
            at += 1
        mantissa, digits, figures, scale, seen = np.int64(0), 0, 0, 0, False
        while text[at] != END:
            byte = text[at]
            if 48 <= byte <= 57:
                figures += 1
                digits += 1 if mantissa or byte != 48 else 0
                mantissa = mantissa * 10 + (byte - 48) if digits <= DIGITS else mantissa
                scale += 1 if seen else 0
            elif byte == decimal and not seen:
                seen = True
            else:
                break
            at += 1
        good = figures > 0 and digits <= DIGITS
        power = 0
        if text[at] == 69 or text[at] == 101:
            at += 1
            down = text[at] == 45
            if down or text[at] == 43:
                at += 1
            first = at
            while 48 <= text[at] <= 57 and at - first < 3:
                power = power * 10 + (text[at] - 48)
                at += 1
            good = good and at > first
            power = -power if down else power
        good = good and text[at] == END
        power -= scale
        if good and -MOST_POWER <= power <= MOST_POWER:
            number = np.float64(mantissa)
            number = number * powers[power] if power >= 0 else number / powers[-power]
            values[cell] = -number if negative else number
        while text[at] != END:
            at += 1
        at += 1
    return values


def read_decimals(text: bytes, count: int, decimal: str) -> Float64:
    """Return the numbers of cells, given one behind the other with a line feed behind each; NaN where unsure."""
    if not count or text.count(b"\n") != count:
        return np.full(count, np.nan)
    cells: NDArray[np.uint8] = np.frombuffer(text, dtype=np.uint8)
    values: Float64 = _read(cells, count, ord(decimal), _POWERS)
    return values
