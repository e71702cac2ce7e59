"""Disks that are full, small, read-only, slow, or fail to sync: nothing that was confirmed is lost.

Those that only limit what a process may write run everywhere; those that mount disks or trace system calls need root
and run by ``make drill``.
"""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import pytest

from lineside.testing.faults import disks
from lineside.testing.faults.rig import EDGE, SITE, MakeRig, Rig

pytestmark = pytest.mark.system


@pytest.mark.parametrize("part", [EDGE, SITE])
def test_a_process_that_may_write_no_more_goes_on_when_it_may(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    rig.start()
    with rig.limited(part, resource.RLIMIT_FSIZE, 1000):
        if part == EDGE:
            rig.until(lambda: rig.refusals() >= 3)
        else:
            rig.progress(60)
    rig.progress(20)
    assert rig.account().is_whole


@pytest.mark.drill
@pytest.mark.usefixtures("privileged")
@pytest.mark.parametrize("part", [EDGE, SITE])
@pytest.mark.parametrize("what", ["space", "inodes"])
def test_a_full_disk_stops_confirming_and_nothing_else(make_rig: MakeRig, tmp_path: Path, part: str, what: str) -> None:
    with disks.small_disk(tmp_path / "small", size_mb=24, inodes=400) as small:
        rig = make_rig(**{part: small / part})
        rig.start()
        if what == "space":
            disks.fill(small)
        else:
            disks.use_up_inodes(small)
        if part == EDGE and what == "space":
            rig.until(lambda: rig.refusals() >= 3)
        else:
            rig.progress(60)
        disks.free(small)
        rig.progress(20)
        assert rig.account().is_whole
        rig.close()


@pytest.mark.drill
@pytest.mark.usefixtures("privileged")
@pytest.mark.parametrize("part", [EDGE, SITE])
def test_what_was_confirmed_before_a_disk_failed_is_there_after_it_was_mounted_again(
    make_rig: MakeRig, tmp_path: Path, part: str
) -> None:
    with disks.failing_disk(tmp_path / "d") as disk:
        rig = make_rig(**{part: disk / part})
        rig.start()
        disks.turn_read_only(disk)
        if part == EDGE:
            rig.until(lambda: rig.refusals() >= 3)
        else:
            rig.progress(60)
        rig.end(part)
        with disks.mounted_again(disk):
            rig.start_part(part)
            rig.progress(20)
            assert rig.account().is_whole
            rig.close()


def traced(rig: Rig, part: str, *injections: str) -> None:
    """Run a part under strace, which makes its system calls fail or dally."""
    rig.prefix[part] = ["strace", "-f", "-o", "/dev/null", *(f"--inject={item}" for item in injections)]


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.mark.drill
@needs_strace
@pytest.mark.parametrize("part", [EDGE, SITE])
def test_a_sync_that_fails_now_and_then_confirms_nothing_that_is_not_durable(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    traced(rig, part, "fsync,fdatasync:error=EIO:when=40+17")
    rig.start()
    rig.progress(60)
    rig.end(part)
    rig.prefix.clear()
    rig.start_part(part)
    assert rig.account().is_whole


@pytest.mark.drill
@needs_strace
@pytest.mark.parametrize("part", [EDGE, SITE])
def test_a_slow_disk_slows_and_loses_nothing(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    traced(rig, part, "fsync,fdatasync:delay_enter=500000:when=30+1")
    rig.start()
    rig.progress(20, within=120)
    rig.end(part)
    rig.prefix.clear()
    rig.start_part(part)
    assert rig.account().is_whole
