from __future__ import annotations

from typing import Any

import pytest

from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Plan
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan


def _plan(station: dict[str, Any] | None = None, **changes: Any) -> Plan:
    given = modelling_plan().model_dump(mode="json", exclude_none=True)
    given["stations"][0] |= station or {}
    return Plan.model_validate(given | changes)


def _two(plan: Plan) -> Plan:
    given = plan.model_dump(mode="json", exclude_none=True)
    given["characteristics"].append(given["characteristics"][0] | {"id": "second"})
    return Plan.model_validate(given)


def test_the_budget_of_a_shift_is_shared_over_the_characteristics_and_its_parts() -> None:
    plan = _two(_plan({"parts_per_hour": 60}, service_levels={"false_alarms_per_shift": 3}))
    allowed = false_alarms(plan, plan.characteristics[0])
    assert allowed.per_episode
    assert allowed.fold == 3
    assert allowed.rate == pytest.approx(1.5 / 480)
    assert allowed.per_shift == pytest.approx(1.5)
    assert "1.5 of the 3 alerts" in allowed.why


def test_the_longest_shift_counts() -> None:
    shifts = [{"id": "day", "starts": "06:00", "hours": 10}, {"id": "night", "starts": "16:00", "hours": 5}]
    plan = _plan({"parts_per_hour": 60}, shifts=shifts, service_levels={"false_alarms_per_shift": 3})
    assert false_alarms(plan, plan.characteristic(CHARACTERISTIC)).rate == pytest.approx(3 / 600)


def test_a_rate_that_the_plan_gives_holds_instead_and_is_one_of_parts() -> None:
    given = modelling_plan(model={"false_alarm_rate": 0.02})
    allowed = false_alarms(given, given.characteristic(CHARACTERISTIC))
    assert (allowed.rate, allowed.per_episode, allowed.fold, allowed.why) == (0.02, False, 0, "model.false_alarm_rate")


def test_a_plan_without_a_pace_has_the_usual_share_of_parts_and_says_so() -> None:
    plan = _plan()
    allowed = false_alarms(plan, plan.characteristic(CHARACTERISTIC))
    assert (allowed.rate, allowed.per_episode, allowed.per_shift) == (0.01, False, None)
    assert "does not say how many parts" in allowed.why


@pytest.mark.parametrize(("budget", "pace", "rate"), [(4, 1, 0.05), (0, 60, 1e-6)])
def test_neither_few_parts_nor_no_budget_make_a_limit_absurd(budget: float, pace: float, rate: float) -> None:
    plan = _plan({"parts_per_hour": pace}, service_levels={"false_alarms_per_shift": budget})
    assert false_alarms(plan, plan.characteristic(CHARACTERISTIC)).rate == rate
