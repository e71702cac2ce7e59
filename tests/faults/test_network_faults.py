"""Packets are lost, late, doubled or out of order between gateway and plant: nothing else is (root; ``make drill``)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lineside.testing.faults import namespaces, wire
from lineside.testing.faults.namespaces import Namespace
from lineside.testing.faults.rig import EDGE, SITE, MakeRig, Rig
from lineside.testing.faults.wire import Roughness

pytestmark = [pytest.mark.system, pytest.mark.drill]


@pytest.fixture
def far(make_rig: MakeRig) -> Iterator[tuple[Rig, Namespace]]:
    """A running rig whose edge is in a namespace of its own."""
    if why := namespaces.missing():
        pytest.skip(why)
    with namespaces.namespace() as there:
        rig = rig_with_its_edge(there, make_rig)
        yield rig, there
        rig.close()


def rig_with_its_edge(there: Namespace, make_rig: MakeRig) -> Rig:
    rig = make_rig()
    rig.host = there.near
    rig.server = dict.fromkeys((EDGE, SITE), f"nats://{there.near}:{rig.port}")
    rig.prefix[EDGE] = there.prefix
    rig.start()
    return rig


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


@pytest.mark.parametrize(
    "rough",
    [
        Roughness(delay=0.05, jitter=0.045, overtakes=0.1),
        Roughness(doubled=0.3),
        Roughness(delay=0.15, jitter=0.02, lost=0.3),
        Roughness(delay=0.03, jitter=0.02, lost=0.05, doubled=0.05, overtakes=0.05),
    ],
    ids=["out of order", "doubled", "late, and a third lost", "all of it"],
)
def test_a_bad_wire_costs_nothing_but_time(make_rig: MakeRig, rough: Roughness) -> None:
    if why := namespaces.missing() or wire.missing():
        pytest.skip(why)
    with wire.wire(seed=1) as between:
        rig = rig_with_its_edge(between.there, make_rig)
        between.roughness = rough
        rig.progress(200)
        waiting = len(rig.acked())
        between.roughness = Roughness()
        rig.until(lambda: rig.held() >= waiting, within=60)
        assert rig.account().is_whole
        rig.close()
    did = (between.lost, between.doubled, between.overtaken)
    assert all(
        count > 0 for count, share in zip(did, (rough.lost, rough.doubled, rough.overtakes), strict=True) if share
    )
