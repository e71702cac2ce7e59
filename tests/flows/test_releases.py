from __future__ import annotations

import pytest

from lineside.domain.errors import IntegrityError, UnavailableError
from lineside.flows.releases import fetch_releases, serve_releases
from lineside.testing.fakes.bus import FakeBus
from lineside.wire.releases import PIECE, ReleaseEntry, ReleaseReply, ReleaseRequest, decode, encode
from lineside.wire.subjects import Subjects

SUBJECTS = Subjects("works", "dc07")


async def test_a_gateway_fetches_what_it_does_not_have_in_pieces() -> None:
    bus = FakeBus()
    bundles = {"porosity-2": bytes(range(256)) * (PIECE // 100), "cold_shut-1": b"small"}
    await serve_releases(bus, SUBJECTS, lambda: bundles)
    assert await fetch_releases(bus, SUBJECTS, {}) == bundles
    before = bus.requests
    assert await fetch_releases(bus, SUBJECTS, bundles) == bundles
    assert bus.requests == before + 1


async def test_a_bundle_that_changed_is_fetched_again_and_one_out_of_service_goes() -> None:
    bus = FakeBus()
    await serve_releases(bus, SUBJECTS, lambda: {"porosity-2": b"new"})
    assert await fetch_releases(bus, SUBJECTS, {"porosity-2": b"old", "porosity-1": b"x"}) == {"porosity-2": b"new"}


async def test_bytes_that_are_not_what_was_announced_are_refused() -> None:
    bus = FakeBus()

    async def forged(data: bytes) -> bytes:
        piece = b"forged" if decode(data, ReleaseRequest).name else b""
        return encode(ReleaseReply((ReleaseEntry("porosity-1", "0" * 64, 6),), piece))

    await bus.serve(SUBJECTS.release, forged, "q")
    with pytest.raises(IntegrityError, match="announced"):
        await fetch_releases(bus, SUBJECTS, {})


async def test_without_the_plant_the_gateway_is_told_so() -> None:
    with pytest.raises(UnavailableError):
        await fetch_releases(FakeBus(), SUBJECTS, {})


async def test_an_answer_that_is_none_is_refused() -> None:
    bus = FakeBus()

    async def nonsense(data: bytes) -> bytes:
        return data[:1]

    await bus.serve(SUBJECTS.release, nonsense, "q")
    with pytest.raises(IntegrityError, match="releases"):
        await fetch_releases(bus, SUBJECTS, {})
