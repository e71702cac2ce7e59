"""Whatever order readings come in, the newest revisions of the parts are in the end the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.corrections import LeftAlone
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.late_readings import LateReadings
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState
from lineside.domain.readings import ReadingBatch, make_batch
from lineside.domain.units import HOUR, SECOND
from lineside.flows.correct import Corrector
from lineside.flows.judge import LineJudge
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.fakes.past import FakePast
from lineside.testing.plans import CASTING
from lineside.wire.records import RecordKind

CYCLE = 20
Row = tuple[int, str, float | str]
"""Second since the start, signal, value."""
BY_TRIGGER = {"by": "trigger", "signal": "running", "longest": "1 min"}
BY_NEXT = BY_TRIGGER | {"ends": "next"}
BY_SERIAL = {"by": "serial", "signal": "serial", "longest": "1 min"}
BY_WINDOW = {"by": "window", "length": "20 s"}


def a_plan(cycle: dict[str, Any]) -> Plan:
    press, chiller = {"station": "cast", "source": "press"}, {"station": "cast", "source": "chiller"}
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "press", "kind": "opcua"}, {"id": "chiller", "kind": "mqtt"}],
            "stations": [{"id": "cast", "cycle": cycle, "lateness": "2 s", "serial": "serial"}],
            "signals": [
                {"id": "running", "role": "trigger", **press},
                {"id": "serial", "type": "text", "role": "trigger", **press},
                {"id": "lot", "type": "text", "role": "context", **chiller},
                {"id": "flow", "features": ["mean", "p50", "count"], **chiller},
                {"id": "hall", "role": "environment", **chiller},
            ],
            "characteristics": [{"id": "porosity", "station": "cast"}],
        }
    )


def a_stream(cycles: int) -> list[Row]:
    """Return what a line says in order: a cycle every 20 s, 12 s long, with five values of the flow each."""
    rows: list[Row] = [(0, "running", 0.0), (0, "hall", 20.0), (0, "lot", "L0")]
    for number in range(cycles):
        start = 5 + number * CYCLE
        rows += [(start - 2, "serial", f"P{number}"), (start, "running", 1.0), (start + 12, "running", 0.0)]
        rows += [(start + second, "flow", 10.0 * number + second) for second in (1, 4, 6, 9, 14)]
        rows += [(start + 7, "hall", 20.0 + number), (start - 3, "lot", f"L{number // 4}")]
    return rows


class Line:
    """A gateway's judge, the history behind it and the corrector."""

    def __init__(self, cycle: dict[str, Any], limit: float = 1_000.0) -> None:
        self.plan = a_plan(cycle)
        self.limit = limit
        self.catalogue = catalogue_for(self.plan)
        self.clock = ManualClock()
        self.judge = LineJudge(self.plan, self.catalogue, {"cast": self.a_judge()}.get, "g")
        self.past = FakePast(self.catalogue)
        self.audit = FakeAudit("plant", self.clock)
        self.alerts: list[AlertEvent] = []
        self.corrector = Corrector(
            plan=self.plan,
            past=self.past,
            caught_up=self.caught_up,
            judge_of=lambda *_: self.a_judge(),
            open_alerts=lambda _: self.alerts,
            submit=self.submit,
            audit=self.audit,
            clock=self.clock,
        )

    def a_judge(self) -> FakeJudge:
        recipe = CycleAssembler(self.plan, "cast", self.catalogue).recipe
        assert recipe.names[0] == "flow.mean"
        return FakeJudge("porosity", limit=self.limit, width=len(recipe.names), cause="flow")

    async def caught_up(self) -> None:
        return

    async def submit(self, kind: RecordKind, items: Sequence[Any]) -> None:
        if kind is RecordKind.PARTS:
            self.past.all_parts += items
        elif kind is RecordKind.PREDICTIONS:
            self.past.judgements += items
        else:
            self.alerts += items

    def batch(self, rows: Sequence[Row], received: Sequence[int] | None = None) -> ReadingBatch:
        texts = tuple(dict.fromkeys(value for _, _, value in rows if isinstance(value, str)))
        return make_batch(
            self.catalogue,
            [self.catalogue.codes()[name] for _, name, _ in rows],
            [A_MOMENT + second * SECOND for second, _, _ in rows],
            [texts.index(value) if isinstance(value, str) else value for _, _, value in rows],
            receive_time=None if received is None else [A_MOMENT + second * SECOND for second in received],
            texts=texts,
        )

    def arrive(self, rows: Sequence[Row], at: int) -> None:
        """Let readings arrive together at a second."""
        self.clock.move(max(0, A_MOMENT + at * SECOND - self.clock.now()))
        batch = self.batch(rows, [at] * len(rows))
        self.past.add(batch)
        judged = self.judge.push(batch, self.clock.now())
        self.past.all_parts += judged.parts
        self.past.judgements += judged.predictions
        self.past.note(judged.late)

    async def end(self) -> None:
        """Let time pass until everything is noted and looked at."""
        judged = self.judge.flush(self.clock.now())
        self.past.all_parts += [part for part in judged.parts if not part.incomplete]
        self.past.note(judged.late)
        self.clock.move(HOUR)
        await self.corrector.look()

    def truth(self, rows: Sequence[Row]) -> list[PartRecord]:
        """Return the parts that readings give when none is late."""
        last = A_MOMENT + max(second for second, _, _ in rows) * SECOND
        return CycleAssembler(self.plan, "cast", self.catalogue).settle(self.batch(rows), last)


