"""The limit of `features`: a bare streaming kernel, arrival order, no lateness, phases, quality, duplicates or record.

Values and times of each signal's open cycle are kept; when a signal's next cycle begins, two passes over them and a
selection give its features. `fastmath` is allowed, so its last bits depend on how it was compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from measuring.clocks import per_cpu_second
from subjects.workload import BEGIN, CYCLE, PER_CYCLE, readings, summary

ROOM = PER_CYCLE + 20


@numba.njit(cache=True, fastmath=True)
def _nth(values, rank, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers
    first = 0
    while first < last:
        middle = values[(first + last) // 2]
        up, down = first, last
        while up <= down:
            while values[up] < middle:
                up += 1
            while middle < values[down]:
                down -= 1
            if up <= down:
                values[up], values[down] = values[down], values[up]
                up += 1
                down -= 1
        if rank <= down:
            last = down
        elif rank >= up:
            first = up
        else:
            break
    return values[rank]


@numba.njit(cache=True, fastmath=True)
def _features(values, times, count, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers
    total, total_time = 0.0, 0.0
    least, most = values[0], values[0]
    for index in range(count):
        total += values[index]
        total_time += times[index]
        least = min(least, values[index])
        most = max(most, values[index])
    mean, mean_time = total / count, total_time / count
    squares, cross, squares_time = 0.0, 0.0, 0.0
    for index in range(count):
        off, off_time = values[index] - mean, times[index] - mean_time
        squares += off * off
        cross += off * off_time
        squares_time += off_time * off_time
    place = 0.95 * (count - 1)
    below = int(place)
    low = _nth(values, below, count - 1)
    high = values[below + 1]
    for index in range(below + 2, count):
        high = min(high, values[index])
    row[0], row[1], row[2] = mean, least, most
    row[3] = np.sqrt(squares / (count - 1))
    row[4] = cross / squares_time
    row[5] = low + (place - below) * (high - low)


@numba.njit(cache=True, fastmath=True)
def _stream(signal, time, value, cycle_of, count, kept, kept_time, table):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba takes columns one by one
    for row in range(len(signal)):
        mine = signal[row]
        passed = time[row] - BEGIN
        cycle = passed // CYCLE
        if cycle != cycle_of[mine]:
            if count[mine]:
                _features(kept[mine], kept_time[mine], count[mine], table[cycle_of[mine], mine])
            cycle_of[mine], count[mine] = cycle, 0
        where = count[mine]
        kept[mine, where] = value[row]
        kept_time[mine, where] = (passed - cycle * CYCLE) * 1e-9
        count[mine] = where + 1


@numba.njit(cache=True, fastmath=True)
def finish(cycle_of, count, kept, kept_time, table):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - numba infers
    """Write the features of every signal's open cycle into ``table[cycle, signal]``."""
    for mine in range(len(count)):
        if count[mine]:
            _features(kept[mine], kept_time[mine], count[mine], table[cycle_of[mine], mine])


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the kernel over the work's readings, in the work's batches."""
    data, signals, batch = readings(work), int(work["signals"]), int(work["batch"])

    def run() -> dict[str, object]:
        cycle_of, count = np.zeros(signals, np.int64), np.zeros(signals, np.int64)
        kept, kept_time = np.empty((signals, ROOM)), np.empty((signals, ROOM))
        table = np.empty((int(work["cycles"]), signals, 6))
        for at in range(0, len(data.signal), batch):
            part = slice(at, at + batch)
            _stream(data.signal[part], data.time[part], data.value[part], cycle_of, count, kept, kept_time, table)
        finish(cycle_of, count, kept, kept_time, table)
        return dict(summary(table.reshape(-1, 6)))

    run()
    return per_cpu_second(len(data.signal), run)
