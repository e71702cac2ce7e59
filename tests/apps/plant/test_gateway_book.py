"""What the plant knows of its gateways: born, heard, gone, and what they said last."""

from __future__ import annotations

import pytest

from lineside.apps.plant.feed import FloorFeed
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.gateway_book import GONE_AFTER, GatewayBook
from lineside.domain.errors import IntegrityError
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, SECOND
from lineside.testing.plans import plan_with_source
from lineside.wire.life import Birth, Goodbye, decode_birth, decode_goodbye, encode_life
from lineside.wire.status import GatewayStatus, HealthStatus, SourceStatus

T = 1_000 * SECOND
LOST = HealthStatus("source", "machine", "lost", 2, T, "refused")
STEPPED = HealthStatus("clock", "", "stepped", 1, T, "it jumped")
FULL = HealthStatus("disk", "", "full", 2, T, "1 MB free")


def a_status(time: int = T, *healths: HealthStatus) -> GatewayStatus:
    return GatewayStatus(
        gateway="g1", time=time, sources=(SourceStatus("machine", 1, T),), readings=5, parts=2, quarantined=0,
        dropped=0, late=0, backlog=0, unrecorded=False, healths=healths,
    )  # fmt: skip


def a_birth() -> Birth:
    return Birth(
        gateway="g1", time=T, started=T, site="works", line="one", version="0.3", epoch="e", plan_revision=3,
        judging_digest="j", response_digest="r", sources=(("machine", "opcua"),), models=(("porosity-1", "version 1"),),
    )  # fmt: skip


def test_a_birth_and_a_goodbye_travel_whole_and_nothing_else_passes_for_one() -> None:
    assert decode_birth(encode_life(a_birth())) == a_birth()
    goodbye = Goodbye(gateway="g1", time=T, started=T, words="it was told to end")
    assert decode_goodbye(encode_life(goodbye)) == goodbye
    with pytest.raises(IntegrityError):
        decode_birth(b"\xff\x00")


def test_a_gateway_that_falls_silent_is_gone_with_what_was_wrong_last() -> None:
    book = GatewayBook()
    book.born(a_birth(), T)
    book.heard(a_status(T, STEPPED, LOST), T)
    assert not book.views(T + GONE_AFTER)[0].gone
    [gone] = book.views(T + GONE_AFTER + 1)
    assert gone.gone
    assert gone.words == "fell silent; source machine: lost (refused); clock: stepped (it jumped)"
    book.heard(a_status(), T + DAY)
    assert not book.views(T + DAY)[0].gone


def test_the_plants_clock_decides_whatever_the_gateways_says() -> None:
    book = GatewayBook()
    book.heard(a_status(T - 10 * DAY), T)
    assert not book.views(T + SECOND)[0].gone


def test_a_goodbye_is_believed_at_once_and_a_birth_ends_it() -> None:
    book = GatewayBook()
    book.heard(a_status(), T)
    book.went(Goodbye(gateway="g1", time=T + 5, started=T, words="it was told to end"), T + 5)
    book.heard(a_status(T + 4), T + 6)
    [gone] = book.views(T + 7)
    assert (gone.gone, gone.words, gone.level) == (True, "it was told to end", 2)
    book.born(a_birth(), T + SECOND)
    assert not book.views(T + SECOND)[0].gone


def test_a_plant_that_starts_later_asks_for_births() -> None:
    book = GatewayBook()
    assert not book.wants_birth()
    book.heard(a_status(), T)
    assert book.wants_birth()
    book.born(a_birth(), T)
    assert not book.wants_birth()


@pytest.fixture
def plan() -> Plan:
    return plan_with_source({"kind": "files", "path": "x"})


def test_the_board_shows_what_is_bad_with_its_reason_and_a_gateway_that_is_gone(plan: Plan) -> None:
    floor = Floor(plan)
    feed = FloorFeed(floor, plan)
    feed.status(a_status(T, LOST, FULL, STEPPED), T)
    shown = {link.name: link for link in floor.links()}
    assert (shown["g1"].ok, shown["g1"].detail) == (False, "disk: full (1 MB free)")
    assert (shown["machine"].ok, shown["machine"].detail) == (False, "lost: refused")
    feed.status(a_status(T), T)
    assert {link.name: link.detail for link in floor.links() if not link.ok and link.name == "g1"} == {}
    feed.watch(T + GONE_AFTER + 1)
    [gone] = [link for link in floor.links() if link.name == "g1"]
    assert (gone.ok, gone.detail) == (False, "is gone: fell silent; all was good")


def test_a_second_live_gateway_of_one_name_is_shown_for_a_while(plan: Plan) -> None:
    floor = Floor(plan)
    feed = FloorFeed(floor, plan)
    feed.second_holders = {"g1": T}
    feed.status(a_status(T), T + 1)
    [shown] = [link for link in floor.links() if link.name == "g1"]
    assert shown.detail == "two gateways run under this name: stop one of them"
    feed.status(a_status(T), T + 61 * SECOND)
    assert [link for link in floor.links() if link.name == "g1" and not link.ok] == []
