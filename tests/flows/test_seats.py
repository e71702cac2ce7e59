"""Seats: no part is missed, none is judged by a mixture, and a model that fails gives way at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from lineside.domain.errors import IntegrityError
from lineside.domain.model_service import SeatState, Trouble
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.flows.seats import WAITING_PARTS, WARM_PARTS, Seat, Seated, StationSeats
from lineside.ports import Judge, Judgement
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.modelling import modelling_plan, part_record

PLAN = modelling_plan(2)
MILLISECOND = 1_000_000
LIVE = 10**18


def part(number: int, value: float = 0.0) -> PartRecord:
    return part_record(PLAN, np.array([value, 0.0]), number)


class Broken:
    """A judge that raises from a part on."""

    def __init__(self, error: Exception, from_part: int = 0) -> None:
        self.error = error
        self.left = from_part

    def judge(self, part: PartRecord, now: int) -> Judgement:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return FakeJudge("porosity", 1.0, 2).judge(part, now)


def caught_up(waiting: Seat | StationSeats, now: int, live_within: int = LIVE) -> list[Prediction]:
    return [item for judged in waiting.catch_up(now, live_within) for item in judged.predictions]


def good() -> FakeJudge:
    return FakeJudge("porosity", 1.0, 2)


def seated(judge: Judge, name: str, version: int = 1) -> Seated:
    return Seated(judge=judge, name=name, version=version)


def seat(**settings: object) -> Seat:
    return Seat("porosity", 100 * MILLISECOND, **settings)  # type: ignore[arg-type]


def test_parts_wait_for_the_first_model_and_are_judged_in_order_when_it_comes() -> None:
    one = seat()
    for number in (2, 0, 1):
        assert one.judge(part(number), 0) == ()
    assert (one.waiting, one.state) == (3, SeatState.EMPTY)
    assert one.catch_up(10**12, LIVE) == ()
    one.install(seated(good(), "m/1"))
    judged = caught_up(one, 10**12)
    assert [item.cycle_id for item in judged] == ["press-0", "press-1", "press-2"]
    assert not any(item.late for item in judged)
    assert one.catch_up(10**12, LIVE) == ()


def test_a_part_that_waited_too_long_to_be_live_is_judged_late() -> None:
    one = seat()
    one.judge(part(0), 0)
    one.judge(part(100), 0)
    one.install(seated(good(), "m/1"))
    now = part(100).ended
    assert [item.late for item in caught_up(one, now, 50 * 10**9)] == [True, False]


def test_more_parts_than_may_wait_are_counted() -> None:
    one = seat()
    one.wait(part(number) for number in range(WAITING_PARTS + 3))
    assert (one.waiting, one.unjudged) == (WAITING_PARTS, 3)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [(IntegrityError("no number"), Trouble.NOT_A_NUMBER), (RuntimeError("bad node"), Trouble.FAILED)],
)
def test_a_model_that_fails_gives_way_and_the_same_part_is_judged_by_the_fallback(
    error: Exception, trouble: Trouble
) -> None:
    one = seat()
    back = good()
    one.install(seated(Broken(error, 2), "m/2", 7), seated(back, "m/1", 7))
    judged = [one.judge(part(number), 0) for number in range(5)]
    assert all(len(item) == 1 for item in judged)
    assert one.state is SeatState.FALLBACK
    (fault,) = one.faults
    assert (fault.model, fault.version, fault.trouble, fault.now) == ("m/2", 7, trouble, "m/1")
    # The fallback was shown the newest parts before it took over, and judged the part that the other failed on.
    assert [item.cycle_id for item in back.judged] == [f"press-{n}" for n in (0, 1, 2, 3, 4)]


def test_a_fallback_that_fails_too_leaves_the_seat_empty_and_the_part_waits() -> None:
    one = seat()
    one.install(seated(Broken(RuntimeError("x")), "m/2"), seated(Broken(RuntimeError("y")), "m/1"))
    assert one.judge(part(0), 0) == ()
    assert (one.state, one.waiting, len(one.faults)) == (SeatState.EMPTY, 1, 2)
    one.install(seated(good(), "m/3"))
    assert len(one.catch_up(0, LIVE)) == 1


def test_without_a_fallback_parts_wait() -> None:
    one = seat()
    one.install(seated(Broken(RuntimeError("x")), "m/2"))
    assert one.judge(part(0), 0) == ()
    assert (one.state, one.waiting) == (SeatState.EMPTY, 1)


def ticking(*taken: int) -> Iterator[int]:
    now = 0
    for item in taken:
        yield now
        now += item
        yield now


def test_a_model_over_its_time_in_more_than_one_part_of_a_hundred_is_rolled_back() -> None:
    slow = [200 * MILLISECOND if number in {50, 100, 150} else MILLISECOND for number in range(160)]
    one = seat(timer=ticking(*slow).__next__)
    one.install(seated(good(), "m/2"), seated(good(), "m/1"))
    for number in range(150):
        assert len(one.judge(part(number), 0)) == 1
    assert one.state is SeatState.RUNNING
    assert len(one.judge(part(150), 0)) == 1  # judged late, and judged nevertheless
    assert (one.state, one.faults[0].trouble) == (SeatState.FALLBACK, Trouble.SLOW)
    assert "3 of 151 parts took longer than 100 ms" in one.faults[0].detail


def test_a_new_model_is_shown_the_newest_parts_before_it_judges() -> None:
    one = seat()
    one.install(seated(good(), "m/1"))
    for number in range(100):
        one.judge(part(number), 0)
    new = good()
    one.install(seated(new, "m/2"))
    assert [item.cycle_id for item in new.judged] == [f"press-{n}" for n in range(100 - WARM_PARTS, 100)]
    assert one.judge(part(100), 0)[0].cycle_id == "press-100"


def test_every_part_is_judged_by_exactly_one_model_across_a_hundred_exchanges() -> None:
    one = seat()
    models = [FakeJudge("porosity", float(version), 2) for version in range(100)]
    limits = []
    for version, model in enumerate(models):
        one.install(seated(model, f"m/{version}"))
        limits += [item.limit for number in range(3) for item in one.judge(part(3 * version + number), 0)]
    assert limits == [float(version) for version in range(100) for _ in range(3)]


def test_a_rollback_by_hand_takes_the_fallback_in() -> None:
    one = seat()
    assert one.roll_back(Trouble.BY_HAND, "nothing there") is None
    one.install(seated(good(), "m/2"), seated(good(), "m/1"))
    fault = one.roll_back(Trouble.BY_HAND, "asked for")
    assert fault is not None
    assert (fault.now, one.state) == ("m/1", SeatState.FALLBACK)


def test_a_refused_offer_leaves_the_seat_as_it_is() -> None:
    one = seat()
    one.install(seated(good(), "m/2"), seated(good(), "m/1"))
    one.refuse()
    assert (one.state, one.model and one.model.name) == (SeatState.RUNNING, "m/2")


def test_the_mark_is_set_while_a_model_works_and_at_no_other_time() -> None:
    class Noted:
        def __init__(self) -> None:
            self.at_work = False
            self.seen: list[bool] = []

        def enter(self) -> None:
            self.at_work = True

        def leave(self) -> None:
            self.at_work = False

    mark = Noted()

    class Looking(FakeJudge):
        def judge(self, part: PartRecord, now: int) -> Judgement:
            mark.seen.append(mark.at_work)
            return super().judge(part, now)

    one = seat(mark=mark)
    one.install(seated(Looking("porosity", 1.0, 2), "m/1"))
    one.judge(part(0), 0)
    assert (mark.seen, mark.at_work) == ([True], False)


def test_a_station_waits_only_for_the_characteristics_that_have_no_model() -> None:
    with_model, without = seat(), Seat("shrinkage", 100 * MILLISECOND)
    with_model.install(seated(good(), "m/1"))
    station = StationSeats([with_model, without])
    assert [item.characteristic for item in station.judge(part(0), 0).predictions] == ["porosity"]
    assert (with_model.waiting, without.waiting) == (0, 1)
    station.wait(part(1), ["shrinkage"])
    assert (with_model.waiting, without.waiting) == (1, 1)
    assert [item.cycle_id for item in caught_up(station, 0)] == ["press-1"]
