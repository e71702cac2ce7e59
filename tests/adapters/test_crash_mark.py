"""A crash while a model was at work is found at the next start; any other end is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lineside.adapters.crash_mark import TWICE_WITHIN, CrashMark

DIE = """
import os, signal, sys
from pathlib import Path
from lineside.adapters.crash_mark import CrashMark

mark = CrashMark.open(Path(sys.argv[1]), int(sys.argv[2]))
mark.enter()
if sys.argv[3] == "idle":
    mark.leave()
os.kill(os.getpid(), signal.SIGSEGV)
"""


def die(path: Path, now: int, how: str = "busy") -> None:
    subprocess.run([sys.executable, "-c", DIE, str(path), str(now), how], check=False, timeout=60)


def test_two_crashes_at_work_within_five_minutes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "seat" / "crashes"
    die(path, 0)
    die(path, 1_000)  # finds the first
    mark = CrashMark.open(path, 2_000)
    assert mark.crashed_twice()
    mark.forget()
    assert not mark.crashed_twice()
    assert not CrashMark.open(path, 3_000).crashed_twice()


def test_ends_for_other_reasons_blame_no_model(tmp_path: Path) -> None:
    for now in (0, 1, 2):
        die(tmp_path / "crashes", now, "idle")
    assert not CrashMark.open(tmp_path / "crashes", 3).crashed_twice()


def test_crashes_that_lie_far_apart_are_no_pattern(tmp_path: Path) -> None:
    die(tmp_path / "crashes", 0)
    die(tmp_path / "crashes", 1_000)
    assert not CrashMark.open(tmp_path / "crashes", 1_001 + TWICE_WITHIN).crashed_twice()


def test_a_disk_that_gives_no_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "seat").write_text("a file where the folder should be")
    mark = CrashMark.open(tmp_path / "seat" / "crashes", 1)
    mark.enter()
    mark.leave()
    assert not mark.crashed_twice()


def test_a_damaged_file_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "crashes").write_bytes(b"x" * 100)
    assert not CrashMark.open(tmp_path / "crashes", 1).crashed_twice()
