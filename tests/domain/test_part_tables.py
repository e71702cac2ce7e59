from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lineside.domain.errors import DataError
from lineside.domain.outcomes import Outcome
from lineside.domain.part_tables import join_parts, latest_outcomes
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_record

PLAN = modelling_plan(2)
POROSITY = PLAN.characteristic(CHARACTERISTIC)


def outcome(unit: str, value: str, revision: int = 1, found: int = 0, characteristic: str = CHARACTERISTIC) -> Outcome:
    return Outcome(unit=unit, characteristic=characteristic, value=value, found=found, source="lab", revision=revision)


def test_the_highest_revision_holds_and_of_equals_the_latest() -> None:
    found = latest_outcomes(
        [
            outcome("a", "new", revision=2),
            outcome("a", "old", revision=1, found=9),
            outcome("b", "first", found=1),
            outcome("b", "second", found=2),
            outcome("c", "other", characteristic="colour"),
        ],
        CHARACTERISTIC,
    )
    assert found == {"a": "new", "b": "second"}


def test_the_source_that_the_plan_names_first_holds_before_any_revision() -> None:
    said = [
        replace(outcome("a", "good"), source="xray"),
        replace(outcome("a", "bad", revision=7), source="two people"),
        replace(outcome("a", "worse", revision=9), source="tester"),
        replace(outcome("b", "bad", revision=7), source="two people"),
        replace(outcome("b", "worse", revision=9), source="tester"),
        replace(outcome("c", "worse", revision=9), source="tester"),
    ]
    assert latest_outcomes(said, CHARACTERISTIC, ("xray", "two people")) == {"a": "good", "b": "bad", "c": "worse"}


def test_parts_come_in_time_order_once_each_with_their_outcome() -> None:
    parts = [part_record(PLAN, np.full(2, float(i)), i) for i in (2, 0, 1, 1)]
    joined = join_parts(PLAN, POROSITY, parts, {"unit-1": "nonconforming"})
    assert joined.table.unit == ("unit-0", "unit-1", "unit-2")
    assert joined.table.outcome == ("", "nonconforming", "")
    assert joined.table.features[:, 0].tolist() == [0.0, 1.0, 2.0]


def test_units_with_another_defect_are_marked() -> None:
    parts = [part_record(PLAN, np.zeros(2), i) for i in range(3)]
    joined = join_parts(PLAN, POROSITY, parts, {}, {"unit-1", "unit-9"})
    assert joined.table.other_defects == (False, True, False)
    before, after = joined.table.parted(parts[2].started)
    assert before.other_defects + after.other_defects == joined.table.other_defects


def test_what_cannot_be_learned_from_is_counted_by_reason() -> None:
    part = part_record(PLAN, np.zeros(2))
    parts = [
        part,
        replace(part, cycle_id="open", incomplete=True),
        replace(part, cycle_id="old", recipe="another"),
        replace(part, cycle_id="elsewhere", station="other"),
    ]
    assert join_parts(PLAN, POROSITY, parts, {}).dropped == {"no proper end": 1, "made by another recipe": 1}


def test_no_parts_at_all_is_told_with_the_next_step() -> None:
    with pytest.raises(DataError, match="--parts"):
        join_parts(PLAN, POROSITY, [], {})
