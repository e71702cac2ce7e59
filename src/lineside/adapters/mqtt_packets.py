"""Messages of MQTT in columns: where topic and payload of each stand in the bytes that they came in.

A library's object a message costs twenty times what is done with it. So where packets PUBLISH lie one behind the other
in what was read from the socket, one loop over their bytes finds them all (MQTT 3.1.1 and 5, section 3.3). Everything
else is the library's: other packets, QoS 2, packets that are cut off or broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray
from paho.mqtt.client import MQTTMessage

from lineside.domain.readings import Int64

Bytes = NDArray[np.uint8]
MOST_PACKETS: Final = 4_096
"""Packets that are found at once."""
_LEAST_BYTES: Final = 5
"""Of a packet PUBLISH: two of the fixed header, two of the topic's length, one of the topic."""
_REPEATED, _SENT_AGAIN, _RETAINED = 8, 6, 1
"""Flags of the first byte of a packet PUBLISH: sent before, QoS, retained (MQTT 5, 3.3.1)."""
_BASIS, _PRIME = np.uint64(14_695_981_039_346_656_037), np.uint64(1_099_511_628_211)
"""Of the hash FNV-1a (Fowler, Noll and Vo), 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """Messages as they came.

    ``columns`` has the shape ``(6, n)``: a message's first byte, where its topic begins and ends, where its payload
    begins and ends, and its packet identifier, 0 with QoS 0. Behind all of them stands a zero byte in the ``text``.
    """

    text: Bytes
    columns: Int64

    def __len__(self) -> int:
        """Return how many messages there are."""
        return len(self._column(0))

    @property
    def topic(self) -> Int64:
        """Where the topics begin."""
        return self._column(1)

    @property
    def topic_end(self) -> Int64:
        """Where the topics end."""
        return self._column(2)

    @property
    def start(self) -> Int64:
        """Where the payloads begin."""
        return self._column(3)

    @property
    def end(self) -> Int64:
        """Where the payloads end."""
        return self._column(4)

    @property
    def number(self) -> Int64:
        """The packet identifiers, 0 with QoS 0."""
        return self._column(5)

    @property
    def sent_again(self) -> NDArray[np.bool_]:
        """Which messages the broker sends again until they are acknowledged: those of QoS 1."""
        return self._column(0) & _SENT_AGAIN > 0

    @property
    def retained(self) -> NDArray[np.bool_]:
        """Which messages the broker had kept."""
        return self._column(0) & _RETAINED > 0

    def is_repeated(self, row: int) -> bool:
        """Return whether a message has been sent before."""
        return bool(self.columns[0, row] & _REPEATED)

    def is_retained(self, row: int) -> bool:
        """Return whether the broker had kept a message."""
        return bool(self.columns[0, row] & _RETAINED)

    def topic_of(self, row: int) -> bytes:
        """Return the topic of a message, as it came."""
        return self.text[self.columns[1, row] : self.columns[2, row]].tobytes()

    def name_of(self, row: int) -> str:
        """Return the topic of a message as text, empty where it is not UTF-8."""
        try:
            return self.topic_of(row).decode()
        except UnicodeDecodeError:
            return ""

    def payload_of(self, row: int) -> bytes:
        """Return the payload of a message."""
        return self.text[self.columns[3, row] : self.columns[4, row]].tobytes()

    def take(self, rows: NDArray[np.bool_]) -> Packets:
        """Return the messages chosen by a mask."""
        return Packets(self.text, np.compress(rows, self.columns, axis=1))

    def _column(self, row: int) -> Int64:
        column: Int64 = self.columns[row]
        return column


def joined(pieces: Sequence[Packets]) -> Packets:
    """Return all messages of some pieces, one at least, in their order."""
    if len(pieces) == 1:
        return pieces[0]
    begins = np.cumsum([0, *(len(piece.text) for piece in pieces[:-1])])
    columns = np.concatenate([piece.columns for piece in pieces], axis=1)
    columns[1:5] += np.repeat(begins, [len(piece) for piece in pieces])
    return Packets(np.concatenate([piece.text for piece in pieces]), columns)


class Topics:
    """Finds the number of each known topic."""

    def __init__(self, numbers: Mapping[bytes, int]) -> None:
        self._at = np.cumsum([0, *map(len, numbers)], dtype=np.int64)
        self._text = np.frombuffer(b"".join(numbers) or b"\0", dtype=np.uint8)
        self._number = np.array(list(numbers.values()), dtype=np.int64)
        self._slots = np.full(1 << (2 * len(numbers) + 1).bit_length(), -1, dtype=np.int64)
        _enter(self._slots, self._text, self._at)

    def numbers(self, packets: Packets) -> Int64:
        """Return the number of each message's topic, -1 of one that is not known."""
        found: Int64 = _look_up(
            packets.text, packets.topic, packets.topic_end, self._slots, self._text, self._at, self._number
        )
        return found


