from __future__ import annotations

import msgspec
import pytest

from lineside.domain.errors import ConfigurationError, IntegrityError, UnavailableError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.plan.digest import judging_digest
from lineside.flows.releases import Seen, check_offer, fetch_body, fetch_offers, serve_releases
from lineside.testing.conformance.registry import some_bundle
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.modelling import STATION, modelling_plan
from lineside.wire.offers import Offer, make_offer
from lineside.wire.releases import PIECE, ReleaseReply, ReleaseRequest, decode, encode
from lineside.wire.subjects import Subjects

SUBJECTS = Subjects("works", "dc07")
PLAN = modelling_plan(2)
NOW = 1_000


def an_offer(**changes: object) -> Offer:
    offer = make_offer(some_bundle(1), version=3, now=NOW, valid_for=100)
    fits = {
        "site": "site",
        "lines": ("line",),
        "plan_digest": judging_digest(PLAN),
        "recipe": recipe_for(PLAN, STATION).digest,
    }
    return msgspec.structs.replace(offer, **(fits | changes))


async def test_a_gateway_fetches_a_bundle_in_pieces() -> None:
    bus = FakeBus()
    body = bytes(range(256)) * (PIECE // 100)
    await serve_releases(bus, SUBJECTS, lambda: (b"offer",), {"d1": body}.__getitem__)
    assert await fetch_offers(bus, SUBJECTS) == (b"offer",)
    assert await fetch_body(bus, SUBJECTS, "d1", len(body)) == body


async def test_more_bytes_than_were_signed_are_not_fetched() -> None:
    bus = FakeBus()
    await serve_releases(bus, SUBJECTS, tuple, lambda _: bytes(10 * PIECE))
    with pytest.raises(IntegrityError, match="does not have"):
        await fetch_body(bus, SUBJECTS, "d1", 100)
    assert bus.requests == 1


async def test_a_bundle_that_the_plant_has_not_got_is_an_error_and_no_endless_loop() -> None:
    bus = FakeBus()
    await serve_releases(bus, SUBJECTS, tuple, lambda _: b"")
    with pytest.raises(IntegrityError, match="does not have"):
        await fetch_body(bus, SUBJECTS, "d1", 100)


async def test_without_the_plant_the_gateway_is_told_so() -> None:
    with pytest.raises(UnavailableError):
        await fetch_offers(FakeBus(), SUBJECTS)


async def test_an_answer_that_is_none_is_refused() -> None:
    bus = FakeBus()

    async def nonsense(data: bytes) -> bytes:
        return data[:1]

    await bus.serve(SUBJECTS.release, nonsense, "q")
    with pytest.raises(IntegrityError, match="releases"):
        await fetch_offers(bus, SUBJECTS)


async def test_a_piece_that_never_ends_is_cut_off() -> None:
    bus = FakeBus()

    async def endless(data: bytes) -> bytes:
        assert decode(data, ReleaseRequest).digest
        return encode(ReleaseReply(piece=b"x", size=1 << 40))

    await bus.serve(SUBJECTS.release, endless, "q")
    with pytest.raises(IntegrityError):
        await fetch_body(bus, SUBJECTS, "d1", 100)


def test_an_offer_to_this_line_and_plan_may_be_taken() -> None:
    check_offer(an_offer(), PLAN, Seen(version=3, failed=2), NOW + 99)


@pytest.mark.parametrize(
    ("offer", "seen", "now", "words"),
    [
        (an_offer(site="elsewhere"), Seen(), NOW, "another line"),
        (an_offer(lines=("other", "more")), Seen(), NOW, "another line"),
        (an_offer(station="other"), Seen(), NOW, "has not got"),
        (an_offer(characteristic="other"), Seen(), NOW, "has not got"),
        (an_offer(), Seen(version=4), NOW, "older"),
        (an_offer(), Seen(version=3, failed=3), NOW, "failed here"),
        (an_offer(), Seen(), NOW + 100, "expired"),
    ],
)
def test_an_offer_that_must_not_be_taken_is_refused(offer: Offer, seen: Seen, now: int, words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        check_offer(offer, PLAN, seen, now)


@pytest.mark.parametrize("field", ["plan_digest", "recipe"])
def test_an_offer_for_another_plan_is_refused_with_what_to_do(field: str) -> None:
    with pytest.raises(ConfigurationError, match="train it again"):
        check_offer(an_offer(**{field: "other"}), PLAN, Seen(), NOW)
