"""Trees or normal: what is found within the budget decides, and only as far as the parts are worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lineside.domain.readings import Float64
from lineside.learn.compare import Comparison, Judged, compare
from lineside.learn.fit import FitRequest, _task, fit
from lineside.learn.learned import Task
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table

PERIODS = 4
GOOD = 1000
"""Good parts of each period."""


def some_task(rate: float, *, timed: bool = True) -> Task:
    plan = modelling_plan(2, model={"false_alarm_rate": rate})
    table = part_table(plan, np.random.default_rng(0).normal(size=(60, 2)), ["conforming"] * 60)
    return replace(_task(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table)), timed=timed)


def held_out(bad_of_each: int) -> Judged:
    """Return periods of good parts among which the bad ones are spread evenly."""
    each = np.zeros(GOOD + bad_of_each, dtype=np.bool_)
    each[np.linspace(0, len(each) - 1, bad_of_each + 2).astype(int)[1:-1]] = True
    bad = np.tile(each, PERIODS)
    return Judged(bad=bad, fold=np.repeat(np.arange(PERIODS), len(each)), group=np.full(len(bad), "", dtype=object))


def scores(judged: Judged, above: float, seed: int) -> Float64:
    """Return scores of which a bad part has that share of good parts above it."""
    drawn = np.random.default_rng(seed).random(len(judged.bad))
    drawn[judged.bad] = 1.0 - above
    return drawn


def compared(judged: Judged, first: Float64, second: Float64, rate: float = 0.01) -> Comparison:
    found = compare(some_task(rate), judged, first, second)
    assert found is not None
    return found


def test_what_ranks_bad_parts_first_is_clearly_better_though_the_areas_are_as_good_as_equal() -> None:
    judged = held_out(3)
    found = compared(judged, scores(judged, 0.0, 1), scores(judged, 0.03, 2))
    assert found.first.auc - found.second.auc < 0.05
    assert (found.first.found, found.second.found) == (1.0, 0.0)
    assert found.clear
    assert found.parts == 12
    assert found.first.per_thousand < found.second.per_thousand


def test_a_better_area_far_from_any_limit_is_no_reason() -> None:
    judged = held_out(3)
    found = compared(judged, scores(judged, 0.1, 1), scores(judged, 0.4, 2))
    assert found.first.auc > found.second.auc + 0.2
    assert found.gain == 0.0
    assert not found.clear


def test_two_bad_parts_that_come_one_after_the_other_are_worth_less_than_two_apart() -> None:
    apart = held_out(10)
    together = replace(apart, bad=np.concatenate([np.sort(row)[::-1] for row in apart.bad.reshape(PERIODS, -1)]))
    rng = np.random.default_rng(5)
    luck = np.repeat(rng.random(PERIODS) < 0.5, 10)
    errors = []
    for judged, lucky in ((apart, rng.permutation(luck)), (together, luck)):
        first = scores(judged, 0.5, 1)
        first[np.flatnonzero(judged.bad)[lucky]] = 1.0
        errors.append(compared(judged, first, scores(judged, 0.5, 2)).error)
    assert errors[1] > 1.5 * errors[0]


def test_a_budget_finer_than_the_good_parts_can_show_is_asked_at_ten_of_them() -> None:
    judged = held_out(3)
    assert compared(judged, scores(judged, 0.0, 1), scores(judged, 0.5, 2), rate=1e-5).rate == pytest.approx(0.01)
    assert compared(judged, scores(judged, 0.0, 1), scores(judged, 0.5, 2), rate=0.03).rate == pytest.approx(0.03)


def test_with_a_single_bad_part_there_is_nothing_to_compare() -> None:
    judged = held_out(1)
    only = replace(judged, bad=judged.bad & (judged.fold == 0))
    assert compare(some_task(0.01), only, scores(only, 0.0, 1), scores(only, 0.5, 2)) is None


def test_rare_defects_that_trees_know_are_learned_by_trees_though_good_parts_are_farther_from_normal() -> None:
    """Two signals together make the defect, each within its range; of good parts one in fifty is far off otherwise."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(3000, 6))
    features[rng.random(3000) < 0.02, 2:] *= 6.0
    bad = (features[:, 0] > 1.6) & (features[:, 1] < -1.0)
    bad[rng.choice(3000, 6, replace=False)] = True  # and some for no reason that a signal knows
    plan = modelling_plan(6, model={"false_alarm_rate": 0.01})
    table = part_table(plan, features, ["nonconforming" if item else "conforming" for item in bad])
    report = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table)).report
    assert report.family == "supervised"
    assert "independent ones" in report.reason
    assert [line.split("  ")[0] for line in report.trail] == ["boosted trees", "normal"]
    assert all("found within the budget" in line and "per 1,000 parts" in line for line in report.trail)
