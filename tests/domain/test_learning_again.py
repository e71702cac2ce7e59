"""Why a model is learned again, and why not."""

from __future__ import annotations

from dataclasses import replace

from lineside.domain.learning_again import Reason, Trigger, triggers
from lineside.domain.performance.report import Damage, PerformanceReport, Since, performance
from lineside.domain.plan.levels import LearnAgain
from lineside.domain.readiness import HeldOut
from lineside.domain.units import DAY
from lineside.testing.floors import sample_plan
from lineside.testing.judged_parts import made_of

NOW = 100 * DAY
HELD_OUT = HeldOut(scheme="by time", bad=100, found=90, good=1_000, false=1)


def _report(*damage: str, **since: int) -> PerformanceReport:
    made = performance(sample_plan(), "cast", "porosity", "m", made_of([0], [0], [0]), HELD_OUT, NOW)
    found = tuple(Damage(what=what, text=f"{what} is bad") for what in damage)
    return replace(made, damage=found, since=Since(learned=since.pop("learned", NOW - DAY), **since))


def _why(report: PerformanceReport, wish: LearnAgain | None = None) -> tuple[Trigger, ...]:
    return triggers(report, wish or LearnAgain(), 0.02, NOW)


def test_nothing_speaks_for_learning_a_sound_model_again() -> None:
    assert _why(_report(judged=5_000, bad=100)) == ()


def test_a_loss_of_recall_does_once_there_are_bad_parts_to_learn_from() -> None:
    (few,) = _why(_report("performance loss", bad=5))
    (enough,) = _why(_report("performance loss", bad=20))
    assert (few.reason, few.ready, few.waits) == (Reason.PERFORMANCE, False, "15 more bad parts whose truth has come")
    assert enough.ready


def test_after_a_change_only_parts_made_since_are_learned_from_now_and_ever_after() -> None:
    (waits,) = _why(_report("performance loss", bad=200, worse=7 * DAY, worse_bad=12))
    assert (waits.ready, waits.waits, waits.since) == (False, "8 more bad parts whose truth has come", 7 * DAY)
    (ready,) = _why(_report("performance loss", bad=200, worse=7 * DAY, worse_bad=20))
    assert (ready.ready, ready.since) == (True, 7 * DAY)
    (later,) = _why(_report("false alarms", learned_from=7 * DAY))
    assert later.since == 7 * DAY


def test_while_a_change_waits_for_material_nothing_else_sets_off_a_training_that_would_mix_before_and_since() -> None:
    report = _report("performance loss", "false alarms", judged=1_000, outside=50, worse=7 * DAY, worse_bad=12)
    found = _why(report)
    assert {item.reason for item in found} == {Reason.PERFORMANCE, Reason.LIMITS, Reason.COVERAGE}
    assert not any(item.ready for item in found)
    assert {item.waits for item in found} == {"8 more bad parts whose truth has come"}
    without = _report("performance loss", judged=1_000, outside=50, bad=5)  # a loss without a moment from which on
    assert {item.reason: item.ready for item in _why(without)}[Reason.COVERAGE]


def test_false_alarms_speak_for_new_limits_and_lateness_for_nothing() -> None:
    assert [item.reason for item in _why(_report("false alarms", "latency", "availability"))] == [Reason.LIMITS]


def test_parts_outside_of_experience_and_of_unknown_setups_do() -> None:
    assert [item.reason for item in _why(_report(judged=1_000, outside=50))] == [Reason.COVERAGE]
    assert [item.reason for item in _why(_report(judged=1_000, warming=300))] == [Reason.SETUPS]
    assert _why(_report(judged=50, outside=50)) == ()


def test_the_calendar_does_where_the_plan_says_so() -> None:
    old = _report(learned=NOW - 91 * DAY)
    assert _why(old) == ()
    assert [item.reason for item in _why(old, LearnAgain(every="90 d"))] == [Reason.SCHEDULE]