def read_packets(held: bytes, at: int, *, five: bool) -> tuple[Packets, int]:
    """Return the messages that stand one behind the other from a place on, and where they end.

    Args:
        held: bytes that were read from a broker.
        at: where a packet begins.
        five: whether it speaks MQTT 5, whose packets have properties; these are not looked at.
    """
    text = np.frombuffer(held[at:] + b"\0", dtype=np.uint8)
    found = np.empty((6, min(MOST_PACKETS, len(text) // _LEAST_BYTES + 1)), dtype=np.int64)
    count, end = _find(text, five, found)
    return Packets(text, found[:, :count]), at + end


def packets_of(messages: Sequence[MQTTMessage]) -> Packets:
    """Return messages that the library has read, in columns; a topic that is not UTF-8 counts as none."""
    pieces = [piece for message in messages for piece in (_topic_of(message), message.payload)]
    sizes = np.fromiter(map(len, pieces), np.int64, len(pieces))
    ends = np.cumsum(sizes + 1) - 1

    def column(name: str) -> Int64:
        return np.fromiter((getattr(message, name) for message in messages), np.int64, len(messages))

    first = column("qos") << 1 | column("dup") * _REPEATED | column("retain") * _RETAINED
    places = (ends - sizes)[0::2], ends[0::2], (ends - sizes)[1::2], ends[1::2]
    text = np.frombuffer(b"\0".join([*pieces, b""]), dtype=np.uint8)
    return Packets(text, np.stack([first, *places, column("mid")]))


def _topic_of(message: MQTTMessage) -> bytes:
    try:
        return message.topic.encode()
    except UnicodeDecodeError:
        return b""


@numba.njit(cache=True, nogil=True)
def _find(text, five, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Find whole packets PUBLISH up to the first that is none; return how many, and where they end.

    ``found`` has the rows of `Packets.columns`.
    """
    last, at, count = len(text) - 1, 0, 0
    while count < found.shape[1]:
        body, size = _length(text, at + 1, last)
        if body < 0 or text[at] >> 4 != 3 or (text[at] >> 1) & 3 > 1:
            break
        end = body + size
        if end > last or size < 3:
            break
        topic_end = body + 2 + (np.int64(text[body]) << 8 | np.int64(text[body + 1]))
        place, number = topic_end, np.int64(0)
        if text[at] & _SENT_AGAIN:
            if place + 2 > end:
                break
            number = np.int64(text[place]) << 8 | np.int64(text[place + 1])
            place += 2
        if five:
            place, more = _length(text, place, end)
            if place < 0:
                break
            place += more
        if place > end or topic_end == body + 2:
            break
        found[0, count], found[5, count] = text[at], number
        found[1, count], found[2, count] = body + 2, topic_end
        found[3, count], found[4, count] = place, end
        count, at = count + 1, end
    return count, at


@numba.njit(cache=True, nogil=True, inline="always")
def _length(text, at, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read a variable byte integer (MQTT 5, 1.5.5): where it ends, -1 where it is cut off or none, and the number."""
    number = np.int64(0)
    for place in range(4):
        if at + place >= last:
            return np.int64(-1), number
        byte = np.int64(text[at + place])
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return np.int64(at + place + 1), number
    return np.int64(-1), number


@numba.njit(cache=True, nogil=True, inline="always")
def _hash(text, first, end):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    code = _BASIS
    for at in range(first, end):
        code = (code ^ np.uint64(text[at])) * _PRIME
    return code


@numba.njit(cache=True, nogil=True)
def _enter(slots, names, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Enter each name into the slot that its hash says, or the next that is free."""
    mask = np.uint64(len(slots) - 1)
    for name in range(len(at) - 1):
        slot = _hash(names, at[name], at[name + 1]) & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = name


@numba.njit(cache=True, nogil=True)
def _look_up(text, first, end, slots, names, at, numbers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba takes columns one by one
    """Return the number of each name in a text, -1 of one that was not entered."""
    found = np.full(len(first), -1, dtype=np.int64)
    mask = np.uint64(len(slots) - 1)
    for row in range(len(first)):
        size = end[row] - first[row]
        slot = _hash(text, first[row], end[row]) & mask
        while slots[slot] >= 0:
            name = slots[slot]
            if at[name + 1] - at[name] == size:
                equal = True
                for i in range(size):
                    if text[first[row] + i] != names[at[name] + i]:
                        equal = False
                        break
                if equal:
                    found[row] = numbers[name]
                    break
            slot = (slot + np.uint64(1)) & mask
    return found
