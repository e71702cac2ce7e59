"""Regimes are told by conditions, calendar, context and groups, and are large enough to say something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.plan.model import Plan
from lineside.domain.regimes import LEAST_UNITS, MOST_OF_A_KIND, Production, kinds_of, regimes_of
from lineside.domain.splits import leave_one_regime_out
from lineside.domain.units import DAY, HOUR
from lineside.testing.modelling import STATION, modelling_plan

JUNE = int(np.datetime64("2025-06-01", "ns").astype(np.int64))


def plan_with_context() -> Plan:
    content = modelling_plan(1, 1).model_dump(mode="json")
    content["signals"] += [
        {"id": "lot", "name": "Alloy lot", "station": STATION, "source": "rows", "role": "context", "type": "text"},
        {"id": "shots", "name": "Shots", "station": STATION, "source": "rows", "role": "context"},
    ]
    content["shifts"] = [{"id": "day", "starts": "06:00", "hours": 12}, {"id": "night", "starts": "18:00", "hours": 12}]
    return Plan.model_validate(content)


PLAN = plan_with_context()


def made(hall: np.ndarray, *, lots: int = 2, local: bool = True) -> Production:
    count = len(hall)
    context = [{"lot": f"L{i * lots // count}", "shots": str(i)} for i in range(count)]
    times = JUNE + np.arange(count, dtype=np.int64) * HOUR
    return Production(
        recipe=recipe_for(PLAN, STATION),
        features=np.column_stack((np.zeros(count), hall)),
        context=context,
        group=("",) * count,
        local=times if local else None,
    )


SUMMER = made(np.linspace(10.0, 34.0, 400))


def test_the_default_is_every_kind_that_the_data_has() -> None:
    assert kinds_of(PLAN, SUMMER) == ("band:e0", "season", "shift", "context:lot", "band:shots")
    names = [item.name for item in regimes_of(PLAN, SUMMER).kept]
    assert names == [
        "e0 below 15 degC", "e0 15 to 20 degC", "e0 20 to 25 degC", "e0 25 to 30 degC", "e0 above 30 degC",
        "Shift day", "Shift night", "Alloy lot L0", "Alloy lot L1",
        "Shots below 100", "Shots 100 to 200", "Shots 200 to 300", "Shots above 300",
    ]  # fmt: skip


def test_a_band_of_few_units_is_joined_to_its_smaller_neighbour() -> None:
    hall = np.concatenate((np.linspace(10, 19.9, 100), np.linspace(20, 29, 200), np.full(5, 33.0)))
    kept = regimes_of(PLAN, made(hall), ["band:e0"]).kept
    assert [item.name for item in kept][-1] == "e0 above 25 degC"
    assert min(len(item.rows) for item in kept) >= LEAST_UNITS


def test_a_small_lot_is_named_and_stays_in_learning() -> None:
    production = made(np.linspace(10, 34, 400))
    context = [{"lot": "L9"}, *production.context[1:]]
    found = regimes_of(PLAN, replace(production, context=context), ["lot:lot"])
    assert found.passed_over == (f"Alloy lot L9: too small (1 units, {LEAST_UNITS} are needed)",)


def test_of_many_lots_the_largest_are_left_out_and_the_others_counted() -> None:
    found = regimes_of(PLAN, made(np.linspace(10, 34, 600), lots=15), ["lot:lot"])
    assert len(found.kept) == MOST_OF_A_KIND
    assert found.passed_over == ("lot:lot: 3 more, not among the 12 largest of their kind",)


def test_what_cannot_be_told_is_refused_with_the_kinds_that_can() -> None:
    with pytest.raises(DataError, match=r"no such kind of regime.*band:e0"):
        regimes_of(PLAN, SUMMER, ["weather"])
    with pytest.raises(DataError, match="has no time"):
        regimes_of(PLAN, made(np.linspace(10, 34, 400), local=False), ["season"])
    with pytest.raises(DataError, match="only one such regime"):
        regimes_of(PLAN, SUMMER, ["season"])
    with pytest.raises(DataError, match="no two regimes"):
        regimes_of(PLAN, made(np.full(40, 20.0), lots=1, local=False))


def test_seasons_are_named_by_their_months() -> None:
    production = made(np.linspace(10, 34, 400))
    later = replace(production, local=JUNE + np.arange(400, dtype=np.int64) * DAY // 4)
    names = [item.name for item in regimes_of(PLAN, later, ["season"]).kept]
    assert names == ["June to August", "September to November"]


@given(st.lists(st.floats(-20, 50, width=16), min_size=2 * LEAST_UNITS, max_size=200), st.integers(1, 6))
def test_a_unit_is_in_one_regime_of_a_kind_at_most_and_never_both_learned_from_and_judged(
    hall: list[float], lots: int
) -> None:
    production = made(np.array(hall), lots=lots)
    try:
        found = regimes_of(PLAN, production)
    except DataError:
        return
    for kind in {item.kind for item in found.kept}:
        rows = np.concatenate([item.rows for item in found.kept if item.kind == kind])
        assert len(set(rows.tolist())) == len(rows)
    for fold in leave_one_regime_out([(item.kind, item.name, item.rows) for item in found.kept], len(production)):
        assert len(fold.test) >= LEAST_UNITS
        assert len(fold.train) >= LEAST_UNITS
        assert sorted([*fold.train, *fold.test]) == list(range(len(production)))
