"""Drafts from data: what is guessed, what is marked, and that the plan works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.domain.plan.draft import Draft, draft_plan
from lineside.domain.plan.draft.facts import facts_of_numbers, plausible_range
from lineside.domain.plan.draft.names import new_id, read_name
from lineside.domain.plan.findings import errors_among
from lineside.domain.plan.lint import lint
from lineside.domain.plan.model import CycleByRows, CycleByWindow, FilesSpec, ModelFamily, Role, SignalType
from lineside.domain.tables import Table, TableForm
from lineside.domain.units import SECOND

N = 60
RISING = np.arange(N) * 1.5


def table(columns: dict[str, Any], *, step: int | None = None) -> Table:
    size = len(next(iter(columns.values())))
    return Table(
        name="press.csv",
        columns={
            name: np.array(cells, dtype=np.object_ if any(isinstance(c, str | None) for c in cells) else np.float64)
            for name, cells in columns.items()
        },
        rows=np.arange(2, size + 2, dtype=np.int64),
        times=None if step is None else 1_700_000_000 * SECOND + np.arange(size, dtype=np.int64) * step,
        form=TableForm(kind="csv", delimiter=";", time_column="" if step is None else "timestamp"),
    )


def wave(low: float, high: float) -> list[float]:
    return list(low + (high - low) * (np.sin(np.arange(N) * 0.7) + 1) / 2)


def draft(columns: dict[str, Any], *, step: int | None = SECOND) -> Draft:
    made = draft_plan(table(columns, step=step), "press.csv")
    assert errors_among(lint(made.plan, {"UTC"})) == ()
    return made


def test_rows_without_time_are_finished_parts() -> None:
    plan = draft({"force": wave(10, 20)}, step=None).plan
    assert isinstance(plan.stations[0].cycle, CycleByRows)


def test_rows_with_time_become_windows_of_the_sampling_interval() -> None:
    plan = draft({"force": wave(10, 20)}, step=2 * SECOND + 3).plan
    cycle = plan.stations[0].cycle
    assert isinstance(cycle, CycleByWindow)
    assert cycle.length == 2 * SECOND
    assert plan.signal("force").rate == pytest.approx(0.5)
    assert plan.source_as(FilesSpec, plan.sources[0].id).time_column == "timestamp"


def test_rows_with_a_serial_number_of_their_own_are_finished_parts() -> None:
    plan = draft({"serial_no": [f"A{i}" for i in range(N)], "force": wave(10, 20)}).plan
    assert isinstance(plan.stations[0].cycle, CycleByRows)
    assert plan.stations[0].serial == "serial_no"
    assert plan.stations[0].parts_per_hour == 3600


def test_the_original_column_stands_in_the_address_and_guesses_are_marked() -> None:
    signal = draft({"Schließkraft (kN)": wave(10, 20), "Druck": wave(1, 2)}).plan.signals
    assert [(s.id, s.address, s.unit) for s in signal] == [
        ("schliesskraft", "Schließkraft (kN)", "kN"),
        ("druck", "Druck", "bar"),
    ]
    assert "unit" not in signal[0].guessed
    assert {"unit", "range", "rate"} <= set(signal[1].guessed)


@pytest.mark.parametrize(
    ("cells", "role"),
    [
        (list(range(N)), Role.CONTEXT),
        (list(RISING), Role.CONTEXT),
        ([7.0] * N, Role.CONTEXT),
        (["A", "B"] * (N // 2), Role.CONTEXT),
        ([i % 10 for i in range(N)], Role.TRIGGER),
        (wave(0, 1), Role.PROCESS),
    ],
)
def test_what_only_counts_or_never_changes_does_not_reach_a_model(cells: list[Any], role: Role) -> None:
    plan = draft({"x": cells, "force": wave(10, 20)}).plan
    assert plan.signal("x").role is role
    assert (plan.signal("x").type is SignalType.TEXT) == isinstance(cells[0], str)


def test_a_switching_signal_is_offered_as_a_trigger() -> None:
    made = draft({"machine_running": [0.0, 0.0, 1.0] * (N // 3), "force": wave(10, 20)})
    assert made.plan.signal("machine_running").role is Role.TRIGGER
    assert "{by: trigger, signal: machine_running, threshold: 0.5}" in made.comments["stations", 0, "cycle"]


def test_conditions_get_an_envelope_within_their_plausible_range() -> None:
    plan = draft({"hall_temperature": wave(12, 31), "force": wave(10, 20)}).plan
    assert plan.signal("hall_temperature").role is Role.ENVIRONMENT
    limit, known = plan.envelope[0], plan.signal("hall_temperature").range
    assert known is not None
    assert known[0] <= limit.low <= 12
    assert 31 <= limit.high <= known[1]


@pytest.mark.parametrize(
    ("name", "cells", "classes", "bad"),
    [
        ("anomaly", [0.0, 1.0], (), ()),
        ("ok", [0.0, 1.0], ("0", "1"), ("0",)),
        ("result", ["pass", "fail"], (), ()),
        ("quality", ["good", "scrap", "rework"], ("good", "rework", "scrap"), ("scrap",)),
        ("label", ["a", "a", "b"], ("a", "b"), ("b",)),
        ("quality", [3.0, 1.0, 2.0, 2.0, 3.0], ("1", "2", "3"), ("1",)),
    ],
)
def test_the_outcome_is_found_and_read(
    name: str, cells: list[Any], classes: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    plan = draft({"force": wave(10, 20), name: cells * (N // len(cells))}).plan
    item = plan.characteristics[0]
    assert (item.outcome.column, item.classes, item.nonconforming) == (name, classes, bad)
    assert [signal.id for signal in plan.signals] == ["force"]


def test_a_measured_outcome_becomes_a_variable_with_limits() -> None:
    item = draft({"force": wave(10, 20), "target": wave(2.0, 2.4)}).plan.characteristics[0]
    assert item.specification is not None
    assert item.specification.lsl == pytest.approx(2.0, abs=0.01)
    assert item.specification.usl == pytest.approx(2.4, abs=0.01)


def test_every_other_candidate_for_the_truth_is_left_out() -> None:
    made = draft({"force": wave(10, 20), "anomaly": [0.0, 1.0] * (N // 2), "changepoint": [0.0, 1.0] * (N // 2)})
    assert [signal.id for signal in made.plan.signals] == ["force"]
    assert any("changepoint" in text for text in made.guesses)


def test_without_an_outcome_normal_is_learned() -> None:
    made = draft({"force": wave(10, 20)})
    assert not made.has_outcome
    assert made.plan.characteristics[0].model.family is ModelFamily.NORMAL


def test_a_long_table_gives_a_signal_per_name() -> None:
    names = ["temp_degC", "flow"] * (N // 2)
    plan = draft({"Tag": names, "Value": wave(10, 20)}).plan
    assert plan.source_as(FilesSpec, plan.sources[0].id).layout == "long"
    assert [(signal.id, signal.address, signal.unit) for signal in plan.signals] == [
        ("temp", "temp_degC", "degC"),
        ("flow", "flow", "l/min"),
    ]


def test_empty_columns_are_left_out_and_said() -> None:
    made = draft({"force": wave(10, 20), "spare": [np.nan] * N})
    assert [signal.id for signal in made.plan.signals] == ["force"]
    assert any("spare" in text for text in made.guesses)


@pytest.mark.parametrize(
    ("column", "unit", "sure"),
    [
        ("Die temperature [°C]", "degC", True),
        ("Pressure (bar)", "bar", True),
        ("oil_temp_degC", "degC", True),
        ("speed_rpm", "rpm", True),
        ("Torque peak current cycle", "Nm", False),
        ("Flow temperature", "degC", False),
        ("Screw position at the end of hold pressure", "mm", False),
        ("melt_a", "", False),
        ("x", "", False),
    ],
)
def test_units_are_read_or_guessed_from_names(column: str, unit: str, sure: bool) -> None:  # noqa: FBT001 (a table)
    name = read_name(column)
    assert (name.unit, name.sure) == (unit, sure)


def test_a_plausible_range_ignores_single_wild_values_and_stays_above_zero() -> None:
    values = np.r_[np.linspace(20, 30, 5000), -9999.0]
    low, high = plausible_range(facts_of_numbers(values))
    assert -60 < low < 20
    assert 30 < high < 100
    assert plausible_range(facts_of_numbers(np.linspace(1, 30, 100)))[0] == 0


def test_a_table_without_numbers_is_refused() -> None:
    with pytest.raises(DataError, match="no column holds measured values"):
        draft({"a": ["x", "y"] * (N // 2), "b": ["p"] * N})


def test_where_only_conditions_are_measured_they_are_judged_by() -> None:
    plan = draft({"hall_temperature": wave(12, 31)}).plan
    assert plan.signal("hall_temperature").role is Role.PROCESS


@given(st.lists(st.text(max_size=70), max_size=20))
def test_ids_are_valid_and_unique_whatever_the_names(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(new_id(name, taken))
    assert len(set(taken)) == len(taken)
    assert all(item[0].isalpha() and item.islower() and len(item) <= 63 and item.isascii() for item in taken)


NUMBERS = st.lists(st.floats(-1e12, 1e12) | st.just(np.nan) | st.sampled_from([0.0, 1.0]), min_size=12, max_size=12)
TEXTS = st.lists(st.text(max_size=8) | st.none() | st.sampled_from(["ok", "nok"]), min_size=12, max_size=12)
HEADERS = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["quality", "serial", "temp [C]", "ok", "hall temp", "value"]
)


@settings(deadline=None)
@given(st.dictionaries(HEADERS, NUMBERS | TEXTS, min_size=1, max_size=5), st.sampled_from([None, 1, SECOND, 10**15]))
def test_any_table_drafts_a_plan_without_errors_or_is_refused(columns: dict[str, list[Any]], step: int | None) -> None:
    try:
        made = draft_plan(table(columns, step=step), "x.csv")
    except DataError:
        return
    assert errors_among(lint(made.plan, {"UTC"})) == ()
