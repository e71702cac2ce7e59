"""Whether values make sense in the order that the plan says, and if not, how else they could be meant.

One implausible value may be a disturbance, and one plausible value may be chance: the wrong order of a float often
gives a number that looks like one. So for each signal all orders are tried on all values that come at first
(`FIRST_LOOKS`), and later whenever a value is implausible; an order stays a candidate as long as every value makes
sense in it. When the plan's own order has failed `FAILURES` times and is the worse for it, that is said once.
Zeros say nothing, since they are zero in every order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.modbus.blocks import Block
from lineside.adapters.modbus.reads import Point
from lineside.domain.intake.gate import SignalRule
from lineside.domain.intake.registers import LEAST_PART, ORDERS, SMALLEST, decode_number, explains, makes_sense
from lineside.domain.intake.values import LARGEST
from lineside.domain.plan.registers import Register, WordOrder
from lineside.domain.readings import Float64

FIRST_LOOKS: Final = 20
FAILURES: Final = 3
_WITHOUT_ORDER: Final = frozenset({"bool", "bits", "text"})

Registers = Mapping[str, tuple[Register, WordOrder]]


class OrderWatch:
    """Watches the numbers of one block."""

    def __init__(self, block: Block, registers: Registers, rules: Mapping[str, SignalRule]) -> None:
        self._block = block
        self._registers = registers
        self._low = np.array([rules[point.signal].low for point in block.numbers])
        self._high = np.array([rules[point.signal].high for point in block.numbers])
        ends = np.where(np.isfinite([self._low, self._high]), np.abs([self._low, self._high]), 0.0)
        self._least = np.maximum(SMALLEST, LEAST_PART * ends.max(axis=0, initial=0.0))
        self._offset = np.array([registers[point.signal][0].offset for point in block.numbers])
        self._watched = np.array([self._can_tell(point) for point in block.numbers], dtype=np.bool_)
        self._alive = {order: self._watched.copy() for order in ORDERS} if self._watched.any() else {}
        self._others: dict[WordOrder, Block] = {}
        self._failures = np.zeros(len(block.numbers), dtype=np.int64)
        self._looks = 0

    def look(self, values: Float64, data: bytes) -> list[tuple[Point, list[WordOrder]]]:
        """Take the values of an answer, and return the points of which something can be said now.

        With each come the other orders in which all its values made sense.
        """
        if not self._alive:
            return []
        failed = self._watched & ~self._sensible(values) & (values != self._offset)
        if self._looks >= FIRST_LOOKS and not failed.any():
            return []
        self._looks += 1
        for order in ORDERS:
            numbers = self._in(order).decode_numbers(data)
            self._alive[order] &= self._sensible(numbers, self._least) | (values == self._offset)
        self._failures += failed
        ripe = np.flatnonzero(self._watched & (self._failures >= FAILURES))
        self._watched[ripe] = False
        return [self._candidates(row) for row in ripe.tolist()]

    def _candidates(self, row: int) -> tuple[Point, list[WordOrder]]:
        point = self._block.numbers[row]
        return point, distinct(point.width, [order for order, alive in self._alive.items() if alive[row]])

    def _sensible(self, values: Float64, least: Float64 | float = SMALLEST) -> NDArray[np.bool_]:
        size = np.abs(values)
        within = (values >= self._low) & (values <= self._high) & (size <= LARGEST)
        sensible: NDArray[np.bool_] = within & ((size == 0.0) | (size >= least))
        return sensible

    def _can_tell(self, point: Point) -> bool:
        low, high = self._low[self._block.numbers.index(point)], self._high[self._block.numbers.index(point)]
        return self._registers[point.signal][0].form not in _WITHOUT_ORDER and bool(np.isfinite([low, high]).any())

    def _in(self, order: WordOrder) -> Block:
        if order not in self._others:
            registers = {signal: (register, order) for signal, (register, _) in self._registers.items()}
            self._others[order] = Block(self._block.read, registers)
        return self._others[order]


def distinct(width: int, orders: Sequence[WordOrder]) -> list[WordOrder]:
    """Return orders without those that mean the same for a value of so many registers."""
    return [order for order in orders if width > 1 or order in {"ABCD", "BADC"}]


def other_orders(register: Register, order: WordOrder, data: bytes, rule: SignalRule) -> list[WordOrder] | None:
    """Return in which other orders one value would make sense; None where it does in the plan's order."""
    if register.form in _WITHOUT_ORDER or makes_sense(decode_number(register, order, data), rule.low, rule.high):
        return None
    others = [item for item in ORDERS if explains(decode_number(register, item, data), rule.low, rule.high)]
    return distinct(register.width, others)


def explain(register: Register, data: bytes, orders: Sequence[WordOrder], moved: bytes | None, rule: SignalRule) -> str:
    """Return in words how else the registers of a value could be meant; empty: in no way that is known.

    Args:
        register: what the plan says, complete.
        data: the bytes of its registers.
        orders: other orders in which its values make sense.
        moved: the bytes that stand where the value would be if the manual counted from the other base.
        rule: the plausible range.
    """
    said = [f"in order {order} it would be {decode_number(register, order, data):g}" for order in orders]
    if moved is not None and any(moved) and register.order is not None:
        value = decode_number(register, register.order, moved)
        if explains(value, rule.low, rule.high):
            said.append(f"counted from base {0 if register.base else 1} it would be {value:g}")
    if not said:
        return ""
    assert register.order is not None
    value = decode_number(register, register.order, data)
    return f"In order {register.order} it is {value:g}, outside {rule.low:g} to {rule.high:g}; {', '.join(said)}."
