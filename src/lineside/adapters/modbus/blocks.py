"""The values in the answer to one read, all numbers at once.

What stands where is worked out when the read is planned: for each numeric type the places of all bytes of all its
values, so that decoding is one look-up and one change of view per type, whatever the orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.modbus.reads import Point, Read
from lineside.domain.intake.registers import byte_order, decode_text, dtype_of
from lineside.domain.plan.registers import SINGLE_BITS, Register, WordOrder
from lineside.domain.readings import Float64

Columns = NDArray[np.intp]
_BITS: Final = frozenset({"bits", "bool"})


class Block:
    """Decodes the answers to one read.

    Args:
        read: the read.
        registers: what the plan says of each signal's register, with its order.
    """

    def __init__(self, read: Read, registers: Mapping[str, tuple[Register, WordOrder]]) -> None:
        self.read = read
        self._registers = registers
        self.numbers = [point for point in read.points if registers[point.signal][0].form != "text"]
        self.texts = [point for point in read.points if registers[point.signal][0].form == "text"]
        self._single = read.ask.kind in SINGLE_BITS
        chosen = [registers[point.signal][0] for point in self.numbers]
        self._scale = np.array([register.scale for register in chosen])
        self._offset = np.array([register.offset for register in chosen])
        self._plain = all(register.scale == 1.0 and register.offset == 0.0 for register in chosen)
        self._places = {} if self._single else self._all_places()
        self._bits = self._shifts_and_masks(chosen)
        self._coils = np.array([point.address - read.ask.address for point in self.numbers], dtype=np.intp)

    def decode_numbers(self, data: bytes) -> Float64:
        """Return the values of `numbers`, in their order, from the bytes of an answer."""
        raw = np.frombuffer(data, dtype=np.uint8)
        if self._single:
            values = np.unpackbits(raw, bitorder="little")[self._coils].astype(np.float64)
            return values if self._plain else values * self._scale + self._offset
        with np.errstate(over="ignore", invalid="ignore"):  # a register may hold any float, NaN of all kinds included
            values = self._gathered(raw)
            return values if self._plain else values * self._scale + self._offset

    def decode_text(self, point: Point, data: bytes) -> str:
        """Return the text of a point."""
        return decode_text(self._registers[point.signal][1], self.bytes_of(point, data))

    def bytes_of(self, point: Point, data: bytes) -> bytes:
        """Return the bytes of one point in an answer, as they arrived."""
        at = point.address - self.read.ask.address
        if self._single:
            return bytes([data[at // 8] >> at % 8 & 1])
        return data[2 * at : 2 * (at + point.width)]

    def _gathered(self, raw: NDArray[np.uint8]) -> Float64:
        values = np.empty(len(self.numbers))
        for (kind, of_bits), (rows, places) in self._places.items():
            numbers = raw[places].view(kind)[:, 0]
            if of_bits:
                shifts, masks = self._bits
                numbers = numbers.astype(np.int64) >> shifts[rows] & masks[rows]
            values[rows] = numbers
        return values

    def _all_places(self) -> dict[tuple[str, bool], tuple[Columns, Columns]]:
        rows: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
        places: defaultdict[tuple[str, bool], list[list[int]]] = defaultdict(list)
        for row, point in enumerate(self.numbers):
            register, order = self._registers[point.signal]
            key = dtype_of(register), register.form in _BITS
            begin = 2 * (point.address - self.read.ask.address)
            rows[key].append(row)
            places[key].append([begin + place for place in byte_order(order, point.width)])
        return {key: (np.array(rows[key], dtype=np.intp), np.array(places[key], dtype=np.intp)) for key in rows}

    @staticmethod
    def _shifts_and_masks(registers: list[Register]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        lengths = [register.length if register.form == "bits" else 1 for register in registers]
        shifts = np.array([register.bit for register in registers], dtype=np.int64)
        return shifts, np.array([(1 << length) - 1 for length in lengths], dtype=np.int64)
