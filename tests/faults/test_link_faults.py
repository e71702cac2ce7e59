"""The link between gateway and plant is cut, silent one way, reset, slow: it comes back, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from lineside.testing.faults.links import BadNetwork, FaultyLink
from lineside.testing.faults.rig import Rig

pytestmark = pytest.mark.system

BACK_WITHIN = 10.0
"""Seconds within which what was accepted before the link's return is on its way into the history again."""


def cut(link: FaultyLink) -> None:
    link.cut()


def silent_towards_the_plant(link: FaultyLink) -> None:
    link.silent_up = True


def silent_towards_the_gateway(link: FaultyLink) -> None:
    link.silent_down = True


def slow_and_in_pieces(link: FaultyLink) -> None:
    link.delay, link.piece = 0.02, 700


@pytest.mark.parametrize("fault", [cut, silent_towards_the_plant, silent_towards_the_gateway, slow_and_in_pieces])
def test_what_is_accepted_while_the_link_is_bad_arrives_once_when_it_is_good_again(
    linked: tuple[Rig, FaultyLink], fault: Callable[[FaultyLink], None]
) -> None:
    rig, link = linked
    fault(link)
    rig.progress(60)
    waiting, mended = len(rig.acked()), time.monotonic()
    link.mend()
    rig.until(lambda: rig.held() >= waiting, within=3 * BACK_WITHIN)
    assert time.monotonic() - mended < 3 * BACK_WITHIN
    assert rig.account().is_whole


def test_connections_reset_in_mid_message_cost_nothing(linked: tuple[Rig, FaultyLink]) -> None:
    rig, link = linked
    for _ in range(10):
        link.piece = 300
        rig.progress(5)
        link.reset()
    link.mend()
    assert rig.account().is_whole


@pytest.mark.parametrize("seed", range(2))
def test_a_bad_network_costs_nothing_but_time(linked: tuple[Rig, FaultyLink], seed: int) -> None:
    rig, link = linked
    link.bad, link.piece = BadNetwork(seed), 1_400
    bad = link.bad
    rig.progress(100)
    rig.until(lambda: bad.resets >= 2, within=120)
    waiting = len(rig.acked())
    link.mend()
    rig.until(lambda: rig.held() >= waiting, within=6 * BACK_WITHIN)
    assert rig.account().is_whole
