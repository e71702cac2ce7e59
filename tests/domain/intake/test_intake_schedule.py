"""When a machine is asked."""

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.schedule import Schedule


def test_slots_keep_their_distance_from_the_start_however_late_each_is_used() -> None:
    schedule = Schedule([("fast", 10)], start=100)
    used = []
    for now in (100, 113, 129, 130, 141):
        if schedule.next <= now:
            used.append(schedule.next)
            assert schedule.due(now) == ["fast"]
    assert used == [100, 110, 120, 130, 140]
    assert schedule.take_missed() == 0


def test_slots_that_passed_unused_are_left_out_and_counted_once() -> None:
    schedule = Schedule([("a", 10)], start=0)
    assert schedule.due(35) == ["a"]
    assert schedule.due(36) == []
    assert schedule.next == 40
    assert (schedule.take_missed(), schedule.take_missed()) == (3, 0)


def test_what_has_the_shorter_interval_comes_first() -> None:
    schedule = Schedule([("slow", 100), ("fast", 10)], start=0)
    assert schedule.due(0) == ["fast", "slow"]
    assert schedule.due(10) == ["fast"]


@given(st.integers(1, 1000), st.lists(st.integers(0, 5000), max_size=50))
def test_every_slot_is_used_or_counted_and_none_drifts(interval: int, steps: list[int]) -> None:
    schedule, now, used, missed = Schedule([("a", interval)], start=7), 7, 0, 0
    for step in steps:
        now += step
        used += len(schedule.due(now))
        missed += schedule.take_missed()
        assert schedule.next > now
        assert (schedule.next - 7) % interval == 0
        assert used + missed == (schedule.next - 7) // interval
