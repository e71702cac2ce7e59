"""Columns of readings as narrow as they are without loss: what outbox, link and landing hold is mostly these bytes.

Each column has a `Form`, the smallest of those that give the very same bits back:

======== ==========================================================================================
form     the bytes
======== ==========================================================================================
raw      the column as it is, little-endian
offset   ``(x - base) / unit`` as an unsigned whole number of ``width`` bytes, of none where all are
         equal; times are often whole milliseconds, and those of one record lie close together
after    as `offset`, of what comes after the column named beside it (receive time after source time)
runs     what several in a row have in common, once each, 8 bytes; then how many they are, 4 bytes each
one      none: every reading has the value ``base``
decimal  ``x * unit`` as a signed whole number of ``width`` bytes: a number of few decimal places, whose
         nearest double is the whole number divided by ``unit`` (after Afroozeh, Kuffo and Boncz, "ALP:
         adaptive lossless floating-point compression", 2023, without its exceptions)
single   4 bytes: a double that was a single-precision number, as most controllers send
======== ==========================================================================================

The look for a form costs about 2 ns a reading and column.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import IntegrityError

Column = NDArray[Any]

_MILLISECOND: Final = 1_000_000
_MICROSECOND: Final = 1_000
_SCALES: Final = np.array([1.0, 10.0, 100.0, 1_000.0, 10_000.0, 1_000_000.0])
_SAMPLE: Final = 8
_RAW, _ONE, _SINGLE, _DECIMAL = range(4)
_NAN_BITS: Final = np.int64(0x7FF8 << 48)
"""The NaN that single precision keeps as it is."""
_RUN_BYTES: Final = 12
_WIDTHS: Final = (0, 1, 2, 4)


class Shape(StrEnum):
    """How the bytes of a column are to be read."""

    RAW = "raw"
    OFFSET = "offset"
    AFTER = "after"
    RUNS = "runs"
    ONE = "one"
    DECIMAL = "decimal"
    SINGLE = "single"


class Form(msgspec.Struct, frozen=True, array_like=True):
    """What is needed to read a column of ``size`` bytes; what a shape does not use is left as it is here."""

    shape: Shape
    size: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    width: Annotated[int, msgspec.Meta(ge=0, le=8)] = 8
    unit: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 1
    base: int | float = 0


def pack_whole(column: Column, *, beside: Column | None = None) -> tuple[Form, bytes]:
    """Return the narrowest form of a column of whole numbers, and its bytes.

    Args:
        column: ``(n,)``, n at least 1, of any integer type.
        beside: ``(n,)``, a column that is read before this one and that it may follow.
    """
    form, data = _packed(column, Shape.OFFSET)
    if beside is None or form.size <= len(column):
        return form, data
    after, steps = _packed(column - beside, Shape.AFTER)
    return (after, steps) if after.shape is Shape.AFTER and after.size < form.size else (form, data)


def pack_values(column: NDArray[np.float64]) -> tuple[Form, bytes]:
    """Return the narrowest form of a column of doubles, and its bytes; every bit comes back, of a NaN too.

    Args:
        column: ``(n,)``, n at least 1.
    """
    column = np.ascontiguousarray(column)
    room = np.empty(column.nbytes, dtype=np.uint8)
    what, width, unit = _narrow_values(column, column.view(np.int64), _SCALES, *_views(room)[1:3])
    if what == _ONE:
        return Form(Shape.ONE, 0, base=float(column[0])), b""
    if what == _RAW:
        return _raw(column)
    size = width * len(column)
    shape = Shape.SINGLE if what == _SINGLE else Shape.DECIMAL
    return Form(shape, size, width=width, unit=int(unit)), room[:size].tobytes()


def unpack_whole(form: Form, data: memoryview, kind: str, count: int, beside: Column | None = None) -> Column:
    """Return a column of ``count`` whole numbers of a little-endian ``kind`` from its bytes.

    Raises:
        IntegrityError: form and bytes are not those of such a column.
    """
    if form.shape is Shape.RAW:
        return np.frombuffer(data, dtype=kind, count=count)
    if form.shape is Shape.RUNS:
        return _from_runs(form, data, kind, count)
    if form.shape is Shape.OFFSET:
        return _from_offsets(form, data, kind, count)
    if form.shape is Shape.AFTER and beside is not None:
        return beside + _from_offsets(form, data, kind, count)
    raise IntegrityError("a column of whole numbers has another's form", field="form", value=form.shape.value)


def unpack_values(form: Form, data: memoryview, count: int) -> Column:
    """Return a column of ``count`` doubles from its bytes.

    Raises:
        IntegrityError: form and bytes are not those of such a column.
    """
    if form.shape is Shape.RAW:
        return np.frombuffer(data, dtype="<f8", count=count)
    if form.shape is Shape.ONE:
        return np.full(count, float(form.base))
    if form.shape is Shape.DECIMAL:
        return np.frombuffer(data, dtype=f"<i{form.width}", count=count) / float(form.unit)
    if form.shape is Shape.SINGLE:
        return np.frombuffer(data, dtype="<f4", count=count).astype(np.float64)
    raise IntegrityError("a column of values has another's form", field="form", value=form.shape.value)


def check_form(form: Form, kind: str, count: int) -> None:
    """Check that a form's size fits a number of readings; raises `IntegrityError` where it does not."""
    if form.shape is Shape.RUNS:
        fits = form.size % _RUN_BYTES == 0 and 0 < form.size // _RUN_BYTES <= count
    else:
        each = {Shape.RAW: np.dtype(kind).itemsize, Shape.ONE: 0, Shape.SINGLE: 4}.get(form.shape, form.width)
        fits = form.size == count * each and (each in _WIDTHS or form.shape is Shape.RAW)
    if not fits:
        raise IntegrityError("a column of readings has the wrong length", field="size", value=form.size)


