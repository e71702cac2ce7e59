"""From tables to units: the same parts that production would have made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backtest_plans import SECOND, make_plan, make_table
from lineside.domain.backtests.units import in_time_order, shuffled, units_from_tables
from lineside.domain.errors import DataError
from lineside.domain.plan.characteristics import OutcomeSource
from lineside.domain.plan.model import Plan

ROWS = make_plan()
WINDOWS = make_plan({"by": "window", "length": "10 s"}, time_column="time")


def test_a_row_becomes_a_part_with_its_values_and_outcome() -> None:
    units = units_from_tables(ROWS, ROWS.characteristics[0], [("a", make_table([1.0, 2.0], ["0", "nok"]))])
    assert units.features.tolist() == [[1.0, 0.0], [2.0, 1.0]]
    assert units.outcome == ("conforming", "nonconforming")
    assert units.group == ("a", "a")
    assert not units.timed
    assert units.time is None


def test_serial_numbers_name_the_units() -> None:
    serial = {"id": "serial", "station": "press", "source": "files", "type": "text", "role": "context"}
    plan = make_plan(signals=[serial], station={"serial": "serial"})
    table = make_table([1.0, 2.0], ["0", "0"], serial=np.array(["S1", None], dtype=np.object_))
    units = units_from_tables(plan, plan.characteristics[0], [("a", table)])
    assert units.names == ("S1", "press-a-3")
    assert units.parts[0].context == {"serial": "S1"}


def test_readings_are_assembled_into_windows_with_the_features_of_the_plan() -> None:
    table = make_table([1.0, 3.0, 5.0], ["0", "0", "0"], times=[0, 5, 10])
    units = units_from_tables(WINDOWS, WINDOWS.characteristics[0], [("a", table)])
    means = units.features[:, units.recipe.names.index("force.mean")]
    assert means.tolist() == [2.0, 5.0]
    assert units.time is not None
    assert units.time.tolist() == [0, 10 * SECOND]
    assert units.continuous


def test_one_bad_row_makes_the_window_bad_and_unknown_rows_say_nothing() -> None:
    table = make_table([1.0] * 6, ["0", "1", "0", None, None, None], times=[0, 3, 6, 10, 13, 20])
    units = units_from_tables(WINDOWS, WINDOWS.characteristics[0], [("a", table)])
    assert units.outcome == ("nonconforming", "", "")


def plan_of_two(cycle: dict[str, str] | None = None) -> Plan:
    """A plan by which burrs are looked for too."""
    plan = make_plan(cycle, time_column="time" if cycle else "")
    burr = plan.characteristics[0].model_copy(update={"id": "burr", "outcome": OutcomeSource(column="burr")})
    return plan.model_copy(update={"characteristics": (*plan.characteristics, burr)})


def test_what_does_not_conform_in_another_characteristic_is_told_where_its_column_says_so() -> None:
    plan = plan_of_two()
    table = make_table([1.0] * 4, ["0", "0", "1", "0"], burr=np.array(["0", "1", None, "a burr"], dtype=np.object_))
    units = units_from_tables(plan, plan.characteristics[0], [("a", table)])
    assert units.other_defects == (False, True, False, False)
    assert units.table(np.array([1, 2])).other_defects == (True, False)
    assert units.table(np.array([1, 2]), labelled=False).other_defects == ()
    others = make_table([1.0] * 2, ["1", "0"], burr=np.array(["0", "0"], dtype=np.object_))
    assert units_from_tables(plan, plan.characteristics[1], [("a", others)]).other_defects == (True, False)
    without = units_from_tables(plan, plan.characteristics[0], [("a", make_table([1.0, 2.0], ["0", "1"]))])
    assert without.other_defects == (False, False)


def test_one_row_with_another_defect_is_a_window_with_it() -> None:
    plan = plan_of_two({"by": "window", "length": "10 s"})
    burr = np.array([None, "1", "0", "0"], dtype=np.object_)
    table = make_table([1.0] * 4, ["0"] * 4, times=[0, 3, 6, 10], burr=burr)
    assert units_from_tables(plan, plan.characteristics[0], [("a", table)]).other_defects == (True, False)


def test_of_several_classes_the_last_row_of_a_window_holds() -> None:
    plan = make_plan(
        {"by": "window", "length": "10 s"},
        time_column="time",
        characteristic={"classes": ("a", "b"), "nonconforming": ("b",)},
    )
    table = make_table([1.0, 1.0], ["b", "a"], times=[0, 3])
    assert units_from_tables(plan, plan.characteristics[0], [("g", table)]).outcome == ("a",)


def test_rows_out_of_order_are_judged_in_order_of_their_time() -> None:
    plan = make_plan(time_column="time")
    table = make_table([1.0, 2.0, 3.0], ["0", "1", "0"], times=[20, 0, 10])
    units = units_from_tables(plan, plan.characteristics[0], [("a", table)])
    assert units.features[:, 0].tolist() == [2.0, 3.0, 1.0]
    assert units.outcome[0] == "nonconforming"


def test_each_group_is_assembled_by_itself() -> None:
    first, second = (make_table([1.0], ["0"], times=[3], name=name) for name in "ab")
    units = units_from_tables(WINDOWS, WINDOWS.characteristics[0], [("a", first), ("b", second)])
    assert units.group == ("a", "b")
    assert len(units) == 2


def test_a_column_can_name_the_groups() -> None:
    table = make_table([1.0, 2.0, 3.0], ["0"] * 3, day=np.array(["mon", "tue", "mon"], dtype=np.object_))
    units = units_from_tables(ROWS, ROWS.characteristics[0], [("a", table)], "day")
    assert units.group == ("mon", "mon", "tue")
    assert units.features[:, 0].tolist() == [1.0, 3.0, 2.0]


def test_a_row_without_a_group_is_refused_by_its_line() -> None:
    table = make_table([1.0, 2.0], ["0", "0"], day=np.array(["mon", None], dtype=np.object_))
    with pytest.raises(DataError, match=r"a\.csv: day: rows without a group .*\[3\]"):
        units_from_tables(ROWS, ROWS.characteristics[0], [("a", table)], "day")


def test_time_order_runs_across_groups() -> None:
    plan = make_plan(time_column="time")
    tables = [
        (name, make_table([1.0, 2.0], ["0", "0"], times=times)) for name, times in (("a", [0, 30]), ("b", [10, 20]))
    ]
    assert in_time_order(units_from_tables(plan, plan.characteristics[0], tables)).group == ("a", "b", "b", "a")


def test_a_shuffle_leaves_no_trace_of_the_row_order_in_time() -> None:
    units = units_from_tables(
        ROWS, ROWS.characteristics[0], [("a", make_table([float(i) for i in range(50)], ["0"] * 50))]
    )
    mixed = shuffled(units, 1)
    assert sorted(mixed.names) == sorted(units.names)
    assert mixed.names != units.names
    assert [part.started for part in mixed.parts] == list(range(50))
    assert shuffled(units, 1).names == mixed.names


def test_hidden_outcomes_do_not_reach_the_table_to_learn_from() -> None:
    units = units_from_tables(ROWS, ROWS.characteristics[0], [("a", make_table([1.0, 2.0], ["1", "0"]))])
    rows = np.array([0, 1])
    assert units.table(rows).outcome == ("nonconforming", "conforming")
    assert units.table(rows, labelled=False).outcome == ("", "")


def test_a_signal_without_a_column_is_named_with_the_columns_there_are() -> None:
    plan = make_plan(signals=[{"id": "speed", "station": "press", "source": "files"}])
    with pytest.raises(DataError, match=r"signal speed has no column.*valid: force, Heat 1, label"):
        units_from_tables(plan, plan.characteristics[0], [("a", make_table([1.0], ["0"]))])


def test_a_text_column_for_a_number_signal_is_refused() -> None:
    table = make_table([1.0], ["0"])
    text = replace(table, columns={**table.columns, "force": np.array(["high"], dtype=np.object_)})
    assert len(units_from_tables(ROWS, ROWS.characteristics[0], [("a", table)])) == 1
    with pytest.raises(DataError, match=r"force: this column holds text"):
        units_from_tables(ROWS, ROWS.characteristics[0], [("a", text)])


def test_a_missing_outcome_column_says_where_to_name_it() -> None:
    plan = make_plan(characteristic={"outcome": {"column": "verdict"}})
    with pytest.raises(DataError, match=r"verdict: the outcome of defect has no column.*outcome\.column"):
        units_from_tables(plan, plan.characteristics[0], [("a", make_table([1.0], ["0"]))])


def test_an_outcome_that_the_plan_does_not_know_is_refused_with_its_line() -> None:
    with pytest.raises(DataError, match=r"a\.csv:3: defect: neither good nor bad .*'perhaps'"):
        units_from_tables(ROWS, ROWS.characteristics[0], [("a", make_table([1.0, 2.0], ["0", "perhaps"]))])


def test_data_without_a_unit_is_refused() -> None:
    with pytest.raises(DataError, match="no unit"):
        units_from_tables(ROWS, ROWS.characteristics[0], [("a", make_table([], []))])


def test_readings_that_contradict_each_other_are_counted() -> None:
    table = make_table([1.0, 2.0], ["0", "0"], times=[3, 3])
    units = units_from_tables(WINDOWS, WINDOWS.characteristics[0], [("a", table)])
    assert units.dropped == {"readings that contradict an earlier one of the same time": 2}
