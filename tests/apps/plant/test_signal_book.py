"""How a signal does is what its readings of the last hour say, in whatever order they become durable."""

from __future__ import annotations

import numpy as np
import pytest

from lineside.apps.plant.feed import FloorFeed
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.signal_book import SignalBook, SignalView
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import BAD, UNCERTAIN, Catalogue, make_batch
from lineside.domain.units import HOUR, MINUTE, SECOND
from lineside.testing.clocks import A_MOMENT
from lineside.testing.floors import sample_plan
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items, encode_readings
from lineside.wire.records import RecordKind
from lineside.wire.status import GatewayStatus, SourceStatus

T = A_MOMENT - A_MOMENT % MINUTE
FLOW = "cooling_flow"


@pytest.fixture
def plan() -> Plan:
    return sample_plan()


@pytest.fixture
def book(plan: Plan) -> SignalBook:
    return SignalBook(plan)


def body(plan: Plan, times: list[int], values: list[float], *, delays: int = 0, status: int = 0) -> bytes:
    """Return a record of readings of the cooling flow."""
    catalogue = catalogue_for(plan)
    codes = [catalogue.codes()[FLOW]] * len(times)
    received = np.array(times, dtype=np.int64) + delays
    return encode_readings(make_batch(catalogue, codes, times, values, receive_time=received, status=status))


def flow(book: SignalBook, now: int) -> SignalView:
    [found] = [item for item in book.views(now) if item.id == FLOW]
    return found


def test_a_signal_that_never_spoke_has_no_age_and_no_shares(book: SignalBook) -> None:
    view = flow(book, T)
    assert (view.value, view.received, view.quality, view.readings, view.bad) == (None, 0, "", 0, None)
    assert (view.rate, book.begun) == (0.0, 0)


def test_the_newest_by_its_own_time_is_shown_whatever_came_last(plan: Plan, book: SignalBook) -> None:
    book.readings(body(plan, [T + 2 * SECOND, T + SECOND], [12.0, 11.0]))
    book.readings(body(plan, [T], [10.0], delays=9 * SECOND))
    view = flow(book, T + 10 * SECOND)
    assert (view.value, view.measured, view.quality) == (12.0, T + 2 * SECOND, "good")


def test_shares_are_of_the_last_hour_alone(plan: Plan, book: SignalBook) -> None:
    book.readings(body(plan, [T], [1.0], status=BAD))
    book.readings(body(plan, [T + 30 * MINUTE], [1.0], status=UNCERTAIN))
    book.readings(body(plan, [T + 31 * MINUTE, T + 32 * MINUTE], [1.0, 1.0]))
    soon, later = flow(book, T + 33 * MINUTE), flow(book, T + HOUR)
    assert (soon.readings, soon.bad, soon.uncertain) == (4, 0.25, 0.25)
    assert (later.readings, later.bad, later.uncertain) == (3, 0.0, 1 / 3)
    assert flow(book, T + 3 * HOUR).readings == 0


def test_the_rate_is_of_the_time_since_the_beginning_and_sinks_when_nothing_comes(plan: Plan, book: SignalBook) -> None:
    book.readings(body(plan, [T + number * SECOND for number in range(100)], [1.0] * 100))
    assert flow(book, T + 100 * SECOND).rate == 1.0
    assert flow(book, T + 200 * SECOND).rate == 0.5


def test_late_is_what_took_longer_than_the_plan_allows_beyond_what_the_clock_is_off_by(
    plan: Plan, book: SignalBook
) -> None:
    lateness = plan.station("cast").lateness
    book.readings(body(plan, [T], [1.0], delays=lateness + SECOND))
    assert flow(book, T + MINUTE).late == 1.0
    other = SignalBook(plan)
    other.clock(plan.signal(FLOW).source, 5 * SECOND)
    other.readings(body(plan, [T], [1.0], delays=lateness + SECOND))
    assert flow(other, T + MINUTE).late == 0.0


def test_readings_of_another_revision_of_the_plan_are_left_out(book: SignalBook) -> None:
    book.readings(encode_readings(make_batch(Catalogue(("x",)), [0], [T], [1.0])))
    assert book.begun == 0


async def test_what_becomes_durable_reaches_the_book_with_what_gateways_say_of_clocks(plan: Plan) -> None:
    feed = FloorFeed(Floor(plan), plan)
    source = plan.signal(FLOW).source
    feed.status(
        GatewayStatus(
            gateway="g", time=T, sources=(SourceStatus(source, 1, T, offset=MINUTE, jitter=1, drift=0.0),), readings=1,
            parts=0, quarantined=0, dropped=0, late=0, backlog=0, unrecorded=False,
        ),
        T,
    )  # fmt: skip
    await feed.record(a_record(1, body(plan, [T], [7.5], delays=MINUTE), kind=RecordKind.READINGS))
    bad = Quarantined(source=source, reason="not_a_number", detail="x", raw=b"", received=T, signal=FLOW, count=3)
    for sequence in (2, 3):
        await feed.record(a_record(sequence, encode_items([bad]), kind=RecordKind.QUARANTINE))
    view = flow(feed.signals, T + 2 * MINUTE)
    assert (view.value, view.late) == (7.5, 0.0)
    [refused] = feed.signals.refusals()
    assert (refused.source, refused.signal, refused.reason, refused.count) == (source, FLOW, "not_a_number", 6)
