from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.cost_words import cost_lines, cost_object, cost_table, shown_places
from lineside.domain.costs import CostReport, cost_curve, cost_report
from lineside.domain.metrics.episodes import episodes_of
from lineside.domain.plan.budget import FalseAlarms
from lineside.domain.plan.model import Cost

PRICES = Cost(escape=70.0, false_alarm=20.0, currency="CHF")
PARTS = FalseAlarms(rate=0.1, shift_parts=400.0, why="a test")
ALERTS = FalseAlarms(rate=0.1, shift_parts=400.0, why="a test", fold=2)
ROWS = st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 1)), min_size=1, max_size=30)
Row = tuple[int, bool, int]


def columns(rows: list[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, bad and group of rows; rows of a group stand together."""
    rows = sorted(rows, key=lambda row: row[2])
    group = np.array([str(row[2]) for row in rows], dtype=object)
    return np.array([row[0] for row in rows], dtype=np.float64), np.array([row[1] for row in rows]), group


def made(rows: list[Row], alarms: FalseAlarms, budget: float) -> CostReport:
    scores, bad, group = columns(rows)
    curve = cost_curve(scores, bad, group, prices=PRICES, alarms=alarms, limits=(budget,))
    return cost_report(curve, bad, group, chosen=budget, budget=budget)


def by_hand(rows: list[Row], limit: float) -> float:
    scores, bad, _ = columns(rows)
    return 70.0 * float(np.sum(bad & (scores <= limit))) + 20.0 * float(np.sum(~bad & (scores > limit)))


def false_alerts(rows: list[Row], limit: float) -> int:
    scores, bad, group = columns(rows)
    return sum(not bad[item.first] for item in episodes_of(scores > limit, list(group), ALERTS.fold))


@given(ROWS, st.integers(0, 9))
def test_no_limit_within_the_budget_costs_less_than_the_one_chosen(rows: list[Row], budget: int) -> None:
    within = made(rows, PARTS, float(budget)).within
    assert within.limit is not None
    assert within.limit >= budget
    assert by_hand(rows, within.limit) == min(by_hand(rows, limit) for limit in np.arange(budget, 11.0))
    assert within.per_thousand == pytest.approx(1000 * by_hand(rows, within.limit) / len(rows))


@given(ROWS, st.integers(0, 9))
def test_of_equally_cheap_limits_the_highest_is_chosen(rows: list[Row], budget: int) -> None:
    within = made(rows, PARTS, float(budget)).within
    assert within.limit is not None
    higher = [limit for limit in np.arange(11.0) if limit > within.limit and limit in columns(rows)[0]]
    assert all(by_hand(rows, limit) > by_hand(rows, within.limit) for limit in higher)


@given(ROWS, st.integers(0, 9))
def test_false_alarms_are_counted_as_alerts_fold_them_and_merging_is_no_saving(rows: list[Row], budget: int) -> None:
    curve = made(rows, ALERTS, float(budget)).curve
    raised = [false_alerts(rows, limit) for limit in curve.limit]
    most = max(place for place, count in enumerate(raised) if count == max(raised))
    for place in range(most, len(raised)):
        assert curve.false_alarms[place] == max(raised[place:])
    scores, bad, _ = columns(rows)
    for place in range(most):
        further = np.sum(~bad & (scores > curve.limit[place]) & (scores <= curve.limit[most]))
        assert curve.false_alarms[place] == raised[most] + further


@given(ROWS, st.integers(0, 9))
def test_the_budget_costs_what_the_cheapest_limit_of_all_would_save(rows: list[Row], budget: int) -> None:
    report = made(rows, ALERTS, float(budget))
    assert report.cheapest.per_thousand == pytest.approx(report.curve.per_thousand.min())
    assert report.budget_costs >= 0
    assert report.chosen.per_thousand >= report.within.per_thousand >= report.cheapest.per_thousand


@given(ROWS)
def test_the_least_limit_within_the_budget_is_the_least(rows: list[Row]) -> None:
    curve = made(rows, ALERTS, 5.0).curve
    allowed = 0.1 * (curve.parts - curve.bad)
    budget = curve.at(curve.within_budget())
    assert curve.false_alarms[budget] <= allowed
    assert budget == 0 or curve.false_alarms[budget - 1] > allowed


def test_a_bad_part_escapes_until_enough_parts_in_a_row_raise_an_alert() -> None:
    scores, bad = np.array([0.0, 5.0, 5.0, 5.0]), np.array([False, True, True, True])
    alarms = FalseAlarms(rate=0.1, shift_parts=None, why="", fold=2, raise_after=3)
    curve = cost_curve(scores, bad, ["a"] * 4, prices=PRICES, alarms=alarms, limits=(1.0,))
    assert curve.escapes[curve.at(1.0)] == 2


# -- a line of 200 parts: a bad one in twenty, most of them high --

LINE: list[Row] = [(9 if i % 40 == 0 else 4 if i % 20 == 0 else i % 7, i % 20 == 0, 0) for i in range(200)]


def test_always_never_and_a_clock_cost_what_they_leave_and_stop() -> None:
    always, never, clock = made(LINE, ALERTS, 5.0).trivial
    assert (always.escapes, always.false_alarms, always.per_thousand) == (0, 190, 190 * 20 * 5)
    assert (never.escapes, never.false_alarms, never.per_thousand) == (10, 0, 10 * 70 * 5)
    assert (clock.name, clock.escapes, clock.false_alarms) == ("alarm after 200", 10, 0)


def test_a_shift_costs_as_much_as_its_parts() -> None:
    report = made(LINE, PARTS, 5.0)
    for point in report.points:
        assert point.per_shift == pytest.approx(point.per_thousand * 0.4)


def test_without_the_parts_of_a_shift_only_a_thousand_parts_have_a_cost() -> None:
    report = made(LINE, FalseAlarms(rate=0.1, shift_parts=None, why="a test"), 5.0)
    assert {point.per_shift for point in report.points} == {None}
    assert "shift" not in " ".join(cost_lines(report))
    assert len(cost_table(report)[0]) == len(cost_table(report)[1][0])


def test_at_another_share_of_bad_parts_escapes_and_false_alarms_are_as_expected_there() -> None:
    curve = made(LINE, PARTS, 5.0).curve
    rarer = curve.at_share(0.005)
    assert rarer.escapes[-1] == pytest.approx(1.0)
    assert rarer.false_alarms[0] == pytest.approx(199.0)
    assert rarer.limit[rarer.cheapest()] >= curve.limit[curve.cheapest()]


def test_the_lines_name_the_choice_the_cheapest_the_price_of_the_budget_and_the_share() -> None:
    chosen, beside, trivial, share = cost_lines(made(LINE, PARTS, 7.0))
    assert chosen.startswith("at 7: 1,750 CHF per 1,000 parts (700 a shift); 5 of 10 bad parts escape")
    assert chosen.endswith("0 good parts in alarm, of 200 parts")
    assert beside.endswith("the budget costs nothing")
    assert beside.startswith("none within the budget is cheaper; cheapest of all: 7")
    assert "never alarm: 3,500 CHF" in trivial
    assert share.startswith("5.00% of the 200 parts counted are bad, and production is taken to be so")


def test_a_budget_that_excludes_a_cheaper_limit_is_priced() -> None:
    dear = Cost(escape=1000.0, false_alarm=1.0)
    scores, bad, group = columns(LINE)
    curve = cost_curve(scores, bad, group, prices=dear, alarms=PARTS, limits=(7.0,))
    report = cost_report(curve, bad, group, chosen=7.0, budget=7.0)
    assert report.cheapest.limit == 3.0
    assert report.budget_costs == pytest.approx(5 * 1000 * 5 - report.cheapest.false_alarms * 5)
    assert "the budget costs" in cost_lines(report)[1]


def test_the_points_written_down_hold_those_that_are_named() -> None:
    report = made(LINE, PARTS, 5.5)
    limits = [point["limit"] for point in cost_object(report)["curve"]]
    assert {5.5, report.within.limit, report.cheapest.limit} <= set(limits)
    assert len(shown_places(report)) == len(limits)
