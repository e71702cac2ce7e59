"""Flat JSON messages of many at once: ``{"t": 1750000000000, "v": 21.5}``, read into columns.

What sensors publish is nearly always one object of plain names and numbers. Such messages are read by one loop over
their bytes, exactly as `lineside.domain.intake.messages`, `times` and `values` read them one by one; whatever has
another form (a list or an object inside, an escape, a letter beyond ASCII, a name that comes twice, a number of more
digits than are exact, a time that is no whole number or not plausible) is left to them, and so is every refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.intake.decimals import DIGITS, MOST_POWER
from lineside.domain.intake.messages import LARGEST_MESSAGE
from lineside.domain.intake.times import AHEAD, EARLIEST, LATEST
from lineside.domain.intake.values import LARGEST
from lineside.domain.readings import Float64, Int32, Int64
from lineside.domain.units import SECOND

Bytes = NDArray[np.uint8]
MOST_NAMES: Final = 32
"""Names in one object; with more it is left to the slow way."""
_TIME_DIGITS: Final = 19
"""Digits of a time in nanoseconds; more of them, or a greatest number of that many, leave 64 bits (and show a sign)."""
_FIRST, _BEYOND = EARLIEST // SECOND, LATEST // SECOND
_POWERS: Final = 10.0 ** np.arange(MOST_POWER + 1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shapes:
    """What is wanted of each shape of message.

    Shape ``s`` wants the names ``first[s]`` to ``first[s + 1]``; name ``n`` is ``text[at[n]:at[n + 1]]`` and gives the
    signal ``signal[n]``. ``time`` is the name of the source time, empty where messages carry none. ``most`` is how many
    names a shape wants at most, of those that are read here.
    """

    first: Int64
    at: Int64
    text: Bytes
    signal: Int32
    time: Bytes
    most: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flat:
    """What was read: ``good`` says for each message whether it was, the others have one row per value wanted.

    ``message`` is the position of a row's message, ascending; times are UTC ns.
    """

    good: NDArray[np.bool_]
    message: Int64
    signal: Int32
    time: Int64
    value: Float64


def shapes_of(wanted: Sequence[Sequence[tuple[str, int]]], time: str) -> Shapes:
    """Return the shapes of messages that each want these names for signals, and the name of their time."""
    names = [name.encode() for shape in wanted for name, _ in shape]
    return Shapes(
        first=np.cumsum([0, *(len(shape) for shape in wanted)], dtype=np.int64),
        at=np.cumsum([0, *map(len, names)], dtype=np.int64),
        text=np.frombuffer(b"".join(names) or b"\0", dtype=np.uint8).copy(),
        signal=np.array([code for shape in wanted for _, code in shape], dtype=np.int32),
        time=np.frombuffer(time.encode(), dtype=np.uint8).copy(),
        most=min(MOST_NAMES, max(map(len, wanted), default=0)),
    )


def is_plain(name: str) -> bool:
    """Return whether a name stands in JSON as it is: printable ASCII, without quote and backslash."""
    return bool(name) and name.isascii() and name.isprintable() and not {'"', "\\"} & set(name)


def read_flat(text: Bytes, starts: Int64, ends: Int64, shape: Int64, shapes: Shapes, received: Int64) -> Flat:
    """Read messages of these shapes out of one text.

    Args:
        text: the bytes they stand in; a zero byte ends it.
        starts: where each message begins.
        ends: where each ends.
        shape: the shape of each.
        shapes: what is wanted of each shape.
        received: when each came, which is its time where it carries none.
    """
    rows = len(shape) * shapes.most
    good = np.empty(len(shape), dtype=np.bool_)
    message, signal = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int32)
    time, value = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.float64)
    count = _read(
        text, starts, ends, shape, received,
        shapes.first, shapes.at, shapes.text, shapes.signal, shapes.time, _POWERS,
        good, message, signal, time, value,
    )  # fmt: skip
    return Flat(good=good, message=message[:count], signal=signal[:count], time=time[:count], value=value[:count])


# The functions below are compiled into one loop: a call that hands arrays over costs more than what it does here.
# A zero byte, which is part of no form, ends the text; a form that goes on behind its message is none of a message.


@numba.njit(cache=True, nogil=True, inline="always")
def _blank(text, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return where the blanks at a place end."""
    while text[at] == 32 or text[at] == 10 or text[at] == 13 or text[at] == 9:
        at += 1
    return at


