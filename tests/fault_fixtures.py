"""The rig of the fault tests, and what keeps the ones that need root or long out of the usual run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineside.testing.faults import disks
from lineside.testing.faults.links import FaultyLink
from lineside.testing.faults.rig import EDGE, MakeRig, Rig


@pytest.fixture
def make_rig(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[MakeRig]:
    """A function that makes a rig, its folders where the arguments say; every rig is ended with the test."""
    made: list[Rig] = []

    def make(**folders: Path) -> Rig:
        rig = Rig(tmp_path, free_port(), **folders)
        made.append(rig)
        return rig

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def linked(make_rig: MakeRig) -> Iterator[tuple[Rig, FaultyLink]]:
    """A running rig whose edge reaches the transport through a link that can be broken."""
    rig = make_rig()
    link = FaultyLink(rig.port)
    rig.server[EDGE] = link.url
    rig.start()
    yield rig, link
    link.close()


@pytest.fixture
def privileged() -> None:
    """Nothing, where disks can be mounted; else the test does not run, and says why."""
    if why := disks.missing():
        pytest.skip(why)
