"""Figures by kind of characteristic, the trivial rows beside them, and what is printed of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from backtest_plans import SECOND, make_plan
from lineside.domain.backtests.figures import FigureOptions, figures, trivial_figures
from lineside.domain.backtests.judged import SCORE_COLUMNS, Judged, joined
from lineside.domain.backtests.report import html, markdown
from lineside.domain.backtests.result import BacktestResult, json_object
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Specification
from lineside.domain.splits import Protocol

ATTRIBUTE = make_plan().characteristics[0]
CLASSES = Characteristic(id="defect", station="press", classes=("a", "b", "c"), nonconforming=("c",))
VARIABLE = Characteristic(id="length", station="press", kind=CharacteristicKind.VARIABLE)
OPTIONS = FigureOptions(after=1)


def make_judged(outcome: list[str], alarm: str, group: str = "", predicted: list[str] | None = None) -> Judged:
    count = len(outcome)
    on = np.array([char == "x" for char in alarm], dtype=np.bool_)
    nothing = np.full(count, np.nan)
    return Judged(
        unit=tuple(f"u{i}" for i in range(count)),
        time=np.arange(count, dtype=np.int64) * SECOND,
        group=tuple(group or "g" * count),
        score=on.astype(np.float64) + np.arange(count) / 100,
        limit=np.full(count, 0.9),
        alarm=on,
        raised=on & ~np.concatenate(([False], on[:-1])),
        state=tuple("alarm" if item else "normal" for item in on),
        predicted=tuple(predicted or [""] * count),
        outcome=tuple(outcome),
        risk=nothing,
        low=nothing,
        high=nothing,
    )


GOOD, BAD = "conforming", "nonconforming"
JUDGED = make_judged([GOOD, GOOD, BAD, BAD, GOOD, ""], ".x.xx.")


def test_an_attribute_has_shares_ranking_episodes_and_events() -> None:
    result = figures(ATTRIBUTE, JUDGED, OPTIONS)
    assert result["units_with_outcome"] == 5
    assert (result["recall"], result["precision"], result["false_alarm_rate"]) == (1 / 2, 1 / 3, 2 / 3)
    assert (result["alarm_episodes"], result["false_episodes"], result["events_found"]) == (1, 1, 0)
    assert result["events_touched"] == 1
    assert (result["alerts"], result["false_alerts"]) == (2, 1)
    assert set(result["intervals"]) == {"recall", "precision", "f1", "false_alarm_rate"}


def test_units_of_unknown_outcome_make_no_figure() -> None:
    noisy = replace(JUDGED, alarm=np.append(JUDGED.alarm[:-1], True))
    assert figures(ATTRIBUTE, noisy, OPTIONS)["false_alarm_rate"] == 2 / 3


def test_without_any_outcome_there_are_only_states() -> None:
    result = figures(ATTRIBUTE, make_judged(["", ""], "x."), OPTIONS)
    assert "recall" not in result
    assert (result["share_alarm"], result["share_bad_data"]) == (0.5, 0.0)
    assert trivial_figures(ATTRIBUTE, make_judged(["", ""], "x."), [""], OPTIONS) == {}


def test_data_without_time_has_no_events() -> None:
    assert "events" not in figures(ATTRIBUTE, replace(JUDGED, time=None), OPTIONS)


def test_the_later_half_of_the_good_units_shows_what_drift_does() -> None:
    judged = make_judged([GOOD] * 8, "....xx..", "aaaabbbb")
    assert figures(ATTRIBUTE, judged, OPTIONS)["false_alarm_rate_later_half"] == 0.0
    assert figures(ATTRIBUTE, judged, OPTIONS)["false_alarm_rate"] == 0.25


def test_risk_is_held_against_what_happened() -> None:
    judged = replace(JUDGED, risk=np.where(JUDGED.alarm, 0.9, 0.1))
    assert figures(ATTRIBUTE, judged, OPTIONS)["ece"] == pytest.approx(
        (2 * 0.9 - 0 + 0.9 - 1 + abs(0.2 - 1)) / 5, abs=0.2
    )
    assert figures(ATTRIBUTE, judged, OPTIONS)["brier"] > 0


def test_several_classes_have_an_accuracy_each() -> None:
    judged = make_judged(["a", "b", "c", "c"], "...x", predicted=["a", "a", "c", "c"])
    result = figures(CLASSES, judged, OPTIONS)
    assert result["accuracy"] == 3 / 4
    assert result["accuracy_per_class"] == {"a": 1.0, "b": 0.0, "c": 1.0}
    assert result["recall"] == 1 / 2


def test_a_variable_has_its_error_and_the_coverage_of_its_interval() -> None:
    judged = make_judged(["1.0", "2.0"], "..", predicted=["1.5", "2.0"])
    judged = replace(judged, low=np.array([1.2, 1.0]), high=np.array([2.0, 3.0]))
    result = figures(VARIABLE, judged, OPTIONS)
    assert result["rmse"] == pytest.approx(math.sqrt(0.125))
    assert result["interval_coverage"] == 0.5
    assert "recall" not in result


def test_a_variable_with_limits_is_also_an_alarm() -> None:
    limited = VARIABLE.model_copy(update={"specification": Specification(usl=1.5)})
    assert figures(limited, make_judged(["1.0", "2.0"], ".x"), OPTIONS)["recall"] == 1.0


def test_the_trivial_rows_have_the_same_figures() -> None:
    rows = trivial_figures(ATTRIBUTE, JUDGED, [GOOD, GOOD, BAD, ""], OPTIONS)
    assert list(rows) == ["always_alarm", "never_alarm", "alarm_after_1", "class_prior"]
    assert (rows["always_alarm"]["recall"], rows["always_alarm"]["false_alarm_rate"]) == (1.0, 1.0)
    assert rows["always_alarm"]["events_found"] == 0
    assert rows["never_alarm"]["recall"] == 0.0
    assert rows["class_prior"]["brier"] == pytest.approx((3 * (1 / 3) ** 2 + 2 * (2 / 3) ** 2) / 5)


def test_the_prior_predicts_the_most_frequent_class() -> None:
    judged = make_judged(["a", "b", "b"], "...", predicted=["a", "a", "a"])
    assert trivial_figures(CLASSES, judged, ["b", "b", "a"], OPTIONS)["class_prior"]["accuracy"] == 2 / 3


def test_the_trivial_values_are_the_mean_and_the_last_one() -> None:
    rows = trivial_figures(VARIABLE, make_judged(["1.0", "2.0"], ".."), ["1.0", "3.0"], OPTIONS)
    assert rows["training_mean"]["rmse"] == pytest.approx(math.sqrt(0.5))
    assert rows["last_value"]["rmse"] == 1.0


# -- what is written --


def make_result(judged: Judged = JUDGED, *, kept: bool = False) -> BacktestResult:
    return BacktestResult(
        characteristic=ATTRIBUTE,
        protocol=Protocol.FIT_THEN_RUN,
        judged=judged,
        duplicates=3,
        duplicates_kept=kept,
        dropped={"rows rejected": 2},
        metrics=figures(ATTRIBUTE, judged, OPTIONS),
        trivial=trivial_figures(ATTRIBUTE, judged, [GOOD], OPTIONS),
        fits=(("all", ("a line of <the> report",)),),
        seconds=1.25,
    )


def test_the_json_object_has_exactly_its_six_keys_and_no_bare_nan() -> None:
    content = json_object(make_result())
    assert list(content) == ["units", "duplicates_dropped", "groups", "metrics", "trivial", "seconds"]
    assert (content["units"], content["duplicates_dropped"], content["groups"]) == (6, 3, 1)
    json.dumps(content, allow_nan=False)


def test_duplicates_that_were_kept_are_not_said_to_be_dropped() -> None:
    content = json_object(make_result(kept=True))
    assert content["duplicates_dropped"] == 0
    assert content["metrics"]["duplicates_kept"] == 3


def test_the_scores_have_one_row_per_unit_and_ten_columns() -> None:
    columns = JUDGED.score_columns()
    assert tuple(columns) == SCORE_COLUMNS
    assert {len(column) for column in columns.values()} == {6}
    assert replace(JUDGED, time=None).score_columns()["time"] == [None] * 6


def test_pieces_are_joined_in_order() -> None:
    both = joined([JUDGED, make_judged([GOOD], "x", "h")])
    assert both.group == (*"gggggg", "h")
    assert both.time is not None
    assert len(both) == 7


def test_the_report_holds_every_figure_beside_its_trivial_rows() -> None:
    text = markdown(make_result(), "Press")
    assert "| false alarm rate | 0.6667 |" in text
    assert "| always alarm |" in text
    assert "Duplicates: 3 dropped before splitting." in text
    assert "2 rows rejected" in text


def test_the_page_escapes_what_it_shows_and_loads_nothing() -> None:
    page = html(make_result(), "<Press>")
    assert "&lt;Press&gt;" in page
    assert "&lt;the&gt;" in page
    assert page.count("<svg") == 1
    assert "src=" not in page


def test_a_plot_of_scores_that_are_not_numbers_is_still_a_plot() -> None:
    page = html(make_result(replace(JUDGED, score=np.full(6, np.nan), limit=np.full(6, np.nan))), "Press")
    assert "nan" not in page.split("<h2>Scores</h2>")[1].split("<h2>")[0]