@numba.njit(cache=True, nogil=True, inline="always")
def _string(text, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return where the quote is that ends a string of plain letters, -1 where there is another letter."""
    while text[at] != 34:
        if text[at] < 32 or text[at] > 126 or text[at] == 92:
            return -1
        at += 1
    return at


@numba.njit(cache=True, nogil=True, inline="always")
def _same(text, first, size, other, start):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return whether ``size`` letters of two texts are equal."""
    for i in range(size):  # noqa: SIM110 - what numba compiles
        if text[first + i] != other[start + i]:
            return False
    return True


@numba.njit(cache=True, nogil=True, inline="always")
def _digits(text, at, mantissa):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read digits on behind a mantissa: where they end, and the mantissa, which too many of them turn over."""
    digit = np.uint8(text[at] - np.uint8(48))  # beyond 9 for what is none, below it too
    while digit <= 9:
        mantissa = mantissa * 10 + np.int64(digit)
        at += 1
        digit = np.uint8(text[at] - np.uint8(48))
    return at, mantissa


@numba.njit(cache=True, nogil=True, inline="always")
def _exponent(text, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read the exponent behind its letter: where it ends (-1: there is none), and the power of ten."""
    down = text[at] == 45
    if down or text[at] == 43:
        at += 1
    first, power = at, 0
    while 48 <= text[at] <= 57:
        power = power * 10 + (text[at] - 48) if power < 1_000 else power
        at += 1
    return at if at > first else -1, -power if down else power


@numba.njit(cache=True, nogil=True, inline="always")
def _number(text, at, powers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read a number of JSON: where it ends (-1: it is none), its value (NaN: not exact), and its whole digits.

    The last is negative where it has a fraction, an exponent, a sign, or too many digits.
    """
    negative = text[at] == 45
    first = at + 1 if negative else at
    at, mantissa = _digits(text, first, np.int64(0))
    good = at > first and (text[first] != 48 or at == first + 1)
    digits = 0 if text[first] == 48 else at - first
    whole, power = True, 0
    if text[at] == 46:
        whole, point = False, at + 1
        at = point
        while digits == 0 and text[at] == 48:
            at += 1
        counted = at
        at, mantissa = _digits(text, counted, mantissa)
        digits += at - counted
        good, power = good and at > point, point - at
    if text[at] == 69 or text[at] == 101:
        at, more = _exponent(text, at + 1)
        whole, power, good = False, power + more, good and at > 0
    if not good:
        return -1, np.nan, np.int64(-1)
    value = np.nan
    if digits <= DIGITS and -MOST_POWER <= power <= MOST_POWER:
        value = np.float64(mantissa)
        value = value * powers[power] if power >= 0 else value / powers[-power]
        value = -value if negative and not (whole and mantissa == 0) else value
    return at, value, mantissa if whole and not negative and digits <= _TIME_DIGITS else np.int64(-1)


@numba.njit(cache=True, nogil=True, inline="always")
def _literal(text, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return where a literal of JSON (true, false, null) ends, -1 where there is none."""
    for word in (b"true", b"false", b"null"):
        if text[at] == word[0]:
            for i in range(len(word)):
                if text[at + i] != word[i]:
                    return -1
            return at + len(word)
    return -1


@numba.njit(cache=True, nogil=True, inline="always")
def _nanoseconds(whole):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the time that whole digits say, by their size; 0 where they say none."""
    scale = np.int64(SECOND)
    unit = np.int64(1)
    while scale >= 1:
        if _FIRST * unit <= whole < _BEYOND * unit:
            return whole * scale
        scale //= 1_000
        unit *= 1_000
    return np.int64(0)


@numba.njit(cache=True, nogil=True, inline="always")
def _name(text, at, names, count):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read a name and its colon: where its value begins; -1 where it is no plain name, or one of those before."""
    at = _blank(text, at)
    if text[at] != 34 or count == MOST_NAMES:
        return -1
    first = at + 1
    at = _string(text, first)
    if at < 0:
        return -1
    size = at - first
    for other in range(count):
        if names[other, 1] == size and _same(text, first, size, text, names[other, 0]):
            return -1
    names[count, 0], names[count, 1] = first, size
    at = _blank(text, at + 1)
    return _blank(text, at + 1) if text[at] == 58 else -1


@numba.njit(cache=True, nogil=True, inline="always")
def _value(text, at, powers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read a value: where it ends (-1: it has another form), and of a number what `_number` says."""
    if text[at] == 45 or 48 <= text[at] <= 57:
        return _number(text, at, powers)
    if text[at] != 34:
        return _literal(text, at), np.nan, np.int64(-1)
    at = _string(text, at + 1)
    return at if at < 0 else at + 1, np.nan, np.int64(-1)


@numba.njit(cache=True, nogil=True, inline="always")
def _wanted(text, first, size, value, low, high, wanted_at, wanted_text, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917 - as below
    """Put a value where its name is wanted; return how often it was, -1 where it is no number that can be kept."""
    count = 0
    for place in range(low, high):
        start = wanted_at[place]
        if wanted_at[place + 1] - start == size and _same(text, first, size, wanted_text, start):
            if not abs(value) <= LARGEST:
                return -1
            found[place - low] = value
            count += 1
    return count


@numba.njit(cache=True, nogil=True, inline="always")
def _object(text, at, end, names, time_name, low, high, wanted_at, wanted_text, powers, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917 - numba takes columns one by one
    """Read one object into ``found``, by name wanted; return the digits of its time, -1 where it has another form.

    Without a name for the time, it is 0.
    """
    moment = np.int64(-1) if len(time_name) else np.int64(0)
    missing, count, separator = high - low, 0, 44
    at = _blank(text, at)
    if text[at] != 123:
        return np.int64(-1)
    while separator == 44:
        at = _name(text, at + 1, names, count)
        if at < 0:
            return np.int64(-1)
        at, value, whole = _value(text, at, powers)
        if at < 0:
            return np.int64(-1)
        first, size = names[count, 0], names[count, 1]
        if size == len(time_name) and _same(text, first, size, time_name, 0):
            moment = whole
        given = _wanted(text, first, size, value, low, high, wanted_at, wanted_text, found)
        if given < 0:
            return np.int64(-1)
        missing -= given
        count += 1
        at = _blank(text, at)
        separator = text[at]
    ended = separator == 125 and at < end <= _blank(text, at + 1)
    return moment if ended and missing == 0 else np.int64(-1)


@numba.njit(cache=True, nogil=True)
def _read(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, PLR0917 - numba takes columns one by one
    text, starts, ends, shape, received,  # noqa: ANN001
    first, wanted_at, wanted_text, wanted_signal, time_name, powers,  # noqa: ANN001
    good, message, signal, time, value,  # noqa: ANN001
):  # fmt: skip
    """Read messages into rows and note which were read; return the number of rows."""
    names = np.empty((MOST_NAMES, 2), dtype=np.int64)
    found = np.empty(max(1, len(wanted_signal)))
    rows = 0
    for i in range(len(starts)):
        low, high = first[shape[i]], first[shape[i] + 1]
        good[i] = ends[i] - starts[i] <= LARGEST_MESSAGE and high - low <= MOST_NAMES
        if not good[i]:
            continue
        digits = _object(text, starts[i], ends[i], names, time_name, low, high, wanted_at, wanted_text, powers, found)
        moment = received[i]
        if len(time_name):
            moment = _nanoseconds(digits)
        good[i] = digits >= 0 and moment > 0 and moment <= received[i] + AHEAD
        if good[i]:
            for place in range(low, high):
                message[rows], signal[rows] = i, wanted_signal[place]
                time[rows], value[rows] = moment, found[place - low]
                rows += 1
    return rows
