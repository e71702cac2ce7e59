"""Readings of one station that are held until no earlier one may still come, in canonical order.

Canonical order is (source time, signal number, value). Signals are numbered per station: what delimits the
cycle first, then texts, then what marks phases, then the rest as in the plan; so at one instant an edge
comes before the values that belong to what it opens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lineside.domain.cycles import admission
from lineside.domain.cycles.late_log import LateLog
from lineside.domain.features import kernels
from lineside.domain.readings import BAD, SEVERITY, Float64, Int32, Int64, ReadingBatch, UInt32

_MOST_KEY: Final = np.iinfo(np.int64).max
_ROWS_A_MOVE: Final = 8
"""One in so many new rows may stand one place too far ahead, on average; with more of them all are sorted together."""
Columns = tuple[NDArray[Any], ...]


class _Caught(NamedTuple):
    """The newest late reading that was taken of a signal: since when it counts, and its own time."""

    since: int
    time: int


_NOTHING: Final = _Caught(admission.LONG_AGO, admission.LONG_AGO)


class Holding:
    """The held readings of a station, in columns that grow by doubling up to ``most`` rows.

    The columns begin with the first row held: to let go of rows is to begin further on, until there is no room behind.

    Args:
        local: for each code of the catalogue the signal's number at this station, or -1.
        feed_of: for each signal's number the number of its source.
        delimiter: number of the source that delimits the cycles, -1 where none does.
        lateness: how long a reading may take to arrive, ns.
        within: how far apart late readings of one span may be, ns.
        holds: for each signal's number whether what it says holds until it says otherwise.
        said_at: gives the source time of what was last taken of a signal, a time long ago where nothing was.
        most: rows that are held at most; beyond that the oldest are taken.
    """

    def __init__(
        self,
        local: Int32,
        feed_of: Int32,
        delimiter: int,
        lateness: int,
        within: int,
        *,
        holds: NDArray[np.bool_],
        said_at: Callable[[int], int],
        most: int = 1 << 20,
    ) -> None:
        self._local = local
        self._feed_of = feed_of
        self._delimiter = delimiter
        self._lateness = lateness
        self._holds = holds
        self._said_at = said_at
        self._caught: dict[int, _Caught] = {}
        self._most = most
        self._feeds: Int64 = np.zeros((int(feed_of.max(initial=0)) + 1, admission.FEED_COLUMNS), dtype=np.int64)
        self._state: Int64 = np.zeros(admission.STATE_PLACES, dtype=np.int64)
        self._released = admission.LONG_AGO
        self._overflow = admission.LONG_AGO
        self.late_log = LateLog(within)
        self._ordered = 0
        self.signal: Int32 = np.empty(0, dtype=np.int32)
        self.time: Int64 = np.empty(0, dtype=np.int64)
        self.received: Int64 = np.empty(0, dtype=np.int64)
        self.value: Float64 = np.empty(0, dtype=np.float64)
        self.status: UInt32 = np.empty(0, dtype=np.uint32)
        self._allocate(4096)
        self.forget_clocks()

    @property
    def rows(self) -> int:
        """Readings held."""
        return int(self._state[admission.HELD])

    @property
    def late(self) -> int:
        """Readings that came too late."""
        return int(self._state[admission.LATE])

    @property
    def newest(self) -> int:
        """The newest source time so far."""
        return int(self._state[admission.LATEST])

    @property
    def watermark(self) -> int:
        """Nothing is waited for that is older."""
        return max(int(self._state[admission.WATERMARK]), self._released, self._overflow)

    @property
    def stepped(self) -> bool:
        """Whether a source's clock was seen to be set back: `forget_clocks` goes on from there."""
        return bool(self._state[admission.STEPPED])

    def add(self, batch: ReadingBatch, value: Float64, start: int = 0) -> int:
        """Hold the station's readings of a batch (with values recoded by the caller) from a row on.

        Returns the row to go on from: behind the last, or sooner where a source's clock was seen to be set back.
        """
        self._reserve(self.rows + len(batch) - start)
        late = np.empty(len(batch), dtype=np.int64)
        before = self.late
        row = int(
            admission.admit(
                self._local,
                self._feed_of,
                self._delimiter,
                self._lateness,
                self._released,
                start,
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
                self._feeds,
                self._state,
                late,
            )
        )
        if self.late > before:
            rows = start + np.flatnonzero(late[start:row] != admission.LONG_AGO)
            mine = self._local[batch.signal[rows]]
            self.late_log.add(self._feed_of[mine], batch.source_time[rows], batch.receive_time[rows])
            for at, signal in zip(rows[self._holds[mine]], mine[self._holds[mine]], strict=True):
                self._catch_up(batch, value, int(at), int(signal), int(late[at]))
        return row

    def _catch_up(self, batch: ReadingBatch, value: Float64, row: int, signal: int, since: int) -> None:
        """Hold a late reading of a signal that says what holds until it says otherwise, if nothing newer is known.

        What it says is true from the moment up to which the station had been taken when it came. It was not measured
        in the cycle of that moment, so it is no reading of it.
        """
        time, said, rows = int(batch.source_time[row]), value[row], self.rows
        if (batch.status[row] & SEVERITY) == BAD or np.isnan(said):
            return
        own = np.flatnonzero(self.signal[:rows] == signal)
        times = self.time[own]
        known = max(self._said_at(signal), int(times[times < since].max(initial=admission.LONG_AGO)))
        caught = self._caught.get(signal, _NOTHING)
        if time <= (caught.time if caught.since in {known, since} else known):
            return
        self._caught[signal] = _Caught(since, time)
        older = own[(times == since) & (self.received[own] == kernels.HEARSAY)]
        place = int(older[0]) if len(older) else rows
        given = signal, since, kernels.HEARSAY, said, batch.status[row]
        for column, one in zip(self._columns(), given, strict=True):
            column[place] = one
        self._state[admission.HELD] = max(rows, place + 1)
        self._ordered = min(self._ordered, place)
        self._state[admission.IN_ORDER] = 0

    def put(self, batch: ReadingBatch, value: Float64) -> None:
        """Hold the station's readings of a stretch that is known whole; none of them is late."""
        inside = (batch.signal >= 0) & (batch.signal < len(self._local))
        local = np.where(inside, self._local[np.where(inside, batch.signal, 0)], -1)
        rows = np.flatnonzero(local >= 0)
        first, last = self.rows, self.rows + len(rows)
        self._reserve(last)
        given: tuple[NDArray[Any], ...] = (local, batch.source_time, batch.receive_time, value, batch.status)
        for column, values in zip(self._columns(), given, strict=True):
            column[first:last] = values[rows]
        self._state[admission.HELD] = last
        self._state[admission.IN_ORDER] = int(last < 2)

    def release(self, until: int) -> None:
        """Let everything be taken that lies before a time."""
        self._released = until

    def slow_feeds(self) -> NDArray[np.bool_]:
        """Return which sources are slower than the others by more than is waited for: theirs may be a wrong clock."""
        feeds = self._feeds
        heard = feeds[:, admission.HEARD] != admission.LONG_AGO
        delays = np.minimum(feeds[:, admission.YOUNG], feeds[:, admission.OLD])
        slow: NDArray[np.bool_] = heard & (
            delays - int(admission.reference_delay(feeds, self._delimiter)) > admission.WAIT
        )
        return slow

    def ripe(self) -> int:
        """Sort what is held and return how many rows lie before the watermark, beyond any doubt."""
        if not self._state[admission.IN_ORDER]:
            self._sort()
        self._ordered = rows = self.rows
        if rows > self._most:
            self._overflow = max(self._overflow, int(self.time[rows - self._most]))
        return int(self.time[:rows].searchsorted(self.watermark))

    def advance(self, now: int) -> None:
        """Let the receiver's time pass without readings: what has not come within the lateness is not waited for.

        A source's clock is taken to differ from the receiver's by the least delay of its last readings.
        """
        feeds = self._feeds
        delays = np.minimum(feeds[:, admission.YOUNG], feeds[:, admission.OLD])
        heard = feeds[:, admission.HEARD] != admission.LONG_AGO
        if not heard.any():
            return
        slower = delays - int(admission.reference_delay(feeds, self._delimiter)) > admission.WAIT
        awaited = heard & (now - feeds[:, admission.HEARD] <= admission.WAIT) & ~slower
        fronts = np.maximum(feeds[:, admission.NEWEST], now - delays)
        reached = int(fronts[awaited].min()) if awaited.any() else int((now - delays[heard]).max())
        self._released = reached - self._lateness

    def finish(self) -> None:
        """Let everything be taken that is held."""
        self._released = self.newest + 1

    def close(self, end: int) -> None:
        """Take no more readings of a window that ended then: its record is made."""
        self._state[admission.CLOSED] = max(int(self._state[admission.CLOSED]), end)

    def forget_clocks(self) -> None:
        """Begin anew with the clocks of all sources; nothing may be held."""
        late = self._state[admission.LATE]
        self._feeds[:] = 0
        self._feeds[:, [admission.NEWEST, admission.HEARD, admission.IMPLIED]] = admission.LONG_AGO
        self._feeds[:, [admission.YOUNG, admission.OLD]] = admission.NO_DELAY
        self._state[:] = admission.LONG_AGO
        self._state[admission.HELD] = self._ordered = 0
        self._state[admission.LATE] = late
        self._state[admission.IN_ORDER] = 1
        self._state[admission.STEPPED] = 0
        self._released = self._overflow = admission.LONG_AGO
        self._caught.clear()

    def drop(self, rows: int) -> None:
        """Let go of the first rows."""
        rest = self.rows - rows
        if rows:
            taken = int(self.time[rows - 1])
            self._state[admission.FRONTIER] = max(int(self._state[admission.FRONTIER]), taken)
            self.signal, self.time, self.received = self.signal[rows:], self.time[rows:], self.received[rows:]
            self.value, self.status = self.value[rows:], self.status[rows:]
        self._state[admission.HELD] = rest
        self._ordered = max(0, self._ordered - rows)
        if rest == 0:
            self._state[admission.IN_ORDER] = 1

    def _sort(self) -> None:
        """Put what is held in order; rows before the earliest new one stay where they are."""
        rows, start = self.rows, self._ordered
        first = int(self.time[:start].searchsorted(self.time[start:rows].min()))
        most = (rows - start) // _ROWS_A_MOVE
        if not admission.settle(self.signal, self.time, self.received, self.value, self.status, start, rows, most):
            order = self._order(slice(first, rows))
            for column in self._columns():
                column[first:rows] = column[first:rows][order]
        self._state[admission.IN_ORDER] = 1

    def _order(self, rows: slice) -> NDArray[np.int64]:
        """Return the canonical order of some rows.

        Time and signal make one number where they fit, which sorts far quicker, the more so as readings come in
        runs that are in order already. Rows that share both go by value and status.
        """
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
        """Make room for so many rows, those held included: at the beginning of the columns, or in longer ones."""
        room = len(self._whole[1])
        if 2 * rows > room:
            self._allocate(max(2 * rows, 2 * room))
        elif rows > len(self.time):
            self._move_to(self._whole)

    def _allocate(self, capacity: int) -> None:
        self._whole: Columns = (
            np.empty(capacity, dtype=np.int32),
            np.empty(capacity, dtype=np.int64),
            np.empty(capacity, dtype=np.int64),
            np.empty(capacity, dtype=np.float64),
            np.empty(capacity, dtype=np.uint32),
        )
        self._move_to(self._whole)

    def _move_to(self, columns: Columns) -> None:
        """Move what is held to the beginning of other columns, or of the same."""
        for column, held in zip(columns, self._columns(), strict=True):
            column[: self.rows] = held[: self.rows].copy()
        self.signal, self.time, self.received, self.value, self.status = columns

    def _columns(self) -> Columns:
        return self.signal, self.time, self.received, self.value, self.status
