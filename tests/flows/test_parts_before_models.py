"""A gateway's first start without its plant: parts are recorded unjudged, and judged when the first model comes."""

from __future__ import annotations

import numpy as np

from lineside.domain.alerts import AlertEvent
from lineside.domain.parts import PartRecord
from lineside.domain.readings import Catalogue
from lineside.domain.units import HOUR, SECOND
from lineside.flows.collect import Collector
from lineside.flows.judge import LineJudge
from lineside.flows.seats import Seat, Seated, StationSeats
from lineside.ports import Clock, Judgement
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.fakes.outbox import FakeOutbox
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind

PLAN = modelling_plan(2)
LIVE_WITHIN = PLAN.stations[0].live_within


def a_line() -> tuple[LineJudge, Seat]:
    seat = Seat(CHARACTERISTIC, SECOND)
    return LineJudge(PLAN, Catalogue(("x0", "x1")), {STATION: StationSeats([seat])}.get, "g"), seat


def arrive(seat: Seat) -> None:
    seat.install(Seated(judge=FakeJudge(CHARACTERISTIC, 1.0, 2, cause="cause_x0"), name="m/1"))


def parts(*values: float) -> list[PartRecord]:
    return [part_record(PLAN, np.array([value, 0.0]), number) for number, value in enumerate(values)]


def test_parts_are_recorded_at_once_and_judged_late_once_a_model_is_there() -> None:
    line, seat = a_line()
    before = line.judge(parts(0.0, 5.0), 3 * SECOND)
    assert (len(before.parts), before.predictions) == (2, ())
    arrive(seat)
    later = line.advance(3 * SECOND + LIVE_WITHIN + HOUR)
    assert later.parts == ()
    assert [(item.cycle_id, item.late, item.state) for item in later.predictions] == [
        ("press-0", True, "normal"),
        ("press-1", True, "alarm"),
    ]
    raised = [event for event in later.events if event.kind == "raised"]
    assert raised
    assert all(event.late for event in raised)
    assert not line.advance(3 * SECOND + LIVE_WITHIN + 2 * HOUR)


def test_what_an_earlier_run_recorded_without_judging_is_judged_after_the_restart() -> None:
    line, seat = a_line()
    line.wait(parts(0.0, 5.0, 6.0), {("press-1", CHARACTERISTIC)})
    arrive(seat)
    assert [item.cycle_id for item in line.advance(10 * SECOND).predictions] == ["press-0", "press-2"]


def test_what_waited_is_judged_before_what_comes_with_the_model() -> None:
    line, seat = a_line()
    first, second, *rest = parts(5.0, 0.0, 6.0)
    line.judge([first, second], 3 * SECOND)
    arrive(seat)
    judged = line.judge(rest, 4 * SECOND)
    assert [item.cycle_id for item in judged.predictions] == ["press-0", "press-1", "press-2"]
    [alert] = {event.alert_id for event in judged.events}
    assert "press-0" in alert


def test_a_restart_judges_what_waits_before_what_the_crash_kept_from_being_recorded() -> None:
    shown: list[str] = []

    class Listening(FakeJudge):
        def judge(self, part: PartRecord, now: int) -> Judgement:
            shown.append(part.cycle_id)
            return super().judge(part, now)

    seat = Seat(CHARACTERISTIC, SECOND)
    seat.install(Seated(judge=Listening(CHARACTERISTIC, 1.0, 2), name="m/1"))
    seats = StationSeats([seat])
    line = LineJudge(PLAN, Catalogue(("x0", "x1")), {STATION: seats}.get, "g")
    judged, waiting, new = parts(0.0, 5.0, 6.0)
    line.wait([judged, waiting], {(judged.cycle_id, CHARACTERISTIC)})
    for part in (judged, waiting):
        seats.remember(part)
    predictions = line.judge([new], 4 * SECOND).predictions
    assert [item.cycle_id for item in predictions] == ["press-1", "press-2"]
    assert shown == ["press-0", "press-1", "press-2"]


async def test_the_collector_records_what_was_judged_later() -> None:
    line, seat = a_line()
    clock: Clock = ManualClock(10 * SECOND)
    outbox = FakeOutbox()

    async def publish(kind: RecordKind, body: bytes) -> None:
        del kind, body

    collector = Collector(outbox=outbox, audit=FakeAudit(), line=line, publish=publish, clock=clock)
    await collector.resume(line.judge(parts(5.0), 2 * SECOND))
    arrive(seat)
    await collector.run({})
    kinds = [record.header.kind for record in await outbox.unsent(0, 1 << 20)]
    assert kinds == [RecordKind.PARTS, RecordKind.PREDICTIONS, RecordKind.ALERTS]
    (alerts,) = [r.body for r in await outbox.unsent(0, 1 << 20) if r.header.kind is RecordKind.ALERTS]
    assert decode_items(alerts, AlertEvent)[0].kind == "raised"
