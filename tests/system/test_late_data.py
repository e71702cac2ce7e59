"""A file that comes late, between real processes: its parts are made, judged and contained; nothing is live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineside.adapters.history_query import HistoryQuery
from running_line import READINGS_PER_CYCLE, RunningLine, eventually, running_line

pytestmark = pytest.mark.system

CYCLES = 20
CYCLE = READINGS_PER_CYCLE * 10_000_000


@pytest.fixture
def line(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[RunningLine]:
    with running_line(tmp_path, free_port()) as running:
        yield running


def test_a_late_file_completes_the_history_and_raises_nothing_live(line: RunningLine) -> None:
    line.deliver(CYCLES)
    held_back = line.measured
    line.measured += CYCLES * CYCLE
    line.deliver(CYCLES)
    eventually(lambda: len(line.rows("parts")) >= 2 * CYCLES - 1, saying=line.log)
    now, line.measured = line.measured, held_back
    line.deliver(CYCLES, die_temp=260.0)
    line.measured = now
    eventually(lambda: line.rows("late_readings"), saying=line.log)
    line.deliver(CYCLES)

    def made() -> list[dict[str, object]]:
        return [row for row in line.rows("parts") if row["writer"] == "correction"]

    eventually(lambda: len(made()) >= CYCLES, saying=line.log)
    assert all(row["late"] for row in made())
    parts = list(HistoryQuery(line.layout.history).parts("cast"))
    starts = [part.started for part in parts]
    assert len(set(starts)) == len(starts)
    assert sum(held_back <= start < held_back + CYCLES * CYCLE for start in starts) == CYCLES
    raised = eventually(lambda: [row for row in line.rows("alert_events") if row["writer"] == "correction"])
    assert {(row["late"], row["priority"]) for row in raised} == {(True, "advisory")}
    assert {row["id"] for row in raised} <= line.audited({"alert.raised", "alert.updated"})
