"""The plain metrics of a message as columns, read from its bytes all at once.

A metric is *plain* where it has an alias and a double, a float or a truth value that serves as a number and, beside
them, at most a timestamp and a data type: what machines send all the time. To ask the library for each of its fields
costs more than all else that is done with a reading on its way in. The bytes are those of Protocol Buffers (its page
"Encoding": fields by number and wire type, varints); the numbers of the fields are those of `sparkplug_b.proto`. The
library has read the same bytes before, so that they are known to be whole; a metric that is not plain is left to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.adapters.sparkplug.assets import Names
from lineside.domain.intake.times import AHEAD, EARLIEST
from lineside.domain.intake.values import LARGEST
from lineside.domain.readings import Float64, Int32, Int64
from lineside.domain.units import MILLISECOND

_UNPLANNED: Final = -1
_UNKNOWN: Final = -2
_SINGLE: Final = -3
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
        self._alias = np.array([*(alias for alias, _ in known), 0], dtype=np.uint64)
        meant = [codes.get(item.signal, _SINGLE) if item.signal else _UNPLANNED for _, item in known]
        self._code: Int32 = np.array([*meant, _UNKNOWN], dtype=np.int32)
        self._truth = np.array([*(item.signal in truths or not item.signal for _, item in known), True], dtype=np.bool_)

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
            found, found.view(np.float64), found.view(np.float32), self._alias, self._code, self._truth,
            moment, latest, plain, signal, time, value,
        )  # fmt: skip
        return Columns(plain=plain, signal=signal, time=time, value=value)


_BYTES: Final = numba.types.Array(numba.uint8, 1, "C", readonly=True)


@numba.njit(cache=True)
def _varint(raw: Any, at: int) -> tuple[Any, int]:
    """Return the varint at a place, and the place behind it; what is cut off ends at the end."""
    number, shift = np.uint64(0), np.uint64(0)
    while at < len(raw):
        byte = np.uint64(raw[at])
        at += 1
        if shift < np.uint64(64):
            number |= (byte & np.uint64(0x7F)) << shift
        shift += np.uint64(7)
        if byte < np.uint64(0x80):
            break
    return number, at


@numba.njit(cache=True)
def _fixed(raw: Any, at: int, width: int) -> Any:
    """Return the number of so many bytes at a place, the least byte first."""
    number = np.uint64(0)
    for place in range(width):
        number |= np.uint64(raw[at + place]) << np.uint64(8 * place)
    return number


@numba.njit(cache=True)
def _metric(raw: Any, at: Any, end: Any, out: Any) -> None:
    """Read a metric into alias, timestamp, bits and width of its value; width 0: it is not plain, 1: a truth value."""
    aliased = False
    while at < end:
        tag, at = _varint(raw, at)
        width = 8 if tag == 13 << 3 | 1 else 4 if tag == 12 << 3 | 5 else 0
        if width and at + width <= end:
            out[2], out[3], at = _fixed(raw, at, width), width, at + width
            continue
        if tag not in (2 << 3, 3 << 3, 4 << 3, 14 << 3):
            aliased = False
            break
        number, at = _varint(raw, at)
        if tag == 2 << 3:
            out[0], aliased = number, True
        elif tag == 3 << 3:
            out[1] = number
        elif tag == 14 << 3:
            out[2], out[3] = number, 1
    if not aliased or at != end:
        out[3] = 0


@numba.njit(numba.int64(_BYTES, numba.uint64[:, ::1]), cache=True)
def _read(raw: Any, out: Any) -> int:
    """Read every metric of a message into a row, as `_metric` does; return how many there are, -1: not read here."""
    at: Any = 0
    row = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        length, at = _varint(raw, at)
        if tag == 2 << 3 | 2 and row < len(out) and length <= np.uint64(len(raw) - at):
            end = at + np.int64(length)
            _metric(raw, at, end, out[row])
            at, row = end, row + 1
        elif tag not in (1 << 3, 3 << 3):  # the message's timestamp and sequence, whose value has been read
            return -1
    return row


@numba.njit(cache=True, nogil=True)
def _interpret(found, doubles, singles, aliases, codes, truths, moment, latest, plain, signal, time, value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917 - numba takes columns one by one
    """Say what the metrics of a message mean; the last of ``codes`` is that of an alias which no birth has named.

    One loop: on a quiet line every single call of the array library costs more than all that is done with a message.
    """
    for row in range(len(found)):
        alias, stamp, width = found[row, 0], found[row, 1], found[row, 3]
        place, beyond = 0, len(aliases) - 1
        while place < beyond:
            middle = (place + beyond) >> 1
            if aliases[middle] < alias:
                place = middle + 1
            else:
                beyond = middle
        known = place < len(aliases) - 1 and aliases[place] == alias
        place = place if known else len(aliases) - 1
        signal[row] = codes[place]
        if width == 1:
            value[row] = 1.0 if found[row, 2] else 0.0
        else:
            value[row] = doubles[row, 2] if width == 8 else np.float64(singles[row, 4])
        own = stamp > 0
        plain[row] = (
            width > 0
            and (width > 1 or truths[place])
            and abs(value[row]) <= LARGEST
            and signal[row] != _SINGLE
            and (not own or _FIRST <= stamp <= np.uint64(latest))
        )
        time[row] = np.int64(stamp) * MILLISECOND if own and plain[row] else moment
