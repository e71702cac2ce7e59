"""Which readings of a station still count, and how far its sources have come: compiled, a reading at a time.

Theory of operation. The readings of a station come from one or several sources, its *feeds*. Each feed has a front:
the newest source time that it has sent. A feed that is slower than the others is waited for by as much as its readings
usually take longer, so the front of a feed that has not spoken yet is put where it would be by the receiver's time: the
receive time of the newest reading of another feed, less the feed's own least delay. The *watermark* of the station is
the least front of the feeds that are waited for, less the plan's lateness; it never goes back. A reading that is
older than the watermark at its arrival is late. All this depends on the order of arrival and on the readings' own times
alone, never on batches.

Not waited for is a feed that was never heard, that has been silent for `WAIT`, or that is slower by more than `WAIT`
than the feed that delimits the cycle: a dead source, or one with a wrong clock, does not hold the line.

Two things guard against a clock that is set. A delay that has grown by more than `WAIT` from one reading to the next
is the new least delay at once: the receiver's clock has been set forward, or the feed has stalled. And where every
reading of a feed is late and older than the feed itself was, for `PROOF`, and always by the same delay (within
`STEADY`), its clock has been set back: the kernel stops and says so. What a buffer brings comes by many delays.

While nothing arrives, time passes all the same (`Holding.advance`) and readings before ``released`` are taken. What
comes after that is not late as long as it is in order.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from lineside.domain.readings import Float64, Int32, Int64, UInt32
from lineside.domain.units import MILLISECOND, MINUTE, SECOND

WAIT: Final = MINUTE
"""How long a source is waited for that is slower than the others, or has fallen silent."""
EQUALLY_QUICK: Final = 20 * MILLISECOND
"""Sources whose least delays differ by less are not waited for: the plan's lateness is for that."""
PROOF: Final = 10 * SECOND
"""Receive time for which everything of a source must be late to prove that its clock was set back."""
PROOF_READINGS: Final = 8
STEADY: Final = PROOF // 2
"""How far apart the delays of readings may lie that all come by the same one."""
DELAY_READINGS: Final = 16
"""The least delay is that of the last one to two times as many readings."""

# Columns of ``feeds``, one row per source of the station.
NEWEST: Final = 0  # newest source time
HEARD: Final = 1  # newest receive time
IMPLIED: Final = 2  # where its front must be by the receiver's time
YOUNG: Final = 3  # least delay of the readings since the last turn
OLD: Final = 4  # least delay of the readings before that
COUNT: Final = 5  # readings since the last turn
RUN: Final = 6  # late readings in a row
RUN_HEARD: Final = 7  # receive time of the first of them
RUN_LEAST: Final = 8  # least delay of them
RUN_MOST: Final = 9  # greatest delay of them
FEED_COLUMNS: Final = 10

# Places of ``state``.
HELD: Final = 0  # rows held
WATERMARK: Final = 1
LATE: Final = 2  # readings that were late
FRONTIER: Final = 3  # newest source time of what may have been taken before ``released``
CLOSED: Final = 4  # end of the newest window that was closed
IN_ORDER: Final = 5  # whether the held rows are in canonical order
LATEST: Final = 6  # newest source time of all feeds
STEPPED: Final = 7  # whether the last row proved that a source's clock was set back
STATE_PLACES: Final = 8

LONG_AGO: Final = np.iinfo(np.int64).min // 4
NO_DELAY: Final = np.iinfo(np.int64).max // 4


@numba.njit(cache=True, nogil=True)
def least_delay(feeds: Int64, feed: int):  # type: ignore[no-untyped-def]  # noqa: ANN201 - numba infers it
    """Return the least delay between source and receive time of a feed's last readings; may be negative."""
    return min(feeds[feed, YOUNG], feeds[feed, OLD])


