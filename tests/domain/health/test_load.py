"""What a gateway leaves out above the plan's ceilings: in order, counted, and not for ever."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.health.load import HOLD, RECOVER, SHEDDING, Detail, Shedder, Use
from lineside.domain.health.states import LEVELS, State, Subject
from lineside.domain.plan.gateway import Ceilings
from lineside.domain.units import SECOND

CEILINGS = Ceilings(cpu=80, memory=1_000_000_000, disk=95)
CALM = Use(cpu=10, memory=100_000_000, disk=50)
HIGH = Use(cpu=99, memory=100_000_000, disk=50)
NEAR = Use(cpu=79, memory=100_000_000, disk=50)


def after(shedder: Shedder, use: Use, seconds: int, begin: int) -> int:
    """Look once a second; return the time behind it."""
    for second in range(seconds):
        shedder.look(use, begin + second * SECOND)
    return begin + seconds * SECOND


def test_a_moment_above_is_nothing_and_five_seconds_are_a_step() -> None:
    shedder = Shedder(CEILINGS)
    now = after(shedder, HIGH, HOLD // SECOND, 0)
    assert shedder.step == 0
    after(shedder, HIGH, 1, now)
    assert shedder.step == 1


def test_detail_goes_in_the_stated_order_and_nothing_else_ever_goes() -> None:
    shedder = Shedder(CEILINGS)
    assert [detail for detail in Detail if shedder.sheds(detail)] == []
    gone = []
    for number in range(1, len(SHEDDING) + 2):
        after(shedder, HIGH, HOLD // SECOND + 1, number * 100 * SECOND)
        gone.append(sum(shedder.sheds(detail) for detail in Detail))
    assert shedder.step == len(SHEDDING)
    assert gone[-1] == len(Detail)
    assert gone == sorted(gone)


def test_it_comes_back_a_step_at_a_time_once_it_is_well_below_for_long() -> None:
    shedder = Shedder(CEILINGS)
    now = after(shedder, HIGH, 12, 0)
    assert shedder.step == 2
    now = after(shedder, NEAR, 300, now)
    assert shedder.step == 2, "just below the ceiling is not enough"
    now = after(shedder, CALM, RECOVER // SECOND, now)
    assert shedder.step == 2
    now = after(shedder, CALM, 1, now)
    assert shedder.step == 1
    after(shedder, CALM, RECOVER // SECOND + 1, now)
    assert shedder.step == 0


def test_every_ceiling_counts_and_is_named_with_what_goes_and_how_often() -> None:
    for use, word in ((HIGH, "processor at 99 %"), (Use(cpu=1, memory=2_000_000_000, disk=1), "memory at 2000 MB"),
                      (Use(cpu=1, memory=1, disk=96), "disk 96 % full")):  # fmt: skip
        shedder = Shedder(CEILINGS)
        after(shedder, use, 6, 0)
        shedder.sheds(Detail.LIVE)
        shedder.sheds(Detail.LIVE)
        assert shedder.finding.state is State.SHEDDING
        assert word in shedder.finding.reason
        assert "left out now: further sources, live messages for the board" in shedder.finding.reason
        assert "2 live messages for the board" in shedder.finding.reason


def test_the_load_knows_its_states() -> None:
    assert set(LEVELS[Subject.LOAD]) == {State.READY, State.SHEDDING}
    assert Shedder(CEILINGS).finding.state is State.READY


@given(st.lists(st.sampled_from([CALM, HIGH, NEAR]), max_size=200))
def test_it_never_moves_by_more_than_a_step_nor_twice_within_five_seconds(uses: list[Use]) -> None:
    shedder, steps = Shedder(CEILINGS), [0]
    for second, use in enumerate(uses):
        steps.append(shedder.look(use, second * SECOND))
    changes = [second for second in range(1, len(steps)) if steps[second] != steps[second - 1]]
    assert all(abs(steps[second] - steps[second - 1]) == 1 for second in changes)
    assert all(later - sooner >= HOLD // SECOND for sooner, later in itertools.pairwise(changes))
