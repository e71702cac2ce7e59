"""The plain metrics of messages as columns, read from their bytes all at once.

A metric is *plain* where it has an alias and a double, a float or a truth value that serves as a number and, beside
them, at most a timestamp and a data type: what machines send all the time. To ask the library for each of its fields
costs more than all else that is done with a reading on its way in. The bytes are those of Protocol Buffers (its page
"Encoding": fields by number and wire type, varints); the numbers of the fields are those of `sparkplug_b.proto`.

Of one message the library has read the same bytes before, so that they are known to be whole; a metric that is not
plain is left to it. A *train* is messages of one sender that come closely behind each other in their sequence and
have nothing but plain metrics that a birth has named: the library never sees them. What is cut off, broken or of any
other form ends the train, and is the library's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.adapters.mqtt_packets import Packets
from lineside.adapters.sparkplug.assets import Names
from lineside.adapters.sparkplug.sequence import TURN
from lineside.domain.intake.times import AHEAD, EARLIEST
from lineside.domain.intake.values import LARGEST
from lineside.domain.readings import Float64, Int32, Int64
from lineside.domain.units import MILLISECOND

_UNPLANNED: Final = -1
_UNKNOWN: Final = -2
_SINGLE: Final = -3
_LEAST_METRIC: Final = 6
"""Bytes of a plain metric at least: tag and length, an alias, a truth value, two each."""
_FIRST: Final = np.uint64(EARLIEST // MILLISECOND)


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The metrics of a message, shape ``(n,)`` each, in its order.

    ``signal`` is a code of the plan's signals, or below zero; ``time`` in UTC ns. Only what is ``plain`` may be taken
    as it stands.
    """

    plain: NDArray[np.bool_]
    signal: Int32
    time: Int64
    value: Float64

    def within(self, begin: int, end: int) -> tuple[Int32, Int64, Float64, int]:
        """Return signals, times and values of the plan between two places, and how many no birth has named."""
        signal = self.signal[begin:end]
        known = signal >= 0
        if known.all():
            return signal, self.time[begin:end], self.value[begin:end], 0
        unknown = int(np.count_nonzero(signal == _UNKNOWN))
        return signal[known], self.time[begin:end][known], self.value[begin:end][known], unknown


@dataclass(frozen=True, slots=True)
class Train:
    """How many ``messages`` were read, and the readings of them all: signals of the plan, UTC ns, numbers."""

    messages: int
    signal: Int32
    time: Int64
    value: Float64


class Aliases:
    """What the aliases of a birth mean.

    Args:
        names: what the birth calls its metrics.
        codes: the codes of the signals whose values are numbers.
        truths: those of them that take true and false as 1 and 0.
    """

    def __init__(self, names: Names, codes: Mapping[str, int], truths: Collection[str] = ()) -> None:
        self.names = names
        known = sorted(names.by_alias.items())
        alias = np.array([*(alias for alias, _ in known), 0], dtype=np.uint64)
        meant = [codes.get(item.signal, _SINGLE) if item.signal else _UNPLANNED for _, item in known]
        code: Int32 = np.array([*meant, _UNKNOWN], dtype=np.int32)
        truth = np.array([*(item.signal in truths or not item.signal for _, item in known), True], dtype=np.bool_)
        self._known = alias, code, truth

    def read(self, raw: bytes, count: int, moment: int, received: int) -> Columns | None:
        """Return the ``count`` metrics of a message; None where its bytes are not read here.

        ``moment`` is the time of those without one, ``received`` that of the message, both UTC ns.
        """
        found = np.zeros((count, 4), dtype=np.uint64)
        if _read(np.frombuffer(raw, dtype=np.uint8), found) != count:
            return None
        plain, signal = np.empty(count, dtype=np.bool_), np.empty(count, dtype=np.int32)
        time, value = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.float64)
        latest = max(0, received + AHEAD) // MILLISECOND
        _interpret(
            found, found.view(np.float64), found.view(np.float32), *self._known,
            moment, latest, plain, signal, time, value,
        )  # fmt: skip
        return Columns(plain=plain, signal=signal, time=time, value=value)

    def read_train(self, packets: Packets, first: int, number: int, received: int) -> Train:
        """Return what the messages from the ``first`` on say, as long as they are a train.

        ``number`` is the one that the first must have in its sequence, ``received`` when they all were, UTC ns.
        """
        room = int(packets.end[-1] - packets.start[first]) // _LEAST_METRIC + 1
        signal, time = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int64)
        value = np.empty(room, dtype=np.float64)
        latest = max(0, received + AHEAD) // MILLISECOND
        places = packets.topic, packets.topic_end, packets.start, packets.end
        out = signal, time, value
        messages, rows = _train(packets.text, places, first, number, self._known, received, latest, out)
        # copied: what waits for the gate must not keep all the room
        return Train(messages, signal[:rows].copy(), time[:rows].copy(), value[:rows].copy())


