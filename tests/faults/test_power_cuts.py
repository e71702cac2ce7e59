"""The power goes at a random moment: what was confirmed is there at the next start. Needs root (``make drill``)."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from lineside.testing.faults import disks
from lineside.testing.faults.rig import EDGE, NATS, SITE, MakeRig, Rig

pytestmark = [pytest.mark.system, pytest.mark.drill, pytest.mark.usefixtures("privileged")]


def copy_of(rig: Rig, part: str, folder: Path) -> None:
    """Let a part of the rig go on in a folder that a power cut has left."""
    rig.end(part)
    rig.folders[part] = folder / part
    rig.start_part(part)


def test_a_gateway_that_lost_power_has_all_that_it_confirmed(make_rig: MakeRig, tmp_path: Path, cut_seed: int) -> None:
    choose = random.Random(cut_seed)
    with disks.power_cut_disk(tmp_path / "d") as disk:
        rig = make_rig(edge=disk.folder / EDGE)
        rig.start()
        rig.end(NATS)  # so that what is lost at the edge is not yet anywhere else
        rig.progress(choose.randrange(5, 200))
        confirmed = rig.acked()
        cut = disk.cut()
        rig.end(EDGE)
        with disk.booted(cut) as after:
            rig.forget_acked_but(confirmed)
            rig.start_part(NATS)
            copy_of(rig, EDGE, after)
            assert rig.account().is_whole
            rig.close()


@pytest.mark.parametrize("seconds", [0, 0.1, 0.4, 1, 2, 5, 7, 20, 45])
def test_a_plant_that_lost_power_gets_again_what_it_had_not_kept(
    make_rig: MakeRig, tmp_path: Path, seconds: float
) -> None:
    with disks.power_cut_disk(tmp_path / "d") as disk:
        rig = make_rig(site=disk.folder / SITE)
        rig.start()
        time.sleep(seconds)  # the age of what lies in the kernel's memory is what is varied here
        rig.progress(30)
        cut = disk.cut()
        rig.end(SITE)
        with disk.booted(cut) as after:
            copy_of(rig, SITE, after)
            rig.progress(20)
            assert rig.account().is_whole
            rig.close()
