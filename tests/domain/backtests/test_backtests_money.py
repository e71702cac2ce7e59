"""What a backtest's limits cost, and how its reports show it."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np

from backtest_plans import SECOND, make_plan
from lineside.domain.backtests.cost_plot import cost_plot
from lineside.domain.backtests.figures import FigureOptions, figures
from lineside.domain.backtests.judged import Judged
from lineside.domain.backtests.money import above_limit, money_of
from lineside.domain.backtests.report import html, markdown
from lineside.domain.backtests.result import BacktestResult, json_object
from lineside.domain.costs import CostReport
from lineside.domain.plan.model import AlertDelays, Cost
from lineside.domain.splits import Protocol

COST = Cost(escape=50.0, false_alarm=5.0, currency="CHF")
PLAN = make_plan()
STATION = PLAN.stations[0].model_copy(update={"parts_per_hour": 100.0})
CHARACTERISTIC = PLAN.characteristics[0].model_copy(update={"cost": COST, "alert": AlertDelays(clear_after=2)})
PACED = PLAN.model_copy(update={"stations": (STATION,), "characteristics": (CHARACTERISTIC,)})
GOOD, BAD = "conforming", "nonconforming"


def make_judged(scores: list[float], outcome: list[str], limit: list[float]) -> Judged:
    count, score, line = len(scores), np.array(scores), np.array(limit)
    alarm, nothing = score > line, np.full(count, np.nan)
    return Judged(
        unit=tuple(f"u{i}" for i in range(count)),
        time=np.arange(count, dtype=np.int64) * SECOND,
        group=("g",) * count,
        score=score,
        limit=line,
        alarm=alarm,
        raised=alarm,
        state=tuple("alarm" if on else "normal" for on in alarm),
        predicted=("",) * count,
        outcome=tuple(outcome),
        risk=nothing,
        low=nothing,
        high=nothing,
    )


# Two alarms on good units that one alert folds, a bad unit just below its limit, and one far above.
JUDGED = make_judged(
    [3.0, 3.0, 0.0, 0.0, 9.0, 9.0, 0.0], [GOOD, GOOD, GOOD, GOOD, BAD, BAD, ""], [2.0] * 5 + [10.0] * 2
)


def costs(judged: Judged = JUDGED) -> CostReport:
    report = money_of(PACED, CHARACTERISTIC, judged, after=3)
    assert report is not None
    return report


def test_the_limits_in_force_cost_what_they_let_pass_and_the_alerts_they_raised() -> None:
    report = costs()
    assert (report.chosen.limit, report.chosen.escapes, report.chosen.false_alarms) == (0.0, 1, 1)
    assert math.isclose(report.chosen.per_thousand, (50.0 + 5.0) * 1000 / 6)
    assert report.chosen.per_shift is not None
    assert math.isclose(report.chosen.per_shift, (50.0 + 5.0) * 800 / 6)


def test_lower_limits_that_would_have_been_cheaper_are_named_with_what_the_budget_costs() -> None:
    report = costs()
    assert report.cheapest.limit is not None
    assert report.cheapest.limit < -1.0
    assert (report.cheapest.escapes, report.cheapest.false_alarms) == (0, 1)
    assert (report.within.escapes, report.within.false_alarms) == (1, 0)
    assert math.isclose(report.budget_costs, (50.0 - 5.0) * 1000 / 6)


def test_units_without_time_are_counted_by_the_part() -> None:
    assert costs(replace(JUDGED, time=None)).chosen.false_alarms == 2


def test_the_clock_and_the_trivial_answers_count_every_good_unit_in_alarm() -> None:
    rows = {point.name: (point.escapes, point.false_alarms) for point in costs().trivial}
    assert rows == {"always alarm": (0, 4), "never alarm": (2, 0), "alarm after 3": (0, 1)}


def test_alarms_are_above_zero_and_what_was_not_judged_is_never_above_anything() -> None:
    odd = replace(
        JUDGED,
        state=("normal", "alarm", "outside_experience", "normal", "alarm", "normal", "normal"),
        alarm=np.array([False, True, False, False, True, False, False]),
        score=np.array([3.0, 1.0, 9.0, np.nan, 9.0, 9.0, 0.0]),
    )
    assert above_limit(odd).tolist() == [0.0, np.inf, -np.inf, -np.inf, 7.0, -1.0, -10.0]


def test_without_a_bad_unit_nothing_is_said_of_costs() -> None:
    good = make_judged([1.0, 2.0], [GOOD, GOOD], [5.0, 5.0])
    assert money_of(PACED, CHARACTERISTIC, good, after=3) is None


def test_every_report_shows_the_curve_in_money() -> None:
    result = BacktestResult(
        characteristic=CHARACTERISTIC,
        protocol=Protocol.FIT_THEN_RUN,
        judged=JUDGED,
        duplicates=0,
        duplicates_kept=False,
        dropped={},
        metrics=figures(CHARACTERISTIC, JUDGED, FigureOptions()),
        trivial={},
        fits=(),
        seconds=1.0,
        costs=costs(),
    )
    text, page, content = markdown(result, "a line"), html(result, "a line"), json_object(result)["costs"]
    assert "| limits in force | 0 | 1 | 1 | 9,167 | 7,333 |" in text
    assert "33.33% of the 6 parts counted are bad (outcomes are known of 86% of all)" in text
    assert "What the limits cost</h2><svg" in page
    assert content["in_hindsight"] is True
    assert [point["name"] for point in content["points"]][:3] == [
        "limits in force", "cheapest within the budget", "cheapest of all",
    ]  # fmt: skip
    json.dumps(content, allow_nan=False)


def test_the_plot_marks_the_budget_and_three_points() -> None:
    root = ET.fromstring(cost_plot(costs()))
    names = [child.tag.split("}")[1] for child in root]
    assert (names.count("polyline"), names.count("circle"), names.count("line")) == (3, 3, 2)
