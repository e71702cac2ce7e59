"""A line of two stations and two sources: what one lacks or does never holds the other."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.health.sources import SourceCondition
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Catalogue, ReadingBatch, make_batch
from lineside.domain.units import MILLISECOND, SECOND
from lineside.flows.collect import Collector
from lineside.flows.judge import LineJudge
from lineside.ports import SourceDelivery
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.fakes.outbox import FakeOutbox
from lineside.testing.plans import CASTING
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind

CATALOGUE = Catalogue(("running", "die_temp", "flow", "hall"))


@pytest.fixture
def plan() -> Plan:
    return two_stations()


def two_stations() -> Plan:
    cast = {"station": "cast", "source": "press"}
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "press", "kind": "opcua"}, {"id": "chiller", "kind": "mqtt"}],
            "stations": [
                {"id": "cast", "cycle": {"by": "trigger", "signal": "running"}, "lateness": "1 s"},
                {"id": "hall", "cycle": {"by": "window", "length": "10 s"}},
            ],
            "signals": [
                {"id": "running", "role": "trigger", **cast},
                {"id": "die_temp", "features": ["mean"], **cast},
                {"id": "flow", "features": ["mean"], **cast, "source": "chiller"},
                {"id": "hall", "station": "hall", "source": "chiller", "features": ["mean"]},
            ],
            "characteristics": [{"id": "porosity", "station": "cast"}],
        }
    )


def a_line(plan: Plan) -> LineJudge:
    judges = {"cast": FakeJudge("porosity", limit=200.0, width=2)}
    return LineJudge(plan, CATALOGUE, judges.get, "g")


def readings(*rows: tuple[int, int, float]) -> ReadingBatch:
    """Return readings of signal, second and value."""
    return make_batch(
        CATALOGUE,
        [signal for signal, _, _ in rows],
        [A_MOMENT + second * SECOND for _, second, _ in rows],
        [value for *_, value in rows],
    )


ONE_SHOT = ((0, 0, 0.0), (0, 1, 1.0), (1, 2, 150.0), (0, 3, 0.0))


def test_a_part_that_passing_time_had_closed_is_not_made_again_after_a_restart(plan: Plan) -> None:
    line = a_line(plan)
    before = line.push(readings(*ONE_SHOT), A_MOMENT).parts + line.advance(A_MOMENT + 5 * SECOND).parts
    [part] = before
    again = a_line(plan)
    assert not again.resume([readings(*ONE_SHOT)], {part.cycle_id}, A_MOMENT + 60 * SECOND)
    after = again.push(readings((0, 61, 1.0), (1, 62, 150.0), (0, 63, 0.0)), A_MOMENT + 63 * SECOND).parts
    after += again.advance(A_MOMENT + 70 * SECOND).parts
    assert len(after) == 1
    assert after[0].cycle_id != part.cycle_id


def test_a_part_that_lacks_a_signal_is_judged_and_says_so(plan: Plan) -> None:
    line = a_line(plan)
    batch = readings(*ONE_SHOT)
    judged = line.push(batch, A_MOMENT)
    judged = judged if judged.parts else line.advance(A_MOMENT + 5 * SECOND)
    [part] = judged.parts
    [prediction] = judged.predictions
    assert part.missing == ("flow",)
    assert prediction.state is JudgementState.NORMAL
    assert prediction.reason == "judged without flow"
    assert line.stations["cast"].parts == 1


SAID = st.lists(
    st.tuples(
        st.integers(0, len(CATALOGUE.signals) - 1),
        st.sampled_from([0, 10, 300, 900, 4_000, -20, -1_500]),
        st.sampled_from([0.0, 1.0, math.nan]),
    ),
    max_size=12,
)
"""Readings of signal, milliseconds since the one before, and value."""


@given(st.lists(SAID, max_size=8))
def test_what_is_put_off_changes_no_part_and_none_comes_later_whose_delimiter_came_in_order(
    batches: list[list[tuple[int, int, float]]],
) -> None:
    at_once, ending, time = a_line(two_stations()), a_line(two_stations()), A_MOMENT
    soon, sooner = list[PartRecord](), list[PartRecord]()
    for batch in batches:
        times = []
        for _, step, _ in batch:
            times.append(time := time + step * MILLISECOND)
        made = make_batch(CATALOGUE, [row[0] for row in batch], times, [row[2] for row in batch])
        soon += at_once.push(made, time).parts
        sooner += ending.push_ending(made, time).parts
        if all(step >= 0 for item in batches for _, step, _ in item):
            assert {part.cycle_id for part in soon if not part.incomplete} <= {part.cycle_id for part in sooner}
    soon += at_once.flush(time).parts
    sooner += ending.flush(time).parts
    assert sorted(map(repr, sooner)) == sorted(map(repr, soon))
    assert ending.counts == at_once.counts


class Scripted:
    """A source that delivers what it is given, with a breath in between."""

    catalogue = CATALOGUE
    condition = SourceCondition()

    def __init__(self, deliveries: list[SourceDelivery]) -> None:
        self._deliveries = deliveries

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        for delivery in self._deliveries:
            yield delivery

    async def acknowledge(self, token: object) -> None: ...

    async def close(self) -> None: ...


def said(signal: int, seconds: list[float], values: list[float]) -> SourceDelivery:
    times = [A_MOMENT + round(second * SECOND) for second in seconds]
    batch = make_batch(CATALOGUE, [signal] * len(times), times, values, receive_time=[t + MILLISECOND for t in times])
    return SourceDelivery(readings=batch)


async def test_a_cycle_closes_while_another_station_keeps_the_collector_busy(plan: Plan) -> None:
    outbox, line = FakeOutbox(), a_line(plan)

    async def publish(_: RecordKind, body: bytes) -> None:
        assert body

    collector = Collector(outbox=outbox, audit=FakeAudit(), line=line, publish=publish, clock=ManualClock(), tick=0.0)
    press = Scripted([said(0, [0, 1, 2], [0, 1, 0])])
    busy = Scripted([said(3, [3 + number / 10], [20.0]) for number in range(600)])
    closed: list[int] = []

    async def watched() -> AsyncIterator[SourceDelivery]:
        async for delivery in Scripted(busy._deliveries).deliveries():
            closed.append(line.stations["cast"].parts)
            yield delivery

    busy.deliveries = watched  # type: ignore[method-assign]
    await collector.run({"press": press, "chiller": busy})
    assert closed[-1] == 1
    predictions = [
        item
        for record in outbox.records.values()
        if record.header.kind is RecordKind.PREDICTIONS
        for item in decode_items(record.body, Prediction)
    ]
    assert [item.cycle_id for item in predictions] == [f"cast-{A_MOMENT + SECOND}"]