@numba.njit(cache=True, nogil=True)
def reference_delay(feeds: Int64, delimiter: int):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as above
    """Return the delay that the others are held against: the delimiting feed's, else the one nearest to none."""
    if delimiter >= 0 and feeds[delimiter, HEARD] != LONG_AGO:
        return least_delay(feeds, delimiter)
    nearest = NO_DELAY
    for feed in range(len(feeds)):
        delay = least_delay(feeds, feed)
        if feeds[feed, HEARD] != LONG_AGO and abs(delay) < abs(nearest):
            nearest = delay
    return nearest


@numba.njit(cache=True, nogil=True)
def front(feeds: Int64, delimiter: int, now: int, speaking: int):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as above
    """Return the least front of the feeds that are waited for at receive time ``now``; `LONG_AGO` if there is none.

    ``speaking`` is the feed whose reading has just come, -1 where only time passes.
    """
    least, found = NO_DELAY, False
    reference = reference_delay(feeds, delimiter)
    for feed in range(len(feeds)):
        if feeds[feed, HEARD] == LONG_AGO:
            continue
        if feed != speaking and (now - feeds[feed, HEARD] > WAIT or least_delay(feeds, feed) - reference > WAIT):
            continue
        least, found = min(least, max(feeds[feed, NEWEST], feeds[feed, IMPLIED])), True
    return least if found else LONG_AGO


@numba.njit(cache=True, nogil=True)
def imply(feeds: Int64, speaking: int, received: int):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as above
    """Move the fronts of the feeds that did not speak to where they must be when another spoke."""
    own = least_delay(feeds, speaking)
    for feed in range(len(feeds)):
        if feed != speaking and feeds[feed, HEARD] != LONG_AGO:
            delay = least_delay(feeds, feed)
            feeds[feed, IMPLIED] = received - (delay if delay - own > EQUALLY_QUICK else min(delay, own))


@numba.njit(cache=True, nogil=True)
def _hear(feeds, feed, time, received):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    delay = received - time
    if feeds[feed, HEARD] != LONG_AGO and delay - least_delay(feeds, feed) > WAIT:
        feeds[feed, YOUNG], feeds[feed, OLD] = delay, NO_DELAY
    feeds[feed, HEARD] = received
    feeds[feed, YOUNG] = min(feeds[feed, YOUNG], delay)
    feeds[feed, COUNT] += 1
    if feeds[feed, COUNT] >= DELAY_READINGS:
        feeds[feed, OLD] = feeds[feed, YOUNG]
        feeds[feed, YOUNG] = NO_DELAY
        feeds[feed, COUNT] = 0