def _packed(column: Column, shape: Shape) -> tuple[Form, bytes]:
    room = np.empty(8 * len(column), dtype=np.uint8)
    runs, width, unit, least = _narrow_whole(column, column.itemsize, *_views(room))
    if runs:
        size = runs * _RUN_BYTES
        return Form(Shape.RUNS, size), room[:size].tobytes()
    if width == column.itemsize:
        return _raw(column)
    size = width * len(column)
    return Form(shape, size, width=width, unit=int(unit), base=int(least)), room[:size].tobytes()


def _views(room: NDArray[np.uint8]) -> tuple[Column, ...]:
    """Return the same room as numbers of one, two, four and eight bytes."""
    return room, room.view("<u2"), room.view("<u4"), room.view("<i8")


def _from_runs(form: Form, data: memoryview, kind: str, count: int) -> Column:
    runs = form.size // _RUN_BYTES
    values = np.frombuffer(data, dtype="<i8", count=runs)
    lengths = np.frombuffer(data, dtype="<u4", count=runs, offset=8 * runs)
    if int(lengths.sum(dtype=np.uint64)) != count:
        raise IntegrityError("a column of readings has the wrong length", field="runs", value=runs)
    return np.repeat(values.astype(kind), lengths)


def _from_offsets(form: Form, data: memoryview, kind: str, count: int) -> Column:
    base = np.dtype(kind).type(_base(form, kind))
    if not form.width:
        return np.full(count, base)
    offsets = np.frombuffer(data, dtype=f"<u{form.width}", count=count).astype(kind)
    if form.unit > 1:
        offsets *= offsets.dtype.type(form.unit)
    offsets += base
    return offsets


def _raw(column: Column) -> tuple[Form, bytes]:
    data = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<")).tobytes()
    return Form(Shape.RAW, len(data)), data


def _base(form: Form, kind: str) -> int:
    limits = np.iinfo(kind)
    if not isinstance(form.base, int) or not limits.min <= form.base <= limits.max:
        raise IntegrityError("a column of readings begins at no such number", field="base", value=form.base)
    return form.base


# Compiled as a whole: on a quiet line every single call of the array library costs more than all the bytes of a record.


