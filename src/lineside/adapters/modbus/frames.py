"""The frames of Modbus TCP that a reader needs, sans-IO: four requests, and whatever may come back.

Sources: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, clause 3.1 (the header), and MODBUS Application
Protocol V1.1b3, clauses 6.1 to 6.4 (the four reads) and 7 (exceptions). Only reading functions exist here: nothing
in this adapter can write to a machine.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from lineside.domain.plan.registers import SINGLE_BITS, RegisterKind

FUNCTIONS: Final[dict[RegisterKind, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
EXCEPTIONS: Final = {
    1: "illegal function: the device does not have this table",
    2: "illegal data address: the device does not have all of these registers",
    3: "illegal data value: the device does not read so many at once",
    4: "server device failure",
    5: "acknowledge: the device needs longer",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable: the gateway has no way to the device",
    11: "gateway target device failed to respond: the device behind the gateway is silent",
}
"""Exception codes in words (V1.1b3, clause 7)."""
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
_HEADER: Final = struct.Struct(">HHHB")
_REQUEST: Final = struct.Struct(">HHHBBHH")
_LONGEST: Final = 254
"""Greatest length in a header: a PDU of 253 bytes and the unit (V1.1b3, clause 4.1)."""
_EXCEPTION: Final = 0x80


class AnswerError(Exception):
    """An answer that holds no values; ``raw`` is what was received."""

    def __init__(self, problem: str, raw: bytes = b"") -> None:
        super().__init__(problem)
        self.raw = raw


class SilentError(AnswerError):
    """No answer came in time."""


class GarbledError(AnswerError):
    """What came is no answer to the request."""


class RefusedError(AnswerError):
    """The device answered with an exception ``code``."""

    def __init__(self, code: int, raw: bytes) -> None:
        super().__init__(f"exception {code}, {EXCEPTIONS.get(code, 'unknown to the standard')}", raw)
        self.code = code


class BrokenStreamError(ConnectionError):
    """The bytes are no frames of Modbus TCP: nothing that follows can be understood."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: ``count`` registers or bits from an address on, of a table of a device."""

    device: int
    kind: RegisterKind
    address: int
    count: int

    def __str__(self) -> str:
        """Return the request as people write it; addresses count from 0."""
        last = f" to {self.address + self.count - 1}" if self.count > 1 else ""
        return f"{self.kind} {self.address}{last} of device {self.device}"

    @property
    def size(self) -> int:
        """Bytes of values in the answer."""
        return (self.count + 7) // 8 if self.kind in SINGLE_BITS else 2 * self.count


def request(ask: Ask, transaction: int) -> bytes:
    """Return the frame of a request."""
    return _REQUEST.pack(transaction, 0, 6, ask.device, FUNCTIONS[ask.kind], ask.address, ask.count)


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame: its transaction, unit, and the rest from the function code on; ``raw`` is all of it."""

    transaction: int
    device: int
    body: bytes
    raw: bytes


class Frames:
    """Cuts what arrives into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def rest(self) -> bytes:
        """The beginning of a frame that is not whole yet."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take what arrived and return the frames that are whole.

        Raises:
            BrokenStreamError: it is not Modbus TCP.
        """
        self._buffer += data
        found = []
        while len(self._buffer) >= _HEADER.size:
            transaction, protocol, length, device = _HEADER.unpack_from(self._buffer)
            if protocol != 0 or not 2 <= length <= _LONGEST:
                raise BrokenStreamError(f"not Modbus TCP: {bytes(self._buffer[:16]).hex(' ')}")
            if len(self._buffer) < 6 + length:
                break
            raw = bytes(self._buffer[: 6 + length])
            del self._buffer[: 6 + length]
            found.append(Frame(transaction, device, raw[7:], raw))
        return found


def values_in(frame: Frame, ask: Ask) -> bytes:
    """Return the bytes of the values that were asked for.

    Raises:
        RefusedError: the device answers with an exception.
        GarbledError: the frame is no answer to this request.
    """
    function, body = FUNCTIONS[ask.kind], frame.body
    if frame.device != ask.device:
        raise GarbledError(f"unit {ask.device} was asked and unit {frame.device} answers", frame.raw)
    if body[0] == function | _EXCEPTION:
        raise RefusedError(body[1] if len(body) > 1 else 0, frame.raw)
    if body[0] != function:
        raise GarbledError(f"function {function} was asked for and function {body[0]} came", frame.raw)
    if len(body) != 2 + ask.size or body[1] != ask.size:
        raise GarbledError(f"{ask.size} bytes of values were asked for and {max(0, len(body) - 2)} came", frame.raw)
    return body[2:]
