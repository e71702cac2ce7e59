"""What is measured of parts at the plant corrects what a gateway's model expects of the next, and survives a kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lineside.apps.gateway.models import ModelShelf
from lineside.apps.plant.measured_book import MeasuredBook
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import JudgementState, Prediction
from lineside.flows import measurements
from lineside.flows.judge import LineJudge
from lineside.flows.measurements import Asked, Told, keep_measurements, serve_measurements
from lineside.learn.fit import FitRequest, fit
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_record, part_table
from lineside.testing.peers.ports import until
from lineside.testing.shelves import offered, started
from lineside.wire.bundle import Bundle
from lineside.wire.subjects import Subjects

PLAN = modelling_plan(2, model={"family": "regression"}, kind="variable", specification={"lsl": 90.0, "usl": 110.0})
SUBJECTS = Subjects("site", "line", "gateway")
DRIFT = 9.0
"""What the values of later parts have moved by, which no signal shows."""


def value_of(row: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(100.0 + 2.0 * row[0])


@cache
def bundle() -> Bundle:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(600, 2))
    truth = [f"{value_of(row) + 0.5 * noise:.4f}" for row, noise in zip(rows, rng.normal(size=600), strict=True)]
    return fit(FitRequest(plan=PLAN, characteristic=CHARACTERISTIC, table=part_table(PLAN, rows, truth))).bundle


def parts(first: int, count: int) -> list[PartRecord]:
    rows = np.random.default_rng(first).normal(size=(count, 2))
    return [part_record(PLAN, row, first + i) for i, row in enumerate(rows)]


def measured(part: PartRecord, *, value: float | None = None) -> Outcome:
    found = value_of(part.features) + DRIFT if value is None else value
    return Outcome(unit=part.unit, characteristic=CHARACTERISTIC, value=repr(found), found=part.ended, source="lab")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return offered(tmp_path, bundle())


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "ASK_SECONDS", 0.01)
    monkeypatch.setattr(measurements, "RETRY_SECONDS", 0.01)


@asynccontextmanager
async def hearing(shelf: ModelShelf, bus: FakeBus) -> AsyncIterator[list[str]]:
    """Let a gateway ask for the length of a block; give the units that it has heard of."""
    heard: list[str] = []

    def take(characteristic: str, found: object) -> None:
        shelf.measured(characteristic, found)  # type: ignore[arg-type]
        heard.extend(unit for unit, _ in found)  # type: ignore[attr-defined]

    asking = asyncio.create_task(keep_measurements(bus, SUBJECTS, [CHARACTERISTIC], take))
    try:
        yield heard
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


def judged(line: LineJudge, some: list[PartRecord]) -> list[Prediction]:
    return [item for part in some for item in line.judge([part], part.ended).predictions]


async def test_a_drift_that_no_signal_shows_is_corrected_by_what_was_measured(root: Path) -> None:
    shelf, line = await started(PLAN, root, [])
    book, bus = MeasuredBook(PLAN), FakeBus()
    await serve_measurements(bus, SUBJECTS, book.tell)
    early, late = parts(1_000, 40), parts(2_000, 20)
    before = judged(line, early)
    assert {item.bias for item in before} == {None}
    assert {item.state for item in before} == {JudgementState.NORMAL}
    async with hearing(shelf, bus) as heard:
        book.take([measured(part) for part in early])
        await until(lambda: len(heard) == 40)
    after = judged(line, late)
    assert [item.measured for item in after] == [40] * 20
    for item, part in zip(after, late, strict=True):
        assert item.bias is not None
        assert item.low is not None
        assert item.high is not None
        assert item.low < value_of(part.features) + DRIFT < item.high
        assert float(item.predicted) - item.bias == pytest.approx(value_of(part.features), abs=1.0)
        assert (item.state is JudgementState.ALARM) == (item.score > item.limit)
    assert any(item.state is JudgementState.ALARM for item in after)


async def test_a_kill_loses_nothing_that_was_measured_and_a_second_word_on_a_part_changes_nothing(root: Path) -> None:
    early, late = parts(1_000, 40), parts(2_000, 10)
    told = [measured(part) for part in early]
    book, bus = MeasuredBook(PLAN), FakeBus()
    await serve_measurements(bus, SUBJECTS, book.tell)
    book.take(told)
    whole, line = await started(PLAN, root, [])
    judged(line, early)
    whole.measured(CHARACTERISTIC, [(item.unit, float(item.value)) for item in told])
    expected = judged(line, late)
    shelf, line = await started(PLAN, root, [])
    judged(line, early)
    shelf.measured(CHARACTERISTIC, [(item.unit, float(item.value)) for item in told[:15]])
    await shelf.settle()
    shelf.measured(CHARACTERISTIC, [(item.unit, float(item.value)) for item in told[15:30]])  # a kill comes here
    again, line = await started(PLAN, root, [])
    book.take([measured(part, value=50.0) for part in early])
    async with hearing(again, bus) as heard:
        await until(lambda: len(heard) == 40)
    found = judged(line, late)
    assert [(item.predicted, item.low, item.bias, item.measured) for item in found] == [
        (item.predicted, item.low, item.bias, item.measured) for item in expected
    ]


async def test_while_the_plant_is_away_the_last_correction_holds_and_what_was_missed_comes_after(root: Path) -> None:
    shelf, line = await started(PLAN, root, [])
    early = parts(1_000, 40)
    judged(line, early)
    first, second, bus = MeasuredBook(PLAN), MeasuredBook(PLAN), FakeBus()
    at_work = [first]

    def tell(asked: Asked) -> Told:
        return at_work[0].tell(asked)

    await serve_measurements(bus, SUBJECTS, tell)
    async with hearing(shelf, bus) as heard:
        first.take([measured(part) for part in early[:20]])
        await until(lambda: len(heard) == 20)
        bus.down = True
        (alone,) = judged(line, parts(2_000, 1))
        assert alone.measured == 20
        second.take([measured(part) for part in early])
        at_work[0] = second  # the plant has started anew and counts from one
        bus.down = False
        await until(lambda: len(heard) == 60)
    (later,) = judged(line, parts(3_000, 1))
    assert later.measured == 40
