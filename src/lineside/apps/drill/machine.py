"""The machine of the drills: a process that writes files of readings into an inbox, and may be killed too.

A file appears whole, by a rename, or not at all, so what lies in the inbox is exactly what was delivered. Every
reading has a time of its own, so that each can be found again in the history. By its clock it makes 5,000 readings
a second, or a fraction of that; a clock that runs faster compresses the time.
"""

from __future__ import annotations

import csv
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from lineside.domain.readings import Float64, Int64
from lineside.domain.units import MILLISECOND, SECOND
from lineside.ports import Clock

SIGNALS: Final = ("die_temp", "flow", "running", "pressure", "hall_temp")
CYCLE_ROWS: Final = 100
_FILE_SECONDS: Final = 0.25
_HOT_SECONDS: Final = 2
_HOT_EVERY: Final = 7


def rows(first: int, count: int, spacing: int = 1) -> tuple[Int64, Float64]:
    """Return the times (UTC ns) and the values (a column per signal) of some rows, ``spacing`` milliseconds apart.

    ``first`` is the number of the first row since the epoch. Two thousand rows of every seven the die is too hot: an
    alert is due.
    """
    row = np.arange(first, first + count, dtype=np.int64)
    generator = np.random.default_rng(first)
    hot = row // 1000 % _HOT_EVERY < _HOT_SECONDS
    values = np.column_stack(
        [
            200 + 40 * hot + generator.normal(0, 2, count),
            12 - 4 * hot + generator.normal(0, 0.3, count),
            row % CYCLE_ROWS < CYCLE_ROWS - 20,
            800 + generator.normal(0, 5, count),
            23 + generator.normal(0, 0.1, count),
        ]
    )
    as_written = values.astype(np.float64).round(3)
    return row * spacing * MILLISECOND, as_written


def write_files(inbox: Path, clock: Clock, spacing: int = 1, keep: int = 0) -> Iterator[Path]:
    """Write a file of the last moments again and again, for ever; yield each path.

    ``spacing`` is that of `rows`. ``keep``, where it is not 0, is how many files stay: the oldest go.
    """
    done = clock.now() // (spacing * MILLISECOND)
    written: deque[Path] = deque()
    while True:
        time.sleep(_FILE_SECONDS)
        now = clock.now() // (spacing * MILLISECOND)
        if now == done:
            continue
        written.append(_write(inbox, done, now - done, spacing))
        yield written[-1]
        done = now
        while keep and len(written) > keep:
            written.popleft().unlink()


def files_in(inbox: Path) -> list[tuple[int, int]]:
    """Return of each file in the inbox the number of its first row and how many rows it has, in order."""
    return sorted((int(path.stem), len(path.read_bytes().splitlines()) - 1) for path in inbox.glob("*.csv"))


def count_delivered(inbox: Path) -> int:
    """Return how many readings lie in the inbox."""
    return sum(count for _, count in files_in(inbox)) * len(SIGNALS)


def _write(inbox: Path, first: int, count: int, spacing: int) -> Path:
    times, values = rows(first, count, spacing)
    target = inbox / f"{first}.csv"
    partial = target.with_suffix(".partial")
    with partial.open("w", newline="", encoding="ascii") as file:
        table = csv.writer(file)
        table.writerow(["time", *SIGNALS])
        for moment, row in zip(times.tolist(), values.tolist(), strict=True):
            stamp = datetime.fromtimestamp(moment / SECOND, tz=UTC).isoformat(timespec="milliseconds")
            table.writerow([stamp, *(f"{value:.3f}" for value in row)])
    partial.rename(target)
    return target
