"""Late data corrects a real history: landing table, Delta tables and the plant's corrector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.apps.layout import Layout
from lineside.apps.plant.correcting import corrector_of
from lineside.apps.plant.floor import Floor
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import ReadingBatch, make_batch
from lineside.domain.units import MINUTE, SECOND
from lineside.flows.compact import Compactor
from lineside.flows.judge import LineJudge
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.plans import CASTING
from lineside.wire.codecs import encode_catalogue, encode_items, encode_readings
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack

Row = tuple[int, str, float | str]


@pytest.fixture
def plan() -> Plan:
    place = {"station": "cast", "source": "press"}
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "press", "kind": "opcua"}, {"id": "chiller", "kind": "mqtt"}],
            "stations": [
                {"id": "cast", "cycle": {"by": "trigger", "signal": "running", "longest": "1 min"}, "serial": "serial"}
            ],
            "signals": [
                {"id": "running", "role": "trigger", **place},
                {"id": "serial", "type": "text", "role": "trigger", **place},
                {"id": "flow", "features": ["mean", "count"], "station": "cast", "source": "chiller"},
            ],
            "characteristics": [{"id": "porosity", "station": "cast"}],
        }
    )


class Line:
    """A gateway's judge whose records land at a plant with a history and a corrector."""

    def __init__(self, plan: Plan, root: Path) -> None:
        self.plan, self.catalogue, self.layout = plan, catalogue_for(plan), Layout(root)
        self.layout.create()
        self.clock = ManualClock()
        self.judge = LineJudge(plan, self.catalogue, lambda _: None, "g")
        self.floor = Floor(plan)
        self.sequence = 0

    async def open(self) -> Line:
        self.landing = await SqliteLanding.open(self.layout.landing)
        recipe = CycleAssembler(self.plan, "cast", self.catalogue).recipe
        self.history = await DeltaHistory.open(self.layout.history, {recipe.digest: recipe.names})
        self.compactor = Compactor(landing=self.landing, history=self.history)
        self.corrector = corrector_of(
            plan=self.plan, layout=self.layout, landing=self.landing, history=self.history, floor=self.floor,
            audit=FakeAudit("plant", self.clock), clock=self.clock, follow=self.follow,
        )  # fmt: skip
        await self.land(RecordKind.CATALOGUE, encode_catalogue(self.catalogue), 1)
        return self

    async def follow(self, _: Record) -> None:
        return

    async def land(self, kind: RecordKind, body: bytes, count: int) -> None:
        self.sequence += 1
        header = RecordHeader("g", "e", self.sequence, "works", "dc07", kind, count, self.clock.now())
        await self.landing.land([unpack(pack(header, body))])

    def batch(self, rows: Sequence[Row]) -> ReadingBatch:
        texts = tuple(dict.fromkeys(value for _, _, value in rows if isinstance(value, str)))
        return make_batch(
            self.catalogue,
            [self.catalogue.codes()[name] for _, name, _ in rows],
            [A_MOMENT + second * SECOND for second, _, _ in rows],
            [texts.index(value) if isinstance(value, str) else value for _, _, value in rows],
            receive_time=self.clock.now(),
            texts=texts,
        )

    async def arrive(self, rows: Sequence[Row], at: int, *, replayed: bool = False) -> None:
        self.clock.move(A_MOMENT + at * SECOND - self.clock.now())
        batch = self.batch(rows)
        judged = self.judge.push(batch, self.clock.now(), replayed=replayed)
        await self.land(RecordKind.READINGS, encode_readings(batch), len(batch))
        for kind, items in ((RecordKind.PARTS, judged.parts), (RecordKind.LATE, judged.late)):
            if items:
                await self.land(kind, encode_items(items), len(items))

    async def live(self, rows: Sequence[Row]) -> None:
        for row in sorted(rows):
            await self.arrive([row], row[0])

    async def correct(self) -> None:
        await self.compactor.round()
        await self.corrector.look()
        await self.compactor.round()


@pytest.fixture
async def line(plan: Plan, tmp_path: Path) -> Line:
    return await Line(plan, tmp_path).open()


def a_cycle(number: int) -> list[Row]:
    start = number * 20
    return [
        (start, "running", 0.0),
        (start + 1, "serial", f"P{number}"),
        (start + 2, "running", 1.0),
        (start + 14, "running", 0.0),
    ]


def flows(number: int) -> list[Row]:
    return [(number * 20 + second, "flow", float(number + second)) for second in (3, 6, 9)]


async def an_outage(line: Line) -> None:
    """Let six cycles pass; what the chiller said during the third and fourth comes from its buffer afterwards."""
    for number in range(6):
        await line.live(a_cycle(number) + ([] if number in {2, 3} else flows(number)))
    await line.arrive(flows(2) + flows(3), 116, replayed=True)
    for number in range(6, 9):
        await line.live(a_cycle(number) + flows(number))


async def test_the_newest_revision_is_what_is_asked_for_and_the_old_one_is_kept(line: Line) -> None:
    await an_outage(line)
    await line.correct()
    query = HistoryQuery(line.layout.history)
    newest = {part.unit: part for part in query.parts("cast")}
    assert [(part.revision, part.late, part.readings) for part in newest.values()] == [
        (1, True, 4) if unit in {"P2", "P3"} else (0, False, 4) for unit in newest
    ]
    judged = {part.unit: part for part in query.parts("cast", as_judged=True)}
    assert [unit for unit, part in judged.items() if part.missing] == ["P2", "P3"]
    assert [row["n"] for row in query.sql("SELECT count(*) AS n FROM part_revisions").to_pylist()] == [10]
    assert query.parts_wide("cast").column("flow.mean").to_pylist()[2] == 8.0
    assert line.corrector.counts.revised == 2


async def test_what_is_done_is_not_done_again_after_a_restart(line: Line) -> None:
    await an_outage(line)
    await line.correct()
    again = await Line(line.plan, line.layout.root).open()
    again.clock.move(10 * MINUTE)
    await again.correct()
    assert again.corrector.counts.readings == 0
    assert HistoryQuery(line.layout.history).counts()["parts"] == 10


async def test_a_look_that_was_cut_before_it_was_noted_changes_nothing_more(line: Line) -> None:
    await an_outage(line)
    await line.correct()
    line.layout.corrected.unlink()
    again = await Line(line.plan, line.layout.root).open()
    again.clock.move(10 * MINUTE)
    await again.correct()
    assert again.corrector.counts.readings == 6
    assert HistoryQuery(line.layout.history).counts()["parts"] == 10
