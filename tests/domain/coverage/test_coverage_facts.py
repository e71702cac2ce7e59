"""What parts have seen of the envelope, the gaps in words, and how often the line is in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.bands import band_edges, band_of
from lineside.domain.coverage.facts import LEAST_PARTS, Coverage, coverage_of
from lineside.domain.coverage.gaps import Side, findings, gaps_of, summary_line
from lineside.domain.coverage.record import ConditionRecord, Share, record_of
from lineside.domain.coverage.report import coverage_html, coverage_lines, coverage_object
from lineside.domain.features.recipe import recipe_for
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, HOUR
from lineside.testing.floors import sample_plan

JULY: int = int(np.datetime64("2025-07-01", "ns").astype(np.int64))


def plan_with(*envelope: tuple[str, float, float]) -> Plan:
    return sample_plan(envelope=[{"signal": name, "low": low, "high": high} for name, low, high in envelope])


def coverage_with(plan: Plan, hall: np.ndarray, humidity: np.ndarray) -> Coverage:
    recipe = recipe_for(plan, "cast")
    features = np.zeros((len(hall), len(recipe.features)))
    features[:, recipe.names.index("hall_temperature")] = hall
    features[:, recipe.names.index("hall_humidity")] = humidity
    return coverage_of(plan, recipe, features)


def a_year(plan: Plan, hot: float = 38.0) -> ConditionRecord:
    """Return a year of hours at 20 degC; in July the late shift of every ninth day is hot."""
    local = JULY - 181 * DAY + 6 * HOUR + np.arange(365 * 24 - 6, dtype=np.int64) * HOUR
    hall = np.full(len(local), 20.0)
    july = (local >= JULY) & (local < JULY + 31 * DAY)
    late = (local % DAY >= 14 * HOUR) & (local % DAY < 22 * HOUR)
    hall[july & late & ((local - JULY) // DAY % 9 == 0)] = hot
    return record_of(plan.shifts, local, {"hall_temperature": hall, "hall_humidity": np.full(len(local), 70.0)})


HALL = np.linspace(12.0, 33.5, 500)


def test_a_hot_end_that_no_part_saw_is_named_with_the_share_of_shifts_there() -> None:
    plan = plan_with(("hall_temperature", 5, 42))
    found = findings(coverage_with(plan, HALL, np.full(500, 50.0)), a_year(plan))
    cold, hot = [item.text for item in found]
    assert cold == "Hall: no parts below 12 degC (declared down to 5); none of the 1095 shifts on record was there"
    assert hot.startswith("Hall: no parts above 33.5 degC (declared up to 42); 4 % of the shifts in July were there")
    assert found[1].share is not None
    assert (found[1].share.there, found[1].share.month_total) == (4, 93)


def test_without_a_longer_record_the_share_is_said_to_be_unknown() -> None:
    coverage = coverage_with(plan_with(("hall_temperature", 5, 42)), HALL, np.full(500, 50.0))
    assert all(item.text.endswith("how often the line is there is not known") for item in findings(coverage))


def test_a_few_strays_do_not_widen_what_was_seen() -> None:
    hall = np.append(np.repeat([20.0, 25.0], 100), [41.0] * (LEAST_PARTS - 1))
    condition = coverage_with(plan_with(("hall_temperature", 5, 42)), hall, hall).condition("hall_temperature")
    assert condition.seen == (20.0, 25.0)
    assert gaps_of(condition)[-1].parts == LEAST_PARTS - 1


def test_a_hole_in_the_middle_is_one_gap() -> None:
    hall = np.concatenate((np.linspace(5, 15, 200), np.linspace(30, 42, 200)))
    condition = coverage_with(plan_with(("hall_temperature", 5, 42)), hall, hall).condition("hall_temperature")
    (gap,) = gaps_of(condition)
    assert (gap.side, gap.low, gap.high, gap.parts) == (Side.BETWEEN, 15.0, 30.0, 1)


def test_states_are_told_one_by_one() -> None:
    plan = plan_with(("hall_temperature", 0, 2))
    coverage = coverage_with(plan, np.repeat([0.0, 1.0], 50), np.full(100, 50.0))
    assert summary_line(coverage) == "Hall: no parts at 2 degC"


def test_a_declared_condition_that_the_station_does_not_measure_is_a_gap() -> None:
    coverage = coverage_with(plan_with(("hall_temperature", 5, 42)), np.full(50, np.nan), np.full(50, 50.0))
    assert "no parts with a value" in summary_line(coverage)


def test_two_conditions_seen_apart_and_never_together_are_told_where_the_record_has_them_together() -> None:
    plan = plan_with(("hall_temperature", 5, 42), ("hall_humidity", 10, 90))
    hall = np.concatenate((np.linspace(5, 30, 300), np.linspace(30, 42, 300)))
    humidity = np.concatenate((np.linspace(40, 90, 300), np.linspace(10, 35, 300)))
    coverage = coverage_with(plan, hall, humidity)
    found = [item.text for item in findings(coverage, a_year(plan, hot=41.0)) if len(item.signals) == 2]
    assert len(found) == 1
    assert found[0] == (
        "Hall with Hall humidity: no parts in some combinations; 4 % of the shifts in July were there "
        "(under 1 % of all 1095), most often Hall 30 to 42 degC with Hall humidity 60 to 80 %"
    )


def test_without_an_envelope_nothing_is_missing_and_that_is_said() -> None:
    coverage = coverage_with(plan_with(), HALL, HALL)
    assert findings(coverage) == ()
    assert "declares no envelope" in summary_line(coverage)
    assert "none declared" in "\n".join(coverage_lines("Cast", coverage, ()))


def test_the_page_escapes_names_loads_nothing_and_the_object_counts_the_same() -> None:
    plan = plan_with(("hall_temperature", 5, 42), ("hall_humidity", 10, 90))
    coverage = coverage_with(plan, HALL, np.linspace(20, 80, 500))
    found = findings(coverage, a_year(plan))
    page = coverage_html("<line>", (("Cast", coverage, found),))
    assert "&lt;line&gt;" in page
    assert "<script" not in page
    assert page.count("<svg") == 3
    assert coverage_object(coverage, found)["conditions"][0]["parts"] == coverage.conditions[0].parts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-20, 60, width=32), min_size=0, max_size=60),
    st.tuples(st.integers(-20, 20), st.integers(1, 40)),
)
def test_every_part_is_counted_once_or_lies_outside_the_declared_range(
    values: list[float], declared: tuple[int, int]
) -> None:
    low, high = declared[0], declared[0] + declared[1]
    hall = np.array(values, dtype=np.float64)
    condition = coverage_with(plan_with(("hall_temperature", low, high)), hall, hall).condition("hall_temperature")
    first, last = condition.edges[0], condition.edges[-1]
    assert sum(condition.parts) == int(np.sum((hall >= first) & (hall <= last)))
    for gap in gaps_of(condition):
        assert gap.parts < LEAST_PARTS * len(condition.parts)


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e4), st.integers(3, 12))
def test_borders_ascend_from_end_to_end_and_hold_what_lies_between(low: float, width: float, about: int) -> None:
    edges = band_edges(low, low + width, about)
    assert (edges[0], edges[-1]) == (low, low + width)
    assert all(a < b for a, b in pairwise(edges))
    inside = np.linspace(low, low + width, 50)
    assert np.all(band_of(np.clip(inside, low, low + width), edges) >= 0)


@pytest.mark.parametrize("values", [np.empty(0), np.array([20.0])])
def test_too_few_parts_have_seen_nothing(values: np.ndarray) -> None:
    coverage = coverage_with(plan_with(("hall_temperature", 5, 42)), values, values)
    assert coverage.conditions[0].seen is None
    assert coverage.pairs == ()


def test_one_shift_on_record_is_called_one() -> None:
    assert Share(there=0, total=1, per="shifts").words() == "the one shift on record was not there"
    assert Share(there=1, total=1, per="days").words() == "the one day on record was there"
