"""The power goes, or the process is killed, while a gateway exchanges its model: old or new, never neither."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lineside.adapters.model_slots import ModelSlots, SlotFiles
from lineside.testing.faults import disks

SWITCHING = """
import sys
from pathlib import Path
from lineside.adapters.model_slots import ModelSlots, Pointer, SlotFiles

slots, version = ModelSlots(Path(sys.argv[1])), 0
while True:
    version += 1
    files = SlotFiles(offer=b"%d" % version, model=b"%d" % version * 100_000, fallback=b"%d" % (version - 1) * 50_000)
    slots.point(Pointer(slot=slots.stage(files), use="model", seen=version))
    print(version, flush=True)
"""


def whole(folder: Path) -> int:
    """Return the version that a seat's folder holds, having checked that all of it is there."""
    slots = ModelSlots(folder)
    pointer = slots.pointer()
    version = pointer.seen
    if version:
        assert slots.read(pointer.slot) == SlotFiles(
            offer=b"%d" % version, model=b"%d" % version * 100_000, fallback=b"%d" % (version - 1) * 50_000
        )
    return version


def switching(folder: Path, until: Callable[[], None]) -> int:
    """Let a process switch over and over, do something to it, and return the last version that it said was durable."""
    process = subprocess.Popen([sys.executable, "-c", SWITCHING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        until()
    finally:
        process.kill()
    rest, _ = process.communicate(timeout=30)
    return max([1, *(int(line) for line in rest.splitlines() if line.strip())])


@pytest.mark.system
@pytest.mark.parametrize("seed", range(5))
def test_a_process_killed_at_a_random_moment_leaves_a_whole_model(tmp_path: Path, seed: int) -> None:
    said = switching(tmp_path / "seat", lambda: time.sleep(random.Random(seed).uniform(0.0, 0.3)))
    assert said <= whole(tmp_path / "seat") <= said + 1


@pytest.mark.system
@pytest.mark.drill
@pytest.mark.usefixtures("privileged")
@pytest.mark.parametrize("seed", range(20))
def test_a_power_cut_at_a_random_moment_leaves_a_whole_model(tmp_path: Path, seed: int) -> None:
    """Fault 8. What the process said was durable before the cut is there after it."""
    cuts: list[Path] = []
    with disks.power_cut_disk(tmp_path / "d", size_mb=64) as disk:

        def cut() -> None:
            time.sleep(random.Random(seed).uniform(0.0, 0.5))
            cuts.append(disk.cut())

        switching(disk.folder / "seat", cut)
        with disk.booted(cuts[0]) as after:
            assert whole(after / "seat") >= 1