def said_of(parts: Sequence[PartRecord]) -> list[tuple[object, ...]]:
    """Return what a part says but for when it was known."""
    return [
        (
            part.cycle_id, part.unit, part.started, part.ended, dict(part.context), part.readings, part.missing,
            part.incomplete, part.features.tobytes(),
        )
        for part in parts
    ]  # fmt: skip


def by_second(rows: Sequence[tuple[int, Row]]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for at, row in sorted(rows, key=lambda item: item[0]):
        found.setdefault(at, []).append(row)
    return found


async def run(line: Line, arrivals: Sequence[tuple[int, Row]], looks: Sequence[int] = ()) -> None:
    """Let rows arrive, each at a second; look at some seconds in between, and at the end."""
    waiting = sorted(looks)
    for at, rows in by_second(arrivals).items():
        while waiting and waiting[0] < at:
            waiting.pop(0)
            await line.corrector.look()
        line.arrive(rows, at)
    await line.end()


LENGTH = 12 * CYCLE
holds = st.lists(
    st.tuples(
        st.sampled_from(["flow", "hall", "lot", "serial", "running"]),
        st.integers(0, LENGTH - 3 * CYCLE),
        st.integers(1, 3 * CYCLE),
        st.integers(5, 8 * CYCLE),
    ),
    max_size=4,
)
"""Stretches of a signal that are held back and come at once: signal, begin, length, how long after their end."""


@pytest.mark.parametrize(
    "cycle", [BY_TRIGGER, BY_NEXT, BY_SERIAL, BY_WINDOW], ids=["falling", "next", "serial", "window"]
)
@given(held=holds, shuffle=st.randoms(use_true_random=False), looks=st.lists(st.integers(0, 2 * LENGTH), max_size=5))
@settings(max_examples=40, deadline=None)
async def test_any_order_of_arrival_gives_in_the_end_the_same_newest_parts(
    cycle: dict[str, Any], held: list[tuple[str, int, int, int]], shuffle: Any, looks: list[int]
) -> None:
    rows = a_stream(16)
    arrivals = []
    for second, name, value in rows:
        releases = [
            first + length + after
            for signal, first, length, after in held
            if signal == name and first <= second < first + length
        ]
        late = shuffle.choice([0, 0, 0, 0, 1, 3, 25]) if second < LENGTH else 0
        arrivals.append((max([second + late, *releases]), (second, name, value)))
    line = Line(cycle)
    await run(line, arrivals, looks)
    truth = line.truth(rows)
    found = said_of([part for part in line.past.newest if part.ended <= truth[-1].ended])
    assert found == said_of(truth), line.corrector.counts


def late(rows: Sequence[Row], name: str, first: int, last: int, at: int) -> list[tuple[int, Row]]:
    """Return rows that arrive at once but those of a signal between two seconds, which all come later."""
    return [(at if row[1] == name and first <= row[0] < last else row[0], row) for row in rows]


async def test_a_late_buffer_makes_a_revision_beside_what_was_judged() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(10)
    await run(line, late(rows, "flow", 45, 65, 120))
    before, after = [part for part in line.past.all_parts if part.unit == "P2"]
    assert (before.revision, before.missing, before.changed) == (0, ("flow",), ())
    assert (after.revision, after.missing, after.late) == (1, (), True)
    assert after.changed == ("readings", "missing", "flow.mean", "flow.p50", "flow.count")
    assert line.corrector.counts.revised == 1
    assert [entry.action for entry in await line.audit.entries()] == ["history.corrected"]


async def test_what_was_judged_is_judged_again_and_never_live() -> None:
    line, rows = Line(BY_TRIGGER, limit=15.0), a_stream(10)
    await run(line, late(rows, "flow", 45, 65, 120))
    first, again = [item for item in line.past.judgements if item.unit == "P2"]
    assert (first.state, first.revision) == (JudgementState.BAD_DATA, 0)
    assert (again.state, again.revision, again.late) == (JudgementState.ALARM, 1, True)
    [alert] = line.alerts
    assert (alert.kind, alert.late, alert.priority, alert.suspects) == (AlertKind.RAISED, True, "advisory", ("P2",))


async def test_a_part_that_was_in_alarm_before_raises_no_second_alert() -> None:
    line, rows = Line(BY_TRIGGER, limit=15.0), a_stream(10)
    await run(line, [(120, row) if row == (49, "flow", 24.0) else (row[0], row) for row in rows])
    assert line.corrector.counts.revised == 1
    assert not line.alerts


async def test_cycles_that_nobody_saw_are_made_from_what_comes_later() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(12)
    arrivals = [
        (150 if 60 <= row[0] < 120 and row[1] in {"running", "serial", "flow"} else row[0], row) for row in rows
    ]
    await run(line, arrivals)
    assert [part.unit for part in line.past.newest] == [f"P{number}" for number in range(12)]
    assert line.corrector.counts.made >= 2


async def test_a_cycle_that_never_was_is_withdrawn_and_kept() -> None:
    line, rows = Line(BY_NEXT), a_stream(8)
    twice = [row for row in rows if row != (57, "running", 0.0)]  # the edge that ends it is lost, and comes later
    bounce = [*twice, (51, "running", 0.0), (50, "running", 1.0)]
    line_rows = [(130 if row == (50, "running", 1.0) else row[0], row) for row in bounce]
    await run(line, line_rows)
    assert said_of(line.past.newest) == said_of(line.truth(bounce))


async def test_a_late_lot_holds_for_the_parts_after_it_until_another_is_named() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(12)
    rows = [row for row in rows if row[1] != "lot" or (row[2] in {"L0", "L1"} and row[0] in {0, 82})]
    await run(line, late(rows, "lot", 82, 83, 150), looks=[155, 175, 200, 240])
    assert [part.context["lot"] for part in line.past.newest][3:] == ["L0"] + ["L1"] * 8


async def test_a_buffer_that_empties_itself_is_no_clock_that_was_set_back() -> None:
    """All of the source is late for a while, and as if time passed in it; but it comes by many delays."""
    line, rows = Line(BY_WINDOW), a_stream(16)
    moved = {(182, "lot"): 207, (212, "hall"): 237}
    buffered = [(220 if row[1] == "flow" and 155 <= row[0] < 220 else moved.get(row[:2], row[0]), row) for row in rows]
    await run(line, buffered)
    truth = line.truth(rows)
    assert said_of([part for part in line.past.newest if part.ended <= truth[-1].ended]) == said_of(truth)


async def test_a_cycle_that_the_gateway_has_still_open_is_left_to_it() -> None:
    """Its readings are in the history a moment before its part is; what a late lot holds for reaches beyond it."""
    line, moved = Line(BY_SERIAL), {(162, "lot"): 165, (182, "lot"): 207}
    await run(line, [(moved.get(row[:2], row[0]), row) for row in a_stream(16)], looks=[203])
    names = [part.cycle_id for part in line.past.all_parts if part.revision == 0]
    assert len(names) == len(set(names))
    assert line.corrector.counts.left_alone == {}


async def test_readings_that_the_history_no_longer_has_change_nothing() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(10)
    for at, group in by_second(late(rows, "flow", 45, 50, 120)).items():
        line.arrive(group, at)
    kept = line.past.held.source_time != A_MOMENT + 51 * SECOND
    line.past.held = line.past.held.take(kept)
    await line.end()
    assert line.corrector.counts.left_alone == {LeftAlone.FEWER_READINGS: 1}
    assert line.corrector.counts.revised == 0


async def test_a_source_with_a_wrong_clock_corrects_nothing() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(30)
    slow = [
        (row[0], (row[0] - 300, row[1], row[2]) if row[1] in {"flow", "hall", "lot"} else row)
        for row in rows
        if row[0] > 5
    ]
    for at, group in by_second(slow).items():
        line.arrive(group, at)
    assert line.judge.counts["cast"].late > 100
    assert not line.past.notes()


async def test_a_note_waits_until_the_parts_that_it_concerns_are_made() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(4)
    for at, group in by_second([item for item in late(rows, "flow", 45, 50, 53) if item[0] < 56]).items():
        line.arrive(group, at)
    line.past.note(line.judge.flush(line.clock.now()).late)
    await line.corrector.look()
    assert line.past.notes()
    assert line.corrector.counts.readings == 0


async def test_cycles_whose_counter_began_again_are_left_alone() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(10)
    for at, group in by_second(late(rows, "flow", 45, 65, 120)).items():
        line.arrive(group, at)
    line.past.all_parts = [replace(part, cycle_id="cast-1-7") for part in line.past.all_parts]
    await line.end()
    assert line.corrector.counts.left_alone[LeftAlone.NAMED_TWICE] > 0
    assert not line.corrector.counts.revised


async def test_of_two_notes_in_one_record_the_one_that_waits_is_not_forgotten() -> None:
    line, rows = Line(BY_TRIGGER), a_stream(10)
    for at, group in by_second(late(rows, "flow", 45, 65, 120)).items():
        line.arrive(group, at)
    first = LateReadings(station="cast", first=A_MOMENT + 46 * SECOND, last=A_MOMENT + 46 * SECOND, count=1, recorded=0)
    second = replace(first, first=A_MOMENT + HOUR, last=A_MOMENT + HOUR, recorded=A_MOMENT + 2 * HOUR)
    line.past.note([first, second])
    await line.corrector.look()
    assert second in {note.late for note in line.past.notes()}