_BYTES: Final = numba.types.Array(numba.uint8, 1, "C", readonly=True)
_NO_PLACE: Final = -1
_MORE: Final = 0x80
"""The bit of a varint's byte behind which there are more."""


@numba.njit(cache=True, nogil=True)
def _varint(raw: Any, at: int, end: int) -> tuple[Any, int]:
    """Return the varint at a place, and the place behind it; below zero where it is cut off or has over 64 bits."""
    number = np.uint64(0)
    for place in range(min(10, end - at)):
        byte = np.uint64(raw[at + place])
        number |= (byte & np.uint64(0x7F)) << np.uint64(7 * place)
        if byte < _MORE:
            return number, (at + place + 1 if place < 9 or byte < 2 else _NO_PLACE)
    return number, _NO_PLACE


@numba.njit(cache=True, nogil=True)
def _fixed(raw: Any, at: int, width: int) -> Any:
    """Return the number of so many bytes at a place, the least byte first."""
    number = np.uint64(0)
    for place in range(width):
        number |= np.uint64(raw[at + place]) << np.uint64(8 * place)
    return number


@numba.njit(cache=True, nogil=True)
def _metric(raw: Any, at: Any, end: Any, out: Any) -> None:
    """Read a metric into alias, timestamp, bits and width of its value; width 0: it is not plain, 1: a truth value."""
    aliased = False
    out[:] = 0
    while at < end:
        tag, at = raw[at], at + 1
        width = 8 if tag == 13 << 3 | 1 else 4 if tag == 12 << 3 | 5 else 0
        if width and at + width <= end:
            out[2], out[3], at = _fixed(raw, at, width), width, at + width
            continue
        number, at = _varint(raw, at, end)
        if at < 0 or tag not in (2 << 3, 3 << 3, 4 << 3, 14 << 3):
            aliased = False
            break
        if tag == 2 << 3:
            out[0], aliased = number, True
        elif tag == 3 << 3:
            out[1] = number
        elif tag == 14 << 3:
            out[2], out[3] = number, 1
    if not aliased:
        out[3] = 0


@numba.njit(numba.int64(_BYTES, numba.uint64[:, ::1]), cache=True)
def _read(raw: Any, out: Any) -> int:
    """Read every metric of a message into a row, as `_metric` does; return how many there are, -1: not read here."""
    at: Any = 0
    row, end = 0, len(raw)
    while at < end:
        tag, at = raw[at], at + 1
        number, at = _varint(raw, at, end)
        if at < 0 or tag not in (1 << 3, 2 << 3 | 2, 3 << 3):
            return -1
        if tag == 2 << 3 | 2:  # the others are the message's timestamp and sequence, whose value has been read
            if row >= len(out) or number > np.uint64(end - at):
                return -1
            behind = at + np.int64(number)
            _metric(raw, at, behind, out[row])
            at, row = behind, row + 1
    return row


@numba.njit(cache=True, nogil=True)
def _place_of(alias, aliases, guess):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return where an alias stands among the sorted ones, the last place where no birth has named it."""
    beyond = len(aliases) - 1
    if guess < beyond and aliases[guess] == alias:
        return guess
    place, last = 0, beyond
    while place < last:
        middle = (place + last) >> 1
        if aliases[middle] < alias:
            place = middle + 1
        else:
            last = middle
    return place if place < beyond and aliases[place] == alias else beyond


@numba.njit(cache=True, nogil=True)
def _value(found, doubles, singles, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the number that a metric says; the last two are views of the same memory."""
    if found[row, 3] == 1:
        return 1.0 if found[row, 2] else 0.0
    return doubles[row, 2] if found[row, 3] == 8 else np.float64(singles[row, 4])


