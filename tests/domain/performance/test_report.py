"""A model in service as those see it who answer for it."""

from __future__ import annotations

import numpy as np

from lineside.domain.learning_again import triggers
from lineside.domain.performance.report import (
    LearnedFrom,
    PerformanceReport,
    performance,
    performance_lines,
    performance_objects,
)
from lineside.domain.plan.levels import LearnAgain
from lineside.domain.readiness import HeldOut
from lineside.domain.units import DAY, HOUR, SECOND
from lineside.testing.floors import sample_plan
from lineside.testing.judged_parts import made_of

RELEASED = HeldOut(scheme="by time", bad=200, found=180, good=5_000, false=5)


def _report(recall: float, *, cases: int = 200) -> PerformanceReport:
    parts = cases + 2_000
    bad = [1] * cases + [0] * 2_000
    alarm = [1] * round(recall * cases) + [0] * (parts - round(recall * cases))
    made = made_of(alarm, bad, [1] * parts)
    return performance(sample_plan(), "cast", "porosity", "porosity/1+abc", made, RELEASED, int(made.judged[-1]))


def test_a_certain_loss_of_recall_is_damage_with_its_price() -> None:
    (damage,) = [item for item in _report(0.4).damage if item.what == "performance loss"]
    assert "recall 40%" in damage.text
    assert "released with 90%" in damage.text
    assert damage.money is not None
    assert damage.money > 0


def test_a_loss_that_few_parts_show_is_none_yet() -> None:
    assert not [item for item in _report(0.6, cases=4).damage if item.what == "performance loss"]
    assert not [item for item in _report(0.9).damage if item.what == "performance loss"]


def test_a_loss_says_since_when_and_how_many_bad_parts_there_were() -> None:
    bad = [1] * 400 + [0] * 1_000
    made = made_of([1] * 190 + [0] * 1_210, bad, [1] * 1_400)
    learned = LearnedFrom(first=5, last=10 * SECOND)
    found = performance(sample_plan(), "cast", "porosity", "m", made, RELEASED, int(made.judged[-1]), learned)
    assert (found.since.learned, found.since.learned_from, found.since.bad) == (10 * SECOND, 5, 390)
    assert (found.since.worse, found.since.worse_bad) == (190 * SECOND, 210)


def test_late_judgements_burn_the_budget_of_latency() -> None:
    made = made_of([0] * 3_000, [0] * 3_000, [0] * 3_000)
    made.delay[:] = np.where(np.arange(3_000) % 3 == 0, 60 * SECOND, made.delay)
    found = performance(sample_plan(), "cast", "porosity", "m", made, RELEASED, int(made.judged[-1]))
    assert [item.what for item in found.damage] == ["latency"]


def test_inspection_that_has_gone_silent_is_damage_that_no_other_model_mends() -> None:
    made = made_of([0] * 600, [0] * 600, [1] * 500 + [0] * 100)
    found = performance(sample_plan(), "cast", "porosity", "m", made, RELEASED, int(made.judged[-1]) + 3 * HOUR)
    assert [item.what for item in found.damage] == ["no truth"]
    assert "no truth for 100 parts, for 3.03 h: of those before, 100% had one within 2 h" in found.damage[0].text
    assert found.of_the_model == ()
    assert triggers(found, LearnAgain(least_bad=1), 0.02, int(made.judged[-1])) == ()


def test_lines_and_objects_carry_coverage_and_lag_beside_the_figures() -> None:
    found = _report(0.4)
    text = "\n".join(performance_lines(found))
    assert "truth comes  after 2 h" in text
    assert "sources      contradict each other on 0 parts" in text
    assert "DAMAGE" in text
    assert performance_objects([found])[0]["measured"]["covered"]["of"] == 2_200


def test_parts_older_than_a_week_are_no_part_of_the_figures() -> None:
    made = made_of([1] * 100, [1] * 100, [1] * 100)
    found = performance(sample_plan(), "cast", "porosity", "m", made, RELEASED, int(made.judged[-1]) + 8 * DAY)
    assert found.measured.parts == 0