@numba.njit(cache=True, nogil=True)
def _narrow_whole(column, itemsize, one, two, four, eight):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, C901 - one pass
    """Write a column of whole numbers in its narrowest form: how many runs (0: none), else width, unit and least.

    The room is given as numbers of each width. As it is: a width of ``itemsize``, and nothing is written.
    """
    rows, first = len(column), np.int64(column[0])
    least = most = first
    runs, milliseconds, microseconds = 1, True, True
    for row in range(rows):
        value = np.int64(column[row])
        least, most = min(least, value), max(most, value)
        if row and column[row] != column[row - 1]:
            runs += 1
        if microseconds and (value - first) % _MICROSECOND:
            microseconds = milliseconds = False
        if milliseconds and (value - first) % _MILLISECOND:
            milliseconds = False
    if runs > 1 and runs * _RUN_BYTES <= rows:
        _write_runs(column, runs, eight, four)
        return runs, 0, 1, least
    span = np.uint64(most) - np.uint64(least)
    unit = np.uint64(1)
    if itemsize == 8 and span >= np.uint64(256) and span < np.uint64(1 << 63):
        unit = np.uint64(_MILLISECOND if milliseconds else _MICROSECOND if microseconds else 1)
    steps = span // unit
    width = 0 if steps == 0 else 1 if steps < 1 << 8 else 2 if steps < 1 << 16 else 4 if steps < 1 << 32 else 8
    width = min(width, itemsize)
    if width == itemsize:
        return 0, width, 1, least
    for row in range(rows):
        step = (np.uint64(np.int64(column[row])) - np.uint64(least)) // unit
        if width == 1:
            one[row] = step
        elif width == 2:
            two[row] = step
        elif width == 4:
            four[row] = step
    return 0, width, np.int64(unit), least


@numba.njit(cache=True, nogil=True, inline="always")
def _write_runs(column, runs, eight, four):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write what several rows in a row have in common, then how many they are."""
    run, length = 0, 0
    for row in range(len(column)):
        if row and column[row] != column[row - 1]:
            four[2 * runs + run] = length
            run, length = run + 1, 0
        eight[run] = np.int64(column[row])
        length += 1
    four[2 * runs + run] = length


@numba.njit(cache=True, nogil=True)
def _narrow_values(column, bits, scales, two, four):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write a column of doubles in its narrowest form: which it is, its width, and what decimals are multiplied by."""
    rows = len(column)
    alike = True
    for row in range(rows):
        if bits[row] != bits[0]:
            alike = False
            break
    if alike and column[0] == column[0]:
        return _ONE, 0, 1.0
    scale = _scale_of(column, scales)
    if scale:
        width = _write_decimals(column, bits, scale, two, four)
        if width:
            return _DECIMAL, width, scale
    singles = four.view(np.float32)
    for row in range(rows):
        singles[row] = column[row]
        if np.float64(singles[row]) != column[row] and bits[row] != _NAN_BITS:
            return _RAW, 8, 1.0
    return _SINGLE, 4, 1.0


@numba.njit(cache=True, nogil=True, inline="always")
def _write_decimals(column, bits, scale, two, four):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write whole numbers over a power of ten; return their width, 0 where some value is none."""
    width = 2
    for row in range(len(column)):
        whole = np.rint(column[row] * scale)
        if not abs(whole) < 1 << 31 or whole / scale != column[row] or (whole == 0 and bits[row] != 0):
            return 0
        if abs(whole) >= 1 << 15:
            width = 4
    for row in range(len(column)):
        whole = np.int64(np.rint(column[row] * scale))
        if width == 2:
            two[row] = whole
        else:
            four[row] = whole
    return width


@numba.njit(cache=True, nogil=True, inline="always")
def _scale_of(column, scales):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the power of ten by which a few values of a column are whole numbers; 0 where there is none."""
    step = max(1, len(column) // _SAMPLE)
    for scale in scales:
        fits = True
        for row in range(0, len(column), step):
            if not abs(column[row]) < 1e9 or np.rint(column[row] * scale) / scale != column[row]:
                fits = False
                break
        if fits:
            return scale
    return 0.0