@numba.njit(cache=True, nogil=True)
def _as_it_stands(width, truth, code, value, stamp, latest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Say whether a metric may be taken so."""
    return (
        width > 0
        and (width > 1 or truth)
        and abs(value) <= LARGEST
        and code != _SINGLE
        and (stamp == 0 or _FIRST <= stamp <= np.uint64(latest))
    )


@numba.njit(cache=True, nogil=True)
def _interpret(found, doubles, singles, aliases, codes, truths, moment, latest, plain, signal, time, value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917 - numba takes columns one by one
    """Say what the metrics of a message mean; the last of ``codes`` is that of an alias which no birth has named.

    One loop: on a quiet line every single call of the array library costs more than all that is done with a message.
    """
    place = -1
    for row in range(len(found)):
        stamp, width = found[row, 1], found[row, 3]
        place = _place_of(found[row, 0], aliases, place + 1)
        signal[row], value[row] = codes[place], _value(found, doubles, singles, row)
        plain[row] = _as_it_stands(width, truths[place], signal[row], value[row], stamp, latest)
        time[row] = np.int64(stamp) * MILLISECOND if stamp > 0 and plain[row] else moment


@numba.njit(cache=True, nogil=True)
def _train(text, places, first, number, known, received, latest, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read messages that are a train into columns; return how many they are, and their rows."""
    topic, topic_end, start, end = places
    found = np.zeros((1, 4), dtype=np.uint64)
    views = found, found.view(np.float64), found.view(np.float32)
    rows, at, time = 0, first, out[1]
    while at < len(start) and _same(text, topic, topic_end, first, at):
        expected = np.uint64((number + at - first) % TURN)
        behind, moment = _message(text, start[at], end[at], expected, known, latest, views, out, rows)
        if behind < 0:
            break
        for row in range(rows, behind):
            if time[row] == 0:
                time[row] = np.int64(moment) * MILLISECOND if moment else received
        rows, at = behind, at + 1
    return at - first, rows


@numba.njit(cache=True, nogil=True)
def _message(text, at, end, expected, known, latest, views, out, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917
    """Read a message of a train into rows; return the row behind, and the message's own time in ms.

    The row is below zero where the message is none of a train. A reading without a time has the time 0.
    """
    aliases, codes, truths = known
    found, doubles, singles = views
    signal, time, value = out
    moment, counted, place = np.uint64(0), False, -1
    while at < end:
        tag, at = text[at], at + 1
        number, at = _varint(text, at, end)
        if at < 0:
            return -1, moment
        if tag == 1 << 3:
            moment = number
        elif tag == 3 << 3 and number == expected:
            counted = True
        elif tag == 2 << 3 | 2 and number <= np.uint64(end - at):
            behind = at + np.int64(number)
            _metric(text, at, behind, found[0])
            at, stamp = behind, found[0, 1]
            place = _place_of(found[0, 0], aliases, place + 1)
            code, said = codes[place], _value(found, doubles, singles, 0)
            if code == _UNKNOWN or not _as_it_stands(found[0, 3], truths[place], code, said, stamp, latest):
                return -1, moment
            if code >= 0:
                signal[row], value[row], time[row] = code, said, np.int64(stamp) * MILLISECOND
                row += 1
        else:
            return -1, moment
    if not counted or (moment > 0 and not _FIRST <= moment <= np.uint64(latest)):
        return -1, moment
    return row, moment


@numba.njit(cache=True, nogil=True)
def _same(text, begin, end, one, other):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Say whether two pieces of a text are equal."""
    size = end[one] - begin[one]
    equal = end[other] - begin[other] == size
    for place in range(size if equal else 0):
        equal &= text[begin[one] + place] == text[begin[other] + place]
    return equal
