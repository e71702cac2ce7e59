from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lineside.learn.rows import choose_columns, has_time, nonconforming, prepare
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table

PLAN = modelling_plan(2, 1)
ALL = np.array([0, 1, 2])


def test_groups_that_overlap_in_time_stay_together_where_the_past_matters() -> None:
    table = part_table(PLAN, np.arange(12.0).reshape(4, 3), group=("b", "a", "b", "a"))
    assert prepare(table, ALL, remembers=True).group.tolist() == ["b", "b", "a", "a"]
    assert prepare(table, ALL, remembers=False).group.tolist() == ["b", "a", "b", "a"]


def test_equal_values_are_copies_unless_the_past_matters_and_times_differ() -> None:
    table = part_table(PLAN, np.ones((3, 3)))
    assert len(prepare(table, ALL, remembers=False)) == 1
    assert len(prepare(table, ALL, remembers=True)) == 3
    same = replace(table, started=np.zeros(3, dtype=np.int64))
    assert prepare(same, ALL, remembers=True).dropped["duplicate"] == 2


def test_equal_values_with_another_outcome_are_no_copies() -> None:
    table = part_table(PLAN, np.ones((2, 3)), ["conforming", "nonconforming"])
    assert len(prepare(table, ALL, remembers=False)) == 2


def test_conditions_are_no_inputs_of_a_model_of_normal_and_exclusions_hold_for_all() -> None:
    plan = modelling_plan(2, 1, model={"exclude": ["x1"]})
    recipe, characteristic = part_table(plan, np.ones((1, 3))).recipe, plan.characteristic(CHARACTERISTIC)
    normal = choose_columns(recipe, characteristic, with_environment=False)
    assert (normal.inputs.tolist(), normal.environment.tolist()) == ([0], [2])
    assert choose_columns(recipe, characteristic, with_environment=True).inputs.tolist() == [0, 2]


def test_a_value_outside_its_specification_does_not_conform_and_an_unmeasured_one_is_not_known_to() -> None:
    plan = modelling_plan(2, 1, kind="variable", specification={"usl": 2.0})
    rows = prepare(part_table(plan, np.arange(9.0).reshape(3, 3), ["1.5", "2.5", ""]), ALL, remembers=False)
    assert nonconforming(rows, plan.characteristic(CHARACTERISTIC)).tolist() == [False, True, False]


@pytest.mark.parametrize("timed", [True, False])
def test_rows_of_a_file_without_a_time_column_have_no_time(timed: bool) -> None:  # noqa: FBT001 - a parameter
    plan = modelling_plan(2, timed=timed)
    assert has_time(plan, plan.stations[0].id) is timed
