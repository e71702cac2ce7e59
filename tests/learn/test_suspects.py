"""Good parts made amid bad ones are no evidence of what is usual; isolated bad parts make nobody suspect."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.outcomes import CONFORMING, NONCONFORMING
from lineside.learn.rows import prepare
from lineside.learn.suspects import AROUND, suspect, usual
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table

ONE_DAY = "monday"


def days(count: int, *names: str) -> np.ndarray:
    return np.repeat(np.array(names or (ONE_DAY,), dtype=object), count // max(len(names), 1))


def test_a_stretch_of_bad_parts_makes_its_good_ones_suspect_and_no_others() -> None:
    bad = np.zeros(3000, dtype=np.bool_)
    bad[1000:1100:3] = True
    found = suspect(bad, days(3000))
    assert found[1000:1100].all()
    assert not found[: 1000 - AROUND].any()
    assert not found[1100 + AROUND :].any()


def test_bad_parts_by_chance_make_few_suspect() -> None:
    bad = np.random.default_rng(5).random(50_000) < 0.02
    assert suspect(bad, days(50_000)).mean() < 0.01


def test_a_process_that_is_often_bad_has_no_suspects() -> None:
    bad = np.random.default_rng(6).random(20_000) < 0.3
    assert suspect(bad, days(20_000)).mean() < 0.02


def test_a_stretch_ends_where_the_group_ends() -> None:
    bad = np.zeros(600, dtype=np.bool_)
    bad[295:300] = True
    found = suspect(bad, days(600, "monday", "tuesday"))
    assert found[290:300].all()
    assert not found[300:].any()


@given(st.lists(st.booleans(), max_size=80))
def test_without_three_bad_parts_nobody_is_suspect(found: list[bool]) -> None:
    bad = np.array(found, dtype=np.bool_)
    bad[np.flatnonzero(bad)[2:]] = False
    assert not suspect(bad, days(len(bad))).any()


PLAN = modelling_plan(2)


def usual_of(bad: np.ndarray, other: np.ndarray, *, timed: bool) -> np.ndarray:
    features = np.random.default_rng(1).normal(size=(len(bad), 2))
    outcome = [NONCONFORMING if item else CONFORMING for item in bad]
    table = replace(part_table(PLAN, features, outcome), other_defects=tuple(other.tolist()))
    rows = prepare(table, np.arange(2), remembers=False)
    return usual(rows, PLAN.characteristic(CHARACTERISTIC), timed=timed)


def test_parts_with_another_defect_and_those_among_them_show_nothing_usual() -> None:
    bad, other = np.zeros((2, 3000), dtype=np.bool_)
    bad[10], other[20], other[1000:1100:3] = True, True, True
    found = usual_of(bad, other, timed=True)
    assert not found[[10, 20]].any()
    assert not found[1000:1100].any()
    assert found[21 : 1000 - AROUND].all()
    assert np.array_equal(usual_of(bad, other, timed=False), ~(bad | other))


def test_a_defect_that_most_parts_have_is_what_is_usual() -> None:
    bad, other = np.zeros((2, 1000), dtype=np.bool_)
    other[:501] = True
    assert usual_of(bad, other, timed=True).all()
