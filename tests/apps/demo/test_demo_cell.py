"""The cell's process answers a command once its checkpoint holds what the command did."""

from pathlib import Path

import pytest

from lineside.adapters.clocks import ProcessClock
from lineside.adapters.plan_yaml import parse_plan
from lineside.apps.demo import commands
from lineside.apps.demo.cell import CellProcess, CellSettings
from lineside.apps.demo.chiller import Chiller
from lineside.apps.demo.line import Checkpoint, SimulatedLine, read_checkpoint
from lineside.apps.demo.physics.cell import Cell, CellState
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.run import packaged_plan
from lineside.apps.demo.vacuum import VacuumUnit
from lineside.apps.link import Link
from lineside.domain.plan.catalogue import catalogue_for

START = 1_750_000_000_000_000_000


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.json"


@pytest.fixture
def process(checkpoint: Path) -> CellProcess:
    """The process with none of its machines started: what is asked of it needs none."""
    plan = parse_plan(packaged_plan(), "demo")
    clock = ProcessClock(1.0, START, START)
    begin = Checkpoint(seed=5, said=START, cell=CellState(time=START))
    line = SimulatedLine(begin, Cell(CellConfig(), begin.seed, begin.cell), catalogue_for(plan))
    settings = CellSettings(
        plan="", data="", clock="", machine_port=0, broker_port=0, link_port=0, chiller_port=0, opening=0
    )
    vacuum = VacuumUnit(0, "", "", clock.now)
    return CellProcess(settings, clock, line, Link("127.0.0.1", 1, 0), vacuum, Chiller(plan, 1), checkpoint)


def kept(checkpoint: Path) -> list[FaultKind]:
    """Return the faults in the checkpoint; none where there is none."""
    if not checkpoint.exists():
        return []
    return [fault.kind for fault in read_checkpoint(checkpoint.read_bytes()).cell.faults]


async def test_what_was_broken_stays_broken_if_the_cell_dies_right_after_its_answer(
    process: CellProcess, checkpoint: Path
) -> None:
    answer = await process.answer(commands.encode(commands.Command("start", "hot_day")))
    assert "hot_day" in commands.read_status(answer).broken
    assert kept(checkpoint) == [FaultKind.HOT_DAY]


async def test_an_unknown_episode_is_refused_in_words(process: CellProcess) -> None:
    answer = await process.answer(commands.encode(commands.Command("start", "flood")))
    assert "flood" in commands.read_status(answer).problem
