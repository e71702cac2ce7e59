"""Packets are lost between gateway and plant, both ways or one: nothing else is. Needs root (``make drill``)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lineside.testing.faults import namespaces
from lineside.testing.faults.namespaces import Namespace
from lineside.testing.faults.rig import EDGE, SITE, MakeRig, Rig

pytestmark = [pytest.mark.system, pytest.mark.drill]


@pytest.fixture
def far(make_rig: MakeRig) -> Iterator[tuple[Rig, Namespace]]:
    """A running rig whose edge is in a namespace of its own."""
    if why := namespaces.missing():
        pytest.skip(why)
    with namespaces.namespace() as there:
        rig = make_rig()
        rig.host = there.near
        rig.server = dict.fromkeys((EDGE, SITE), f"nats://{there.near}:{rig.port}")
        rig.prefix[EDGE] = there.prefix
        rig.start()
        yield rig, there
        rig.close()


@pytest.mark.parametrize(
    ("percent", "arriving", "leaving"),
    [(30, True, True), (100, True, True), (100, True, False), (100, False, True)],
    ids=["a third of all", "all", "all towards the gateway", "all towards the plant"],
)
def test_packets_that_are_lost_cost_nothing_but_time(
    far: tuple[Rig, Namespace], percent: int, *, arriving: bool, leaving: bool
) -> None:
    rig, there = far
    there.lose(percent, arriving=arriving, leaving=leaving)
    rig.progress(200)
    waiting = len(rig.acked())
    there.mend()
    rig.until(lambda: rig.held() >= waiting, within=60)
    assert rig.account().is_whole
