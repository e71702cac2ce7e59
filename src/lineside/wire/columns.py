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

A column of which nothing is known costs its raw bytes and the look for a form, about 2 ns a reading.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import IntegrityError

Column = NDArray[Any]

_UNITS: Final = (1_000_000, 1_000)
"""A millisecond and a microsecond, in nanoseconds: the coarsest that all times are whole numbers of is taken."""
_SCALES: Final = (1.0, 10.0, 100.0, 1_000.0, 10_000.0, 1_000_000.0)
_SAMPLE: Final = 8
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
    form, data = _runs_or_offsets(column)
    if beside is None or form.size <= len(column):
        return form, data
    after, steps = _offsets(column - beside)
    if after.shape is Shape.RAW or after.size >= form.size:
        return form, data
    return msgspec.structs.replace(after, shape=Shape.AFTER), steps


def pack_values(column: NDArray[np.float64]) -> tuple[Form, bytes]:
    """Return the narrowest form of a column of doubles, and its bytes; every bit comes back, of a NaN too.

    Args:
        column: ``(n,)``, n at least 1.
    """
    first = float(column[0])
    bits = np.ascontiguousarray(column).view(np.int64)
    if (bits == bits[0]).all() and first == first:  # noqa: PLR0124 - a NaN is not itself
        return Form(Shape.ONE, 0, base=first), b""
    scale = _scale_of(column)
    if scale:
        scaled = np.rint(column * scale)
        most = max(float(scaled.max()), -float(scaled.min()))
        if most < 1 << 31:
            width = 2 if most < 1 << 15 else 4
            whole = scaled.astype(f"<i{width}")
            if np.array_equal((whole / scale).view(np.int64), bits):
                return Form(Shape.DECIMAL, whole.nbytes, width=width, unit=int(scale)), whole.tobytes()
    with np.errstate(over="ignore"):
        single = column.astype("<f4")
    if np.array_equal(single.astype(np.float64).view(np.int64), bits):
        return Form(Shape.SINGLE, single.nbytes, width=4), single.tobytes()
    return _raw(column)


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


def _runs_or_offsets(column: Column) -> tuple[Form, bytes]:
    begins = np.flatnonzero(column[1:] != column[:-1])
    if len(begins) and (len(begins) + 1) * _RUN_BYTES <= len(column):
        return _runs(column, begins)
    return _offsets(column)


def _runs(column: Column, ends: NDArray[np.int64]) -> tuple[Form, bytes]:
    starts = np.concatenate(([0], ends + 1))
    lengths = np.diff(np.append(starts, len(column)))
    data = column[starts].astype("<i8").tobytes() + lengths.astype("<u4").tobytes()
    return Form(Shape.RUNS, len(data)), data


def _from_runs(form: Form, data: memoryview, kind: str, count: int) -> Column:
    runs = form.size // _RUN_BYTES
    values = np.frombuffer(data, dtype="<i8", count=runs)
    lengths = np.frombuffer(data, dtype="<u4", count=runs, offset=8 * runs)
    if int(lengths.sum(dtype=np.uint64)) != count:
        raise IntegrityError("a column of readings has the wrong length", field="runs", value=runs)
    return np.repeat(values.astype(kind), lengths)


def _offsets(column: Column) -> tuple[Form, bytes]:
    least, most = int(column.min()), int(column.max())
    span = most - least
    if span >= 1 << 63:
        return _raw(column)
    offsets = column - column.dtype.type(least)
    unit = _unit_of(offsets) if span >= 1 << 8 and column.itemsize == np.dtype(np.int64).itemsize else 1
    width = next((width for width in _WIDTHS if span // unit < 1 << 8 * width), 8)
    if width >= column.itemsize:
        return _raw(column)
    data = b"" if not width else (offsets // unit if unit > 1 else offsets).astype(f"<u{width}").tobytes()
    return Form(Shape.OFFSET, len(data), width=width, unit=unit, base=least), data


def _from_offsets(form: Form, data: memoryview, kind: str, count: int) -> Column:
    base = np.dtype(kind).type(_base(form, kind))
    if not form.width:
        return np.full(count, base)
    offsets = np.frombuffer(data, dtype=f"<u{form.width}", count=count).astype(kind)
    if form.unit > 1:
        offsets *= offsets.dtype.type(form.unit)
    offsets += base
    return offsets


def _unit_of(offsets: Column) -> int:
    """Return the coarsest unit that all are whole numbers of; the first few mostly tell."""
    for unit in _UNITS:
        if not (offsets[:_SAMPLE] % unit).any() and not (offsets % unit).any():
            return unit
    return 1


def _raw(column: Column) -> tuple[Form, bytes]:
    data = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<")).tobytes()
    return Form(Shape.RAW, len(data)), data


def _scale_of(column: NDArray[np.float64]) -> float:
    """Return the power of ten by which a few values of a column are whole numbers; 0 where there is none."""
    sample = column[:: max(1, len(column) // _SAMPLE)].tolist()
    for scale in _SCALES:
        if all(abs(value) < 1e9 and round(value * scale) / scale == value for value in sample):
            return scale
    return 0.0


def _base(form: Form, kind: str) -> int:
    limits = np.iinfo(kind)
    if not isinstance(form.base, int) or not limits.min <= form.base <= limits.max:
        raise IntegrityError("a column of readings begins at no such number", field="base", value=form.base)
    return form.base
