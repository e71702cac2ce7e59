"""Arithmetic on `LANES` numbers at once, for compiled kernels: rows of ``(n, LANES)`` arrays as vectors.

Numba's loops over so few numbers stay scalar, since the compiler cannot tell that two rows do not overlap. Here a
row is loaded whole, worked on and stored whole, so there is nothing to tell. Rows are trusted to be within their array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES: Final = 8
_VECTOR: Final = ir.VectorType(ir.DoubleType(), LANES)
_INDEX: Final = ir.IntType(32)
_EIGHT: Final = 8
"""Bytes that a row is aligned to: those of one number."""
operation: Callable[[Any], Any] = intrinsic
"""numba calls what it decorates with one argument more than its callers give."""


class _Rows:
    """Builds code for the arguments of one call: rows of arrays, and numbers that all lanes share."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self._context, self._builder, self._kinds, self._given = context, builder, signature.args, arguments

    def _place(self, array: int, row: int) -> Any:
        data = self._context.make_array(self._kinds[array])(self._context, self._builder, self._given[array]).data
        offset = self._builder.mul(self._given[row], ir.Constant(self._given[row].type, LANES))
        return self._builder.bitcast(self._builder.gep(data, [offset]), _VECTOR.as_pointer())

    def load(self, array: int, row: int) -> Any:
        """Return the row whose array and number are at two positions of the call."""
        return self._builder.load(self._place(array, row), align=_EIGHT)

    def store(self, value: Any, array: int, row: int) -> Any:
        """Store a vector as a row; return the call's nothing."""
        self._builder.store(value, self._place(array, row), align=_EIGHT)
        return self._context.get_dummy_value()

    def number(self, position: int) -> Any:
        """Return a number of the call in every lane."""
        lone = self._builder.insert_element(_nothing(_VECTOR), self._given[position], ir.Constant(_INDEX, 0))
        return self._builder.shuffle_vector(lone, _nothing(_VECTOR), _lanes([0] * LANES))

    def sum(self, value: Any) -> Any:
        """Return the sum of the lanes, in halves."""
        width = LANES
        while width > 1:
            low, high = range(width // 2), range(width // 2, width)
            halves = [self._builder.shuffle_vector(value, _nothing(value.type), _lanes(half)) for half in (low, high)]
            value, width = self._builder.fadd(*halves), width // 2
        return self._builder.extract_element(value, ir.Constant(_INDEX, 0))


def _nothing(kind: Any) -> Any:
    return ir.Constant(kind, ir.Undefined)


def _lanes(chosen: Any) -> Any:
    return ir.Constant(ir.VectorType(_INDEX, len(chosen)), list(chosen))


def _built(build: Callable[[Any, _Rows], Any]) -> Callable[..., Any]:
    """Return what numba calls to generate code, from what builds it."""
    return lambda context, builder, signature, arguments: build(builder, _Rows(context, builder, signature, arguments))


@operation
def scale(typing: Any, out: Any, to: Any, given: Any, row: Any, factor: Any) -> Any:
    """``out[to] = given[row] * factor``."""
    del typing, to, row, factor
    signature = types.void(out, types.intp, given, types.intp, types.float64)
    return signature, _built(lambda code, rows: rows.store(code.fmul(rows.load(2, 3), rows.number(4)), 0, 1))


@operation
def multiply(typing: Any, out: Any, to: Any, given: Any, row: Any, by: Any, other: Any) -> Any:
    """``out[to] = given[row] * by[other]``."""
    del typing, to, row, other
    signature = types.void(out, types.intp, given, types.intp, by, types.intp)
    return signature, _built(lambda code, rows: rows.store(code.fmul(rows.load(2, 3), rows.load(4, 5)), 0, 1))


@operation
def multiply_line(  # noqa: PLR0913, PLR0917 - one argument per operand
    typing: Any, out: Any, to: Any, given: Any, row: Any, by: Any, offset: Any, slope: Any, at: Any
) -> Any:
    """``out[to] = given[row] * (by[offset] + by[slope] * at)``."""
    del typing, to, row, offset, slope, at
    signature = types.void(out, types.intp, given, types.intp, by, types.intp, types.intp, types.float64)

    def build(code: Any, rows: _Rows) -> Any:
        line = code.fadd(rows.load(4, 5), code.fmul(rows.load(4, 6), rows.number(7)))
        return rows.store(code.fmul(rows.load(2, 3), line), 0, 1)

    return signature, _built(build)


@operation
def add(typing: Any, out: Any, to: Any, given: Any, row: Any, other: Any) -> Any:
    """``out[to] = given[row] + given[other]``."""
    del typing, to, row, other
    signature = types.void(out, types.intp, given, types.intp, types.intp)

    def build(code: Any, rows: _Rows) -> Any:
        return rows.store(code.fadd(rows.load(2, 3), rows.load(2, 4)), 0, 1)

    return signature, _built(build)


@operation
def dot(typing: Any, given: Any, row: Any, by: Any, other: Any) -> Any:
    """Return the sum over the lanes of ``given[row] * by[other]``."""
    del typing, row, other
    signature = types.float64(given, types.intp, by, types.intp)
    return signature, _built(lambda code, rows: rows.sum(code.fmul(rows.load(0, 1), rows.load(2, 3))))
