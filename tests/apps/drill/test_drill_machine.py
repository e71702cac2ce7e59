from itertools import islice
from pathlib import Path

import numpy as np

from lineside.adapters.clocks import SystemClock
from lineside.apps.drill.machine import CYCLE_ROWS, SIGNALS, count_delivered, rows, write_files


def test_every_reading_has_a_time_of_its_own_and_cycles_repeat() -> None:
    times, values = rows(86_400_000, 10 * CYCLE_ROWS)
    assert len(np.unique(times)) == 10 * CYCLE_ROWS
    assert values.shape == (10 * CYCLE_ROWS, len(SIGNALS))
    assert np.flatnonzero(np.diff(values[:, 2]) > 0).tolist() == [CYCLE_ROWS * n - 1 for n in range(1, 10)]


def test_files_follow_each_other_without_a_gap_and_are_counted(tmp_path: Path) -> None:
    paths = list(islice(write_files(tmp_path, SystemClock()), 3))
    lines = [path.read_text().splitlines() for path in paths]
    assert count_delivered(tmp_path) == sum(len(found) - 1 for found in lines) * len(SIGNALS)
    assert [int(path.stem) + len(found) - 1 for path, found in zip(paths[:-1], lines, strict=False)] == [
        int(path.stem) for path in paths[1:]
    ]
    assert not list(tmp_path.glob("*.partial"))
