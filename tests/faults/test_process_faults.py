"""A process stops for a while, runs out of descriptors, or is killed while another is away."""

from __future__ import annotations

import resource

import pytest

from lineside.testing.faults.rig import EDGE, NATS, SITE, MakeRig

pytestmark = pytest.mark.system


@pytest.mark.parametrize("part", [EDGE, SITE, NATS])
def test_a_process_that_hangs_for_a_while_costs_nothing(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    rig.start()
    other = EDGE if part != EDGE else SITE
    seen = len(rig.lines(other))
    with rig.paused(part):
        rig.until(lambda: len(rig.lines(other)) > seen + (60 if other == EDGE else 0))
    rig.progress(20)
    assert rig.account().is_whole


def test_killing_one_process_while_another_is_away_costs_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.start()
    for away, killed in ((NATS, EDGE), (SITE, EDGE), (NATS, SITE), (EDGE, SITE)):
        rig.end(away)
        rig.again(killed)
        rig.start_part(away)
        rig.progress(5)
    assert rig.account().is_whole


@pytest.mark.parametrize("part", [EDGE, SITE])
def test_a_process_without_descriptors_left_goes_on_when_it_has_some_again(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    rig.start()
    with rig.limited(part, resource.RLIMIT_NOFILE, 3):
        rig.again(NATS)
        rig.progress(30)
    assert rig.account().is_whole
