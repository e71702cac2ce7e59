"""Readings of one station that are held until no earlier one may still come, in canonical order.

Canonical order is (source time, signal number, value). Signals are numbered per station: what delimits the
cycle first, then texts, then what marks phases, then the rest as in the plan; so at one instant an edge
comes before the values that belong to what it opens.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.features import kernels
from lineside.domain.readings import Float64, Int32, Int64, ReadingBatch, UInt32

_LONG_AGO: Final = np.iinfo(np.int64).min // 2
_MOST_KEY: Final = np.iinfo(np.int64).max
_NO_DELAY: Final = np.iinfo(np.int64).max


class Holding:
    """The held readings of a station, in columns that grow by doubling up to ``most`` rows.

    ``local`` gives for each code of the catalogue the signal's number at this station, or -1.
    """

    def __init__(self, local: Int32, lateness: int, most: int = 1 << 20) -> None:
        self._local = local
        self._lateness = lateness
        self._most = most
        self.rows = 0
        self.late = 0
        self.newest = _LONG_AGO
        self.watermark = _LONG_AGO
        self._in_order = True
        self._delay = _NO_DELAY
        self.signal: Int32 = np.empty(0, dtype=np.int32)
        self.time: Int64 = np.empty(0, dtype=np.int64)
        self.received: Int64 = np.empty(0, dtype=np.int64)
        self.value: Float64 = np.empty(0, dtype=np.float64)
        self.status: UInt32 = np.empty(0, dtype=np.uint32)
        self._allocate(4096)

    def add(self, batch: ReadingBatch, value: Float64) -> None:
        """Hold the station's readings of a batch (with values recoded by the caller) and move the watermark."""
        self._reserve(self.rows + len(batch))
        self.rows, self.newest, late, self._delay, self._in_order = kernels.admit(
            self._local,
            batch.signal,
            batch.source_time,
            batch.receive_time,
            value,
            batch.status,
            self.signal,
            self.time,
            self.received,
            self.value,
            self.status,
            self.rows,
            self.newest,
            self._lateness,
            self._delay,
            self._in_order,
        )
        self.late += late
        self.watermark = max(self.watermark, self.newest - self._lateness)

    def ripe(self) -> int:
        """Sort what is held and return how many rows lie before the watermark, beyond any doubt."""
        if not self._in_order:
            self._sort()
        if self.rows > self._most:
            self.watermark = max(self.watermark, int(self.time[self.rows - self._most]))
        return int(np.searchsorted(self.time[: self.rows], self.watermark, side="left"))

    def advance(self, now: int) -> None:
        """Let the receiver's time pass without readings: what has not come within the lateness will be late.

        The source's clock is taken to differ from the receiver's by the smallest delay seen so far.
        """
        if self._delay != _NO_DELAY:
            self.newest = max(self.newest, now - self._delay)
            self.watermark = max(self.watermark, self.newest - self._lateness)

    def drop(self, rows: int) -> None:
        """Let go of the first rows."""
        rest = self.rows - rows
        if rows and rest:
            for column in self._columns():
                column[:rest] = column[rows : self.rows].copy()
        self.rows = rest
        if rest == 0:
            self._in_order = True

    def _sort(self) -> None:
        order = self._order()
        for column in self._columns():
            column[: self.rows] = column[: self.rows][order]
        self._in_order = True

    def _order(self) -> NDArray[np.int64]:
        """Return the rows in canonical order.

        Time and signal make one number where they fit, which sorts far quicker, the more so as readings come in
        runs that are in order already. Rows that share both go by value and status.
        """
        rows = slice(0, self.rows)
        time, signal = self.time[rows], self.signal[rows]
        first, signals = int(time.min()), int(signal.max()) + 1
        if (int(time.max()) - first + 1) < _MOST_KEY // signals:
            key = (time - first) * signals + signal
            order = np.argsort(key, kind="stable")
            ordered = key[order]
            if not (ordered[1:] == ordered[:-1]).any():
                return order
        return np.lexsort((self.status[rows], self.value[rows], signal, time))

    def _reserve(self, rows: int) -> None:
        if rows > len(self.time):
            self._allocate(max(rows, 2 * len(self.time)))

    def _allocate(self, capacity: int) -> None:
        old = self._columns()
        self.signal = np.empty(capacity, dtype=np.int32)
        self.time = np.empty(capacity, dtype=np.int64)
        self.received = np.empty(capacity, dtype=np.int64)
        self.value = np.empty(capacity, dtype=np.float64)
        self.status = np.empty(capacity, dtype=np.uint32)
        for column, before in zip(self._columns(), old, strict=True):
            column[: self.rows] = before[: self.rows]

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self.signal, self.time, self.received, self.value, self.status
