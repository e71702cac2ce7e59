"""The simulated line says everything once, in order, and goes on from its checkpoint."""

from pathlib import Path

import pytest

import lineside.apps.demo
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.line import (
    Checkpoint,
    Said,
    SimulatedLine,
    read_checkpoint,
    write_checkpoint,
)
from lineside.apps.demo.physics.cell import Cell, CellState
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.downstream import INSPECTED
from lineside.apps.demo.physics.faults import FaultKind
from lineside.domain.errors import IntegrityError
from lineside.domain.outcomes import NONCONFORMING, Outcome
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.readings import Catalogue
from lineside.domain.units import HOUR, MINUTE, SECOND

START = 1_750_000_000_000_000_000


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    path = Path(lineside.apps.demo.__file__).with_name("plan.yaml")
    plan = load_plan(path)
    return catalogue_for(plan)


def a_line(catalogue: Catalogue, start: Checkpoint | None = None) -> SimulatedLine:
    begin = start or Checkpoint(seed=5, said=START, cell=CellState(time=START))
    return SimulatedLine(begin, Cell(CellConfig(), begin.seed, begin.cell), catalogue)


def run(line: SimulatedLine, since: int, until: int, step: int = 7 * SECOND) -> tuple[list[Said], list[Outcome]]:
    said, found = [], []
    for now in range(since + step, until + 1, step):
        more, outcomes = line.advance(now)
        said += more
        found += outcomes
    return said, found


def told(said: list[Said]) -> list[tuple[int, str, float | str]]:
    return sorted((item.time, item.signal, item.value) for item in said)


def test_readings_come_in_order_of_time_and_only_once(catalogue: Catalogue) -> None:
    said, _ = run(a_line(catalogue), START, START + HOUR)
    times = [item.time for item in said]
    assert times == sorted(times)
    assert len({(item.time, item.signal, item.order) for item in said}) == len(said)
    assert {item.signal for item in said} == set(catalogue.signals)


def test_inspection_speaks_of_every_part_once_and_after_its_way_through_the_line(catalogue: Catalogue) -> None:
    _, found = run(a_line(catalogue), START, START + 2 * HOUR)
    porosity = [outcome for outcome in found if outcome.characteristic == "porosity"]
    assert len({outcome.unit for outcome in porosity}) == len(porosity) > 80
    assert porosity[0].found == START + INSPECTED


@pytest.mark.parametrize("minutes", [1, 17, 64, 119])
def test_a_second_start_goes_on_where_the_first_ended(catalogue: Catalogue, minutes: int) -> None:
    whole, whole_found = run(a_line(catalogue), START, START + 3 * HOUR, step=MINUTE)
    middle = START + minutes * MINUTE
    first = a_line(catalogue)
    said, found = run(first, START, middle, step=MINUTE)
    second = a_line(catalogue, read_checkpoint(write_checkpoint(first.checkpoint())))
    more, more_found = run(second, middle, START + 3 * HOUR, step=MINUTE)
    assert told(said + more) == told(whole)
    assert sorted(map(repr, found + more_found)) == sorted(map(repr, whole_found))


def test_a_fault_survives_a_second_start(catalogue: Catalogue) -> None:
    first = a_line(catalogue)
    run(first, START, START + HOUR)
    first.begin(FaultKind.CHILLER_VALVE, START + HOUR, 2 * HOUR)
    second = a_line(catalogue, read_checkpoint(write_checkpoint(first.checkpoint())))
    _, found = run(second, START + HOUR, START + 4 * HOUR)
    bad = [outcome for outcome in found if outcome.characteristic == "porosity" and outcome.value == NONCONFORMING]
    assert len(bad) > 20
    assert not second.active(START + 4 * HOUR)


def test_a_fault_that_is_mended_ends_with_the_next_shot(catalogue: Catalogue) -> None:
    line = a_line(catalogue)
    line.advance(START + HOUR)
    line.begin(FaultKind.VACUUM_LEAK, START + HOUR, HOUR)
    assert [fault.kind for fault in line.active(START + HOUR)] == [FaultKind.VACUUM_LEAK]
    assert line.finish(FaultKind.VACUUM_LEAK, START + HOUR + MINUTE)
    assert not line.active(START + HOUR + 3 * MINUTE)


def test_a_checkpoint_stays_small(catalogue: Catalogue) -> None:
    line = a_line(catalogue)
    for hour in range(1, 8):
        line.begin(FaultKind.VACUUM_LEAK, START + hour * HOUR, 10 * MINUTE)
        line.advance(START + hour * HOUR)
    assert len(write_checkpoint(line.checkpoint())) < 1000


def test_what_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(IntegrityError, match="not a checkpoint"):
        read_checkpoint(b"{}")
