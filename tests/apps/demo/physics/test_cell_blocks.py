"""The cell gives the same shots however they are cut, and keeps its heat balance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.apps.demo.physics.cell import Cell, CellState, ShotBlock, defective
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.physics.thermal import run_node
from lineside.domain.units import DAY, HOUR, MINUTE

START = 1_750_000_000_000_000_000


def cell(seed: int = 3, start: int = START) -> Cell:
    return Cell(CellConfig(), seed, CellState(time=start))


def columns(block: ShotBlock) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    groups = (block.schedule, block.climate, block.thermal, block.injection, block.quality)
    return {name: getattr(group, name) for group in groups for name in group.__slots__}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=5), st.integers(0, 2**31))
def test_shots_are_the_same_however_they_are_cut_into_blocks(cuts: list[int], seed: int) -> None:
    whole = columns(cell(seed).step(sum(cuts)))
    piecewise = cell(seed)
    parts = [columns(piecewise.step(count)) for count in cuts]
    for name, column in whole.items():
        np.testing.assert_allclose(np.concatenate([part[name] for part in parts]), column, rtol=1e-12, err_msg=name)


def test_a_cell_goes_on_from_its_state() -> None:
    first = cell()
    first.step(50)
    first.begin(FaultKind.VACUUM_LEAK, at=first.state.time)
    second = Cell(CellConfig(), 3, first.state)
    for one, other in zip(columns(first.step(20)).values(), columns(second.step(20)).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_other_shots() -> None:
    assert not np.array_equal(cell(1).step(50).quality.pores, cell(2).step(50).quality.pores)


def test_every_joule_that_enters_a_die_half_leaves_it_or_warms_it() -> None:
    config = CellConfig()
    block = cell().step(700)
    half, schedule, thermal = config.die.moving, block.schedule, block.thermal
    valve = thermal.flow / (config.die.fixed.flow + half.flow)
    run = run_node(half, schedule, block.climate.hall, thermal.heat, (valve, thermal.water_in), 165.0)
    stored = half.capacity * (run.end - run.start)
    np.testing.assert_allclose(
        half.share * thermal.heat, stored + run.to_water + run.to_spray + run.to_hall, rtol=1e-9, atol=1e-3
    )


def test_the_die_of_a_month_runs_at_temperatures_that_the_trade_would_recognise() -> None:
    block = cell().step(20_000)
    settled = block.schedule.since_break > 30
    assert 150 < block.thermal.moving[settled].mean() < 230
    assert block.thermal.moving[settled].std() < 10
    assert 35 < 1e3 * block.injection.fill_time.mean() < 50
    assert 40 < block.injection.gate_velocity.mean() < 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_to_three_percent_of_parts_do_not_conform_when_nothing_is_wrong(seed: int) -> None:
    assert 0.005 < defective(cell(seed).step(20_000)).mean() < 0.03


@pytest.mark.parametrize(
    ("kind", "defect", "least"),
    [
        (FaultKind.CHILLER_VALVE, "porosity", 0.4),
        (FaultKind.VACUUM_LEAK, "porosity", 0.25),
        (FaultKind.PLUNGER_WEAR, "cold_shut", 0.08),
        (FaultKind.ALLOY_LOT, "porosity", 0.05),
    ],
)
def test_a_fault_brings_its_own_defect(kind: FaultKind, defect: str, least: float) -> None:
    running = cell()
    running.step(100)
    running.begin(kind, at=running.state.time)
    block = running.step(450)
    assert getattr(block.quality, defect)[50:].mean() > least
    running.finish(kind, at=running.state.time)
    running.step(150)
    assert getattr(running.step(300).quality, defect).mean() < least / 2


def test_a_hot_day_moves_the_die_but_hardly_the_defects() -> None:
    usual, hot = cell(), cell()
    hot.begin(FaultKind.HOT_DAY, at=START - HOUR)
    cool, warm = usual.step(4000), hot.step(4000)
    assert (warm.thermal.moving - cool.thermal.moving)[100:].mean() > 3.0
    assert (warm.climate.hall - cool.climate.hall).mean() > 8.0
    assert defective(warm).mean() < defective(cool).mean() + 0.01


@pytest.mark.parametrize("kind", [FaultKind.SENSOR_STUCK, FaultKind.SENSOR_DRIFT])
def test_a_sensor_fault_changes_nothing_about_the_parts(kind: FaultKind) -> None:
    usual, faulty = cell(), cell()
    faulty.begin(kind, at=START)
    for one, other in zip(columns(usual.step(300)).values(), columns(faulty.step(300)).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_summer_is_warmer_than_winter() -> None:
    winter, summer = cell(start=START - 150 * DAY), cell(start=START + 30 * DAY)
    assert summer.step(1900).climate.hall.mean() > winter.step(1900).climate.hall.mean() + 5


def test_after_a_standstill_the_die_is_cold() -> None:
    running = cell()
    running.step(300)
    running.stand_until(running.state.time + 10 * MINUTE)
    assert running.step(1).thermal.moving[0] < 170