@numba.njit(cache=True, nogil=True)
def _proves_a_step(feeds, feed, time, received):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Count a late reading; say whether the late ones in a row prove that the source's clock was set back.

    One that comes by another delay than those before begins the row anew.
    """
    if time >= feeds[feed, NEWEST]:
        return False
    delay = received - time
    least, most = min(feeds[feed, RUN_LEAST], delay), max(feeds[feed, RUN_MOST], delay)
    if feeds[feed, RUN] == 0 or most - least > STEADY:
        feeds[feed, RUN], feeds[feed, RUN_HEARD], least, most = 0, received, delay, delay
    feeds[feed, RUN_LEAST], feeds[feed, RUN_MOST] = least, most
    feeds[feed, RUN] += 1
    return feeds[feed, RUN] >= PROOF_READINGS and received - feeds[feed, RUN_HEARD] >= PROOF


@numba.njit(cache=True, nogil=True)
def admit(  # type: ignore[no-untyped-def]  # noqa: ANN201, PLR0913, PLR0917 - numba takes columns one by one
    local: Int32,
    feed_of: Int32,
    delimiter: int,
    lateness: int,
    released: int,
    start: int,
    signal: Int32,
    source_time: Int64,
    receive_time: Int64,
    value: Float64,
    status: UInt32,
    to_signal: Int32,
    to_time: Int64,
    to_received: Int64,
    to_value: Float64,
    to_status: UInt32,
    feeds: Int64,
    state: Int64,
    late: Int64,
):
    """Append the station's readings to those held, from row ``start`` on; leave out, count and mark what is late.

    ``late`` says of each that is how far the station had been taken when it came, and `LONG_AGO` of the others.
    Returns the row to go on from: behind the last, or sooner where that reading proves that a clock was set back.
    """
    several = len(feeds) > 1
    for row in range(start, len(signal)):
        late[row], code = LONG_AGO, signal[row]
        if code < 0 or code >= len(local) or local[code] < 0:
            continue
        mine, time, received = local[code], source_time[row], receive_time[row]
        feed = feed_of[mine] if several else 0
        _hear(feeds, feed, time, received)
        taken = time < released and time < state[FRONTIER]
        if time < state[WATERMARK] or time < state[CLOSED] or taken:
            state[LATE] += 1
            late[row] = max(state[WATERMARK], state[CLOSED], state[FRONTIER] if taken else LONG_AGO)
            if _proves_a_step(feeds, feed, time, received):
                state[STEPPED] = 1
                return row + 1
            continue
        feeds[feed, RUN] = 0
        feeds[feed, NEWEST] = max(feeds[feed, NEWEST], time)
        state[LATEST] = max(state[LATEST], time)
        if time < released:
            state[FRONTIER] = max(state[FRONTIER], time)
        if several:
            imply(feeds, feed, received)
            reached = front(feeds, delimiter, received, feed) - lateness
        else:
            reached = feeds[feed, NEWEST] - lateness
        state[WATERMARK] = max(state[WATERMARK], reached)
        held = state[HELD]
        if held > 0 and state[IN_ORDER]:
            before = to_time[held - 1]
            state[IN_ORDER] = time > before or (time == before and mine > to_signal[held - 1])
        to_signal[held] = mine
        to_time[held] = time
        to_received[held] = received
        to_value[held] = value[row]
        to_status[held] = status[row]
        state[HELD] = held + 1
    return len(signal)


@numba.njit(cache=True, nogil=True, inline="always")
def _in_order(signal, time, value, status, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return whether a row and the next are in canonical order, or alike; what is no number is behind its signal's."""
    if time[row] != time[row + 1]:
        return time[row] < time[row + 1]
    if signal[row] != signal[row + 1]:
        return signal[row] < signal[row + 1]
    one, other = value[row], value[row + 1]
    if one == other or (np.isnan(one) and np.isnan(other)):
        return status[row] <= status[row + 1]
    return one < other or np.isnan(other)


@numba.njit(
    numba.boolean(
        numba.int32[::1],
        numba.int64[::1],
        numba.int64[::1],
        numba.float64[::1],
        numba.uint32[::1],
        numba.int64,
        numba.int64,
        numba.int64,
    ),  # compiled on import: it is first needed amid a stream, which would have to wait for it
    cache=True,
    nogil=True,
)
def settle(  # type: ignore[no-untyped-def]  # noqa: ANN201 - as above
    signal: Int32,
    time: Int64,
    received: Int64,
    value: Float64,
    status: UInt32,
    start: int,
    rows: int,
    most: int,
):
    """Put nearly ordered rows in canonical order, one after another where it belongs; those before ``start`` are.

    Rows that are alike keep their order (insertion sort). Returns whether it was done: not where rows would have to
    move by more than ``most`` places in all; then each is still there, and all have to be sorted.
    """
    for row in range(max(start, 1), rows):
        if time[row - 1] < time[row]:
            continue
        at = row - 1
        while at >= 0 and not _in_order(signal, time, value, status, at):
            signal[at], signal[at + 1] = signal[at + 1], signal[at]
            time[at], time[at + 1] = time[at + 1], time[at]
            received[at], received[at + 1] = received[at + 1], received[at]
            value[at], value[at + 1] = value[at + 1], value[at]
            status[at], status[at + 1] = status[at + 1], status[at]
            at -= 1
            most -= 1
            if most < 0:
                return False
    return True
