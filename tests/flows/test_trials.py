"""A canary at a seat: its parts are its own, and it never costs a part its judgement."""

from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.errors import IntegrityError
from lineside.domain.model_service import Trouble
from lineside.domain.parts import PartRecord
from lineside.domain.releases.canary import Canary
from lineside.flows.seats import Seat, Seated
from lineside.flows.trials import MOST_SLOW, Trial
from lineside.ports import Judge, Judgement
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.modelling import modelling_plan, part_record

PLAN = modelling_plan(2)
PLACE = "press/porosity"
HALF = Canary(share=0.5)


def part(number: int) -> PartRecord:
    return part_record(PLAN, np.zeros(2), number)


class Raises:
    """A judge that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def judge(self, part: PartRecord, now: int) -> Judgement:
        del part, now
        raise self.error


def trial(judge: Judge, **more: object) -> Trial:
    return Trial(judge_with=judge, name="two", version=2, canary=HALF, place=PLACE, budget=10**9, **more)  # type: ignore[arg-type]


def seat(on_trial: Trial, champion: Judge | None = None) -> Seat:
    made = Seat("porosity", 10**9)
    if champion is not None:
        made.install(Seated(judge=champion, name="one", version=1))
    made.trial = on_trial
    return made


def test_a_canary_judges_its_own_parts_and_the_champion_the_others_and_both_see_all() -> None:
    champion, canary = FakeJudge("porosity", 1.0, 2), FakeJudge("porosity", 5.0, 2)
    one = seat(trial(canary), champion)
    found = [one.judge(part(number), number) for number in range(200)]
    assert {len(item) for item in found} == {1}
    by_canary = [number for number, (said,) in enumerate(found) if said.limit == 5.0]
    assert by_canary == [number for number in range(200) if HALF.takes(PLACE, part(number).unit)]
    assert 60 < len(by_canary) < 140
    assert one.trial is not None
    assert (one.trial.parts, one.trial.taken) == (200, len(by_canary))


@pytest.mark.parametrize("error", [IntegrityError("not a number"), RuntimeError("broken")])
def test_a_canary_that_fails_ends_and_the_champion_judges_that_same_part(error: Exception) -> None:
    one = seat(trial(Raises(error)), FakeJudge("porosity", 1.0, 2))
    for number in range(20):
        (said,) = one.judge(part(number), number)
        assert said.limit == 1.0
    assert one.trial is not None
    assert one.trial.trouble is Trouble.FAILED
    assert one.faults == []


def test_a_canary_that_is_too_slow_ends() -> None:
    moments = iter(range(0, 10**12, 2 * 10**9))
    slow = trial(FakeJudge("porosity", 5.0, 2), timer=lambda: next(moments))
    one = seat(slow, FakeJudge("porosity", 1.0, 2))
    for number in range(MOST_SLOW + 1):
        assert len(one.judge(part(number), number)) == 1
    assert slow.trouble is Trouble.SLOW


def test_without_a_champion_a_canary_judges_its_own_parts_and_the_others_wait() -> None:
    one = seat(trial(FakeJudge("porosity", 5.0, 2)))
    judged = sum(len(one.judge(part(number), number)) for number in range(50))
    assert judged == sum(HALF.takes(PLACE, part(number).unit) for number in range(50))
    assert one.waiting == 50 - judged
