"""From a message to its targets: kept first, told once, in order, at the target's pace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lineside.adapters.state_sql import SqlState, open_state, sqlite_url
from lineside.domain.notifying.delivery import WAITS, Deferred, Delivered, Outcome, Refused, next_attempt
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.notifying.routing import Channel, Route, Target
from lineside.domain.nuisance import Notice
from lineside.domain.units import HOUR, MINUTE, SECOND
from lineside.flows.notify import LEASE_TIME, Teller
from lineside.testing.clocks import ManualClock
from lineside.testing.conformance.notifier import message


@dataclass
class Peer:
    """Takes messages, or answers what is planned."""

    planned: list[Outcome] = field(default_factory=list)
    got: list[Message] = field(default_factory=list)

    async def deliver(self, told: Message) -> Outcome:
        self.got.append(told)
        return self.planned.pop(0) if self.planned else Delivered("X1")


@dataclass
class Line:
    state: SqlState
    clock: ManualClock
    peer: Peer
    audited: list[str]
    route: Route = field(default_factory=Route)
    per_minute: int = 600

    def teller(self, holder: str = "one") -> Teller:
        async def audit(kind: str, content: Mapping[str, object]) -> None:
            del content
            self.audited.append(kind)

        target = Target(id="hook", channel=Channel.WEBHOOK, route=self.route, per_minute=self.per_minute)
        return Teller(
            queue=self.state.deliveries,
            targets={"hook": (target, self.peer)},
            clock=self.clock,
            holder=holder,
            audit=audit,
            jitter=lambda: 0.0,
        )


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(open_state(sqlite_url(tmp_path / "state.db")), ManualClock(), Peer(), [])


async def test_a_message_is_told_once_however_often_it_is_made(line: Line) -> None:
    teller = line.teller()
    assert await teller.tell(message()) == 1
    await teller.step()
    assert await teller.tell(message()) == 0
    assert await teller.step() == 0
    assert [told.id for told in line.peer.got] == [message().id]
    assert line.audited == ["notify.sent"]


async def test_an_escalation_is_in_the_audit_record_once_whether_or_not_anybody_is_told(line: Line) -> None:
    line.route = Route(stations=("trim",))
    escalated = message(id="a#escalated@1", occasion=Occasion.ESCALATED, role="shift leader")
    for holder in ("one", "two"):
        await line.teller(holder).record(escalated)
        await line.teller(holder).step()
    assert line.audited == ["alert.escalated"]
    assert line.peer.got == []


async def test_what_is_not_wanted_by_the_route_is_not_told(line: Line) -> None:
    line.route = Route(stations=("trim",))
    assert await line.teller().tell(message()) == 0
    assert await line.teller().tell(message(station="trim")) == 1


@pytest.mark.parametrize(
    ("route", "wanted"),
    [
        (Route(), True),
        (Route(priorities=("high",)), False),
        (Route(notices=("advise",)), False),
        (Route(occasions=("closed",)), False),
        (Route(roles=("operator",)), True),
        (Route(shifts=("night",)), False),
    ],
)
def test_a_route_asks_for_everything_that_it_names(route: Route, *, wanted: bool) -> None:
    assert route.wants(message()) is wanted


async def test_what_a_target_cannot_take_now_is_tried_again_after_growing_pauses_and_given_up_in_the_end(
    line: Line,
) -> None:
    line.peer.planned = [Deferred("away")] * 20
    teller = line.teller()
    await teller.tell(message())
    for wait in WAITS:
        assert await teller.step() == 1
        line.clock.move(wait - 1)
        assert await teller.step() == 0
        line.clock.move(1)
    assert await teller.step() == 1
    [item] = await line.state.deliveries.listed()
    assert (item.state, item.reason, item.attempts) == ("dead", "away", len(WAITS) + 1)
    assert line.audited == ["notify.given_up"]


async def test_what_was_given_up_can_be_sent_again(line: Line) -> None:
    line.peer.planned = [Refused("410")]
    teller = line.teller()
    await teller.tell(message())
    await teller.step()
    assert await line.state.deliveries.again("hook", message().id, line.clock.now())
    assert await teller.step() == 1
    [item] = await line.state.deliveries.listed()
    assert (item.state, item.reason) == ("sent", "X1")
    assert not await line.state.deliveries.again("hook", message().id, line.clock.now())


def test_a_targets_own_wish_for_a_pause_is_followed_up_to_an_hour() -> None:
    assert next_attempt(1, 0, 20 * SECOND, 0.0) == 20 * SECOND
    assert next_attempt(1, 0, 5 * HOUR, 0.0) == HOUR
    assert next_attempt(1, 0, 0, 1.0) == 6 * SECOND


async def test_the_messages_of_one_alert_are_told_in_order_also_when_the_first_has_to_wait(line: Line) -> None:
    line.peer.planned = [Deferred("away")]
    line.route = Route(occasions=())
    teller = line.teller()
    await teller.tell(message())
    line.clock.move(1)
    await teller.tell(message(id="second", occasion=Occasion.CLOSED))
    await teller.step()
    assert await teller.step() == 0
    line.clock.move(WAITS[0])
    await teller.step()
    await teller.step()
    assert [told.occasion for told in line.peer.got] == [Occasion.RAISED, Occasion.RAISED, Occasion.CLOSED]


async def test_many_new_alerts_are_told_in_one_message(line: Line) -> None:
    teller = line.teller()
    for number in range(40):
        await teller.tell(message(number))
    await teller.step()
    [told] = line.peer.got
    assert told.folded == 39
    states = [item.state for item in await line.state.deliveries.listed()]
    assert sorted(set(states)) == ["folded", "sent"]


async def test_a_target_gets_no_more_a_minute_than_it_takes(line: Line) -> None:
    line.per_minute = 3
    teller = line.teller()
    for number in range(8):
        await teller.tell(message(number))
    await teller.step()
    await teller.step()
    assert len(line.peer.got) == 3
    line.clock.move(MINUTE + 1)
    await teller.step()
    assert len(line.peer.got) == 6


async def test_only_the_holder_of_the_lease_sends_until_it_is_over(line: Line) -> None:
    first, second = line.teller("one"), line.teller("two")
    await first.tell(message())
    await first.step()
    await second.tell(message(2))
    assert await second.step() == 0
    line.clock.move(LEASE_TIME + 1)
    assert await second.step() == 1
    assert await first.step() == 0


async def test_a_target_that_is_configured_no_more_gets_nothing_and_the_reason_is_noted(line: Line) -> None:
    teller = line.teller()
    await teller.tell(message())
    teller.targets = {"other": teller.targets["hook"]}
    await teller.step()
    [item] = await line.state.deliveries.listed()
    assert (item.state, item.reason) == ("dropped", "the target is not configured any more")


def test_only_what_interrupts_is_told_unless_the_route_says_more() -> None:
    assert not Route().wants(message(notice=Notice.ADVISE))
    assert Route(notices=("interrupt", "advise")).wants(message(notice=Notice.ADVISE))
