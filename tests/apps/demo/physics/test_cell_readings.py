"""What the sensors read of the cell assembles into complete parts by the demo's own plan."""

from pathlib import Path

import numpy as np
import pytest

import lineside.apps.demo
from lineside.adapters.plan_yaml import check_file, load_plan
from lineside.apps.demo.physics.cell import Cell, CellState
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.physics.readings import readings
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.findings import errors_among
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Catalogue, concatenate

START = 1_750_000_000_000_000_000


@pytest.fixture(scope="module")
def plan() -> Plan:
    path = Path(lineside.apps.demo.__file__).with_name("plan.yaml")
    return load_plan(path)


@pytest.fixture(scope="module")
def catalogue(plan: Plan) -> Catalogue:
    return catalogue_for(plan)


def test_every_signal_of_the_plan_is_read_within_its_plausible_range(plan: Plan, catalogue: Catalogue) -> None:
    batch = readings(Cell(CellConfig(), 5, CellState(time=START)).step(700), catalogue)
    for code, signal in enumerate(plan.signals):
        values = batch.value[batch.signal == code]
        assert len(values) >= 700, signal.id
        if signal.range is not None:
            assert signal.range[0] <= values.min() <= values.max() <= signal.range[1], signal.id


@pytest.mark.parametrize("station", ["cast", "trim", "quench", "leak_test", "xray"])
def test_every_shot_becomes_one_complete_part_at_every_station(plan: Plan, catalogue: Catalogue, station: str) -> None:
    cell = Cell(CellConfig(), 5, CellState(time=START))
    assembler = CycleAssembler(plan, station, catalogue)
    blocks = [cell.step(40) for _ in range(3)]
    said = concatenate(readings(block, catalogue) for block in blocks)
    # A block's parts reach the last stations when the next has begun: as it arrives, time does not go back.
    parts = assembler.push(said.take(np.argsort(said.source_time, kind="stable"))) + assembler.flush()
    serials = [serial for block in blocks for serial in block.serials]
    assert [part.unit for part in parts] == serials
    assert not any(part.incomplete or part.missing for part in parts[1:])
    assert all(np.isfinite(part.features).all() for part in parts[1:])


def test_readings_of_blocks_are_those_of_the_whole(catalogue: Catalogue) -> None:
    whole = readings(Cell(CellConfig(), 5, CellState(time=START)).step(30), catalogue)
    cell = Cell(CellConfig(), 5, CellState(time=START))
    parts = [readings(cell.step(10), catalogue) for _ in range(3)]
    assert sum(map(len, parts)) == len(whole)
    assert set(np.concatenate([part.source_time for part in parts]).tolist()) == set(whole.source_time.tolist())


def test_a_stuck_sensor_reads_on_what_it_read_last(catalogue: Catalogue) -> None:
    cell = Cell(CellConfig(), 5, CellState(time=START))
    cell.step(60)
    fault = cell.begin(FaultKind.SENSOR_STUCK, at=cell.state.time)
    batch = readings(cell.step(20), catalogue)
    stuck = batch.value[batch.signal == catalogue.codes()["die_temperature_moving"]]
    assert set(stuck.tolist()) == {fault.value}


def test_a_drifting_sensor_leaves_the_truth_slowly(catalogue: Catalogue) -> None:
    cell = Cell(CellConfig(), 5, CellState(time=START))
    cell.step(200)
    cell.begin(FaultKind.SENSOR_DRIFT, at=cell.state.time)
    block = cell.step(200)
    batch = readings(block, catalogue)
    read = batch.value[batch.signal == catalogue.codes()["die_temperature_fixed"]].reshape(200, 8).mean(axis=1)
    assert abs((read - block.thermal.fixed)[:5].mean()) < 5
    assert (read - block.thermal.fixed)[-5:].mean() > 20


def test_times_are_whole_microseconds(catalogue: Catalogue) -> None:
    batch = readings(Cell(CellConfig(), 5, CellState(time=START)).step(20), catalogue)
    assert not (batch.source_time % 1000).any()


def test_the_plan_of_the_demo_has_no_mistakes() -> None:
    checked = check_file(Path(lineside.apps.demo.__file__).with_name("plan.yaml"))
    assert not errors_among(checked.findings)
    assert {finding.code for finding in checked.findings} <= {"outside-experience"}
