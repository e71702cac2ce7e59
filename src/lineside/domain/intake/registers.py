"""Values in the registers of Modbus: decoding, encoding, and which other order would make sense.

A register has 16 bits and arrives high byte first; the protocol says nothing of longer values, so vendors order
their words, and some their bytes, as they like (Modbus Application Protocol V1.1b3, clause 4.2, defines only the
16 bits). A wrong order rarely looks wrong at once: it often gives zero, a tiny number or a plausible one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from lineside.domain.intake.values import LARGEST
from lineside.domain.plan.registers import Register, WordOrder
from lineside.domain.readings import Float64

Bytes = NDArray[np.uint8]

ORDERS: Final[tuple[WordOrder, ...]] = get_args(WordOrder)
SMALLEST: Final = 1e-30
"""Nearer to zero no measurement is: what is not zero and yet smaller is half of another number."""
LEAST_PART: Final = 1e-4
"""What is guessed to be meant must not be smaller than this part of the plausible range, since that is where the
halves of other numbers lie."""
_DTYPES: Final = {
    "int16": ">i2",
    "uint16": ">u2",
    "int32": ">i4",
    "uint32": ">u4",
    "int64": ">i8",
    "uint64": ">u8",
    "float32": ">f4",
    "float64": ">f8",
    "bool": ">u2",
    "bits": ">u2",
}
_INTEGERS: Final = frozenset({"int16", "uint16", "int32", "uint32", "int64", "uint64"})


def byte_order(order: WordOrder, width: int) -> list[int]:
    """Return, for each byte of a value from the highest, its place among the bytes that arrive."""
    words = range(width - 1, -1, -1) if order in {"CDAB", "DCBA"} else range(width)
    swapped = order in {"BADC", "DCBA"}
    return [2 * word + (1 - half if swapped else half) for word in words for half in (0, 1)]


def dtype_of(register: Register) -> str:
    """Return the numpy type of the raw number; of a text there is none (`KeyError`)."""
    return _DTYPES[register.form]


def decode_number(register: Register, order: WordOrder, data: bytes) -> float:
    """Return the number in the bytes of a value's registers, as they arrived."""
    raw = np.frombuffer(bytes(data[place] for place in byte_order(order, register.width)), dtype=dtype_of(register))
    return float(scaled(register, raw)[0])


def scaled(register: Register, raw: NDArray[np.generic]) -> Float64:
    """Return raw numbers as the plan means them: single bits picked out, scale and offset applied."""
    if register.form in {"bits", "bool"}:
        size = 1 if register.form == "bool" else register.length
        raw = (raw.astype(np.uint16) >> register.bit) & ((1 << size) - 1)
    with np.errstate(over="ignore", invalid="ignore"):
        return raw.astype(np.float64) * register.scale + register.offset


def decode_text(order: WordOrder, data: bytes) -> str:
    """Return the text in registers up to its first NUL, without blanks at its ends; one byte is one character."""
    return _characters(order, data).partition(b"\0")[0].decode("latin-1").strip()


def encode(register: Register, order: WordOrder, value: float | str) -> bytes:
    """Return the bytes of the registers that hold a value, as a device would send them.

    Raises:
        ValueError: the value does not fit the register.
    """
    if register.form == "text":
        plain = str(value).encode("latin-1").ljust(2 * register.width, b"\0")
        if len(plain) > 2 * register.width:
            raise ValueError(f"{len(plain)} characters do not fit {register.width} registers")
        return _characters(order, plain)
    number = (float(value) - register.offset) / register.scale
    raw = np.array([_fitting(register, number)], dtype=dtype_of(register)).tobytes()
    sent = bytearray(len(raw))
    for byte, place in zip(raw, byte_order(order, register.width), strict=True):
        sent[place] = byte
    return bytes(sent)


def _characters(order: WordOrder, data: bytes) -> bytes:
    """Return characters in reading order from those in sending order, or the reverse, which is the same."""
    return bytes(data[place ^ 1] for place in range(len(data))) if order in {"BADC", "DCBA"} else data


def _fitting(register: Register, number: float) -> float | int:
    if register.form not in _INTEGERS and register.form not in {"bits", "bool"}:
        return number
    whole = round(number)
    if register.form in {"bits", "bool"}:
        return whole << register.bit
    limits = np.iinfo(np.dtype(dtype_of(register)))
    if not limits.min <= whole <= limits.max:
        raise ValueError(f"{number:g} does not fit {register.form}")
    return whole


def makes_sense(value: float, low: float, high: float) -> bool:
    """Say whether a value can be a measurement: in the plausible range, and not a remnant of another number."""
    size = abs(value)
    return low <= value <= high and size <= LARGEST and (size == 0.0 or size >= SMALLEST)


def explains(value: float, low: float, high: float) -> bool:
    """Say whether a value is one that could have been meant: it makes sense, and is no trifle of the range."""
    ends = [abs(end) for end in (low, high) if abs(end) <= LARGEST]
    return makes_sense(value, low, high) and abs(value) >= LEAST_PART * max(ends, default=0.0)


def registers_as_text(data: Sequence[int] | bytes) -> str:
    """Return the bytes of registers as people compare them with a manual: ``41AC 0000``."""
    plain = bytes(data)
    return " ".join(plain[at : at + 2].hex().upper() for at in range(0, len(plain), 2))
