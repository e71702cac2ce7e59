"""How the board says numbers, times and names, and how it draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.apps.plant.board import wording
from lineside.apps.plant.board.charts import tile_chart, trace_chart
from lineside.apps.plant.board.traces import POINTS, build_traces
from lineside.apps.plant.floor.labels import feature_labels
from lineside.apps.plant.floor.shifts import shift_at
from lineside.apps.plant.floor.views import Trend, Trust
from lineside.apps.web.language import speaking
from lineside.domain.features.recipe import recipe_for
from lineside.domain.readings import BAD, Catalogue, ReadingBatch, make_batch
from lineside.domain.said import number, say
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND
from lineside.testing.clocks import A_MOMENT
from lineside.testing.floors import part_at, sample_plan


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (228.04, "228"), (7.9, "7.90"), (11.52, "11.5"), (-4.36, "\u22124.36"), (0.0042, "0.004"),
     (123456.0, "123456"), (None, "\u2013"), (math.nan, "\u2013"), (math.inf, "\u2013"), (1e-7, "1e\u221207")],
)  # fmt: skip
def test_a_number_has_three_digits_that_mean_something(value: float | None, words: str) -> None:
    assert wording.number(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.81, "81\u00a0%"), (0.004, "under 1\u00a0%"), (0.0, "0\u00a0%"), (None, "\u2013")]
)
def test_a_risk_is_said_in_per_cent(value: float | None, words: str) -> None:
    assert wording.percent(value) == words


def test_likelihoods_are_words_first() -> None:
    assert wording.likelihood(0.81).startswith("likely (")
    assert wording.likelihood(0.95).startswith("very likely")
    assert wording.likelihood(0.02).startswith("very unlikely")
    assert "not known" in wording.likelihood(None)


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [(0, "0 s"), (-5, "0 s"), (59 * SECOND, "59 s"), (3 * MINUTE, "3 min"), (4 * HOUR + 12 * MINUTE, "4 h 12 min"),
     (2 * HOUR, "2 h"), (2 * DAY + 3 * HOUR, "2 d 3 h")],
)  # fmt: skip
def test_a_span_of_time_has_one_or_two_units(nanoseconds: int, words: str) -> None:
    assert wording.age(nanoseconds) == words


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (("118199", "118200", "118201"), "118199 \u2013 118201"),
        (("7", "9"), "7, 9"),
        (("A-9", "A-10", "A-11", "B-1"), "A-9 \u2013 A-11, B-1"),
        (("x", "y"), "x, y"),
        ((), ""),
    ],
)
def test_serial_numbers_in_a_row_are_said_in_short(units: tuple[str, ...], words: str) -> None:
    assert wording.serials(units) == words


def test_trust_counts_what_was_checked_and_says_what_was_not() -> None:
    assert wording.trust_words(Trust(confirmed=17, checked=20, unconfirmed=0)) == "confirmed 17 of the last 20 here"
    assert wording.trust_words(Trust(confirmed=0, checked=0, unconfirmed=2)) == "none checked here yet, 2 not checked"


@pytest.mark.parametrize(("unit", "name"), [("degC", "°C"), ("mm/s", "mm/s"), ("degC/s", "°C/s"), ("bar*s", "bar·s")])
def test_units_are_written_as_people_write_them(unit: str, name: str) -> None:
    assert wording.unit_name(unit) == name


def test_a_time_of_another_day_says_which() -> None:
    assert wording.when(A_MOMENT, A_MOMENT, "Europe/Berlin") == wording.clock_time(A_MOMENT, "Europe/Berlin")
    assert wording.when(A_MOMENT - DAY, A_MOMENT, "Europe/Berlin").startswith("17 Nov")


@given(st.integers(1_700_000_000, 1_900_000_000))
def test_the_shift_that_runs_holds_the_moment(second: int) -> None:
    now = second * SECOND
    shift = shift_at(sample_plan(), now)
    assert shift.starts <= now <= shift.ends
    assert now < shift.ends or not shift.label


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=80), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_curve_stays_within_its_frame_whatever_it_shows(values: list[float | None], low: float, width: float) -> None:
    times = tuple(range(len(values)))
    trend = Trend(label="x", unit="", times=times, values=tuple(values), low=low, high=low + width, limit=low)
    chart = tile_chart(trend)
    if all(value is None for value in values):
        assert chart is None
        return
    assert chart is not None
    points = [pair.split(",") for line in (*chart.lines, chart.band) for pair in line.split()]
    assert all(-4 <= float(x) <= chart.width and -1 <= float(y) <= chart.height + 1 for x, y in points)


def test_a_gap_in_the_values_is_a_gap_in_the_curve() -> None:
    trend = Trend(label="x", unit="", times=(1, 2, 3, 4, 5), values=(1.0, 2.0, None, 3.0, 4.0))
    chart = tile_chart(trend)
    assert chart is not None
    assert len(chart.lines) == 2


def test_a_signal_with_one_feature_goes_by_its_own_name_and_others_say_which() -> None:
    plan = sample_plan()
    assert feature_labels(plan, recipe_for(plan, "cast"))["fill_time"] == "Fill time"
    cycle = {"by": "window", "length": "1 min"}
    changed = plan.model_dump(mode="json")
    changed["stations"][1]["cycle"] = cycle
    changed["signals"][8]["features"] = ["mean", "p95", "above(3)"]
    labels = feature_labels(type(plan).model_validate(changed), recipe_for(type(plan).model_validate(changed), "melt"))
    assert labels["bath_temperature.p95"] == "Bath temperature, 95th percentile"
    assert labels["bath_temperature.above(3)"] == "Bath temperature, time above 3"


# -- curves over a cycle --------------------------------------------------------------------------------------

SIGNALS = ("die_temperature_moving", "cooling_flow")


def readings_of(started: int, level: float, count: int = 40) -> ReadingBatch:
    catalogue = Catalogue(SIGNALS)
    times = [started + number * SECOND for number in range(count)]
    return make_batch(catalogue, [0] * count + [1], [*times, started], [*(level + t % 3 for t in range(count)), 9.0])


def test_a_trace_lies_against_the_band_of_earlier_cycles() -> None:
    plan = sample_plan()
    part = part_at(plan, "cast", 9, A_MOMENT)
    earlier = [
        (old, readings_of(old.started, 100.0 + number))
        for number, old in enumerate(part_at(plan, "cast", n, A_MOMENT - n * MINUTE) for n in range(1, 8))
    ]
    traces = build_traces(plan, part, readings_of(part.started, 200.0), earlier)
    assert [trace.signal for trace in traces] == ["die_temperature_moving"]
    trace = traces[0]
    assert len(trace.seconds) == len(trace.values) == len(trace.low) == len(trace.high) == POINTS
    assert max(trace.high) < min(trace.values)
    assert trace_chart(trace).band


def test_a_trace_leaves_out_what_is_bad_and_knows_no_band_from_few_cycles() -> None:
    plan = sample_plan()
    part = part_at(plan, "cast", 9, A_MOMENT)
    batch = readings_of(part.started, 200.0)
    spoilt = ReadingBatch(
        catalogue=batch.catalogue,
        signal=batch.signal,
        source_time=batch.source_time,
        receive_time=batch.receive_time,
        value=np.where(np.arange(len(batch)) == 3, 1e9, batch.value),
        status=np.where(np.arange(len(batch)) == 3, np.uint32(BAD), batch.status).astype(np.uint32),
    )
    (trace,) = build_traces(plan, part, spoilt, [(part, batch)])
    assert max(trace.values) < 300
    assert trace.low == ()
    assert trace_chart(trace).band == ""


def test_a_sentence_says_its_numbers_as_precisely_as_its_english_text() -> None:
    text = say("{value} ({low} to {high})", value=number(0.9951), low=number(0.00032), high=number(1234.5))
    assert text == "0.995 (0.00032 to 1.23e+03)"
    with speaking("de"):
        assert wording.sentence(text) == "0,995 (0,00032 bis 1230)"
