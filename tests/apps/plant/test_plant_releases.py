"""What the page of models says of bundles."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from board_client import client_of
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.releases import ReleaseDesk, ReleaseNotes, unreleased
from lineside.domain.access import AccessRole
from lineside.domain.errors import ConfigurationError
from lineside.testing.boards import make_bench
from lineside.testing.conformance.registry import some_bundle
from lineside.testing.floors import sample_plan
from lineside.wire.bundle import unpack_bundle
from lineside.wire.signed import Signer


async def test_bundles_are_noted_once_with_what_is_in_service_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    folder = BundleFolder(tmp_path / "bundles", Signer(bytes(32)))
    state = open_state(sqlite_url(tmp_path / "notes.db"))
    notes = ReleaseNotes(folder, state, sample_plan())
    bench = make_bench(tmp_path, settings=BoardSettings(releases=notes))
    for version in (1, 2):
        bundle = some_bundle(version, station="cast", characteristic="porosity")
        await asyncio.to_thread(folder.add, bundle)
    folder.activate(some_bundle(1, station="cast", characteristic="porosity"))
    await notes()
    await notes()
    assert sorted((item.id.partition("+")[0], item.state) for item in await state.releases.all()) == [
        ("porosity/1", "in service"),
        ("porosity/2", "kept"),
    ]
    folder.activate(some_bundle(2, station="cast", characteristic="porosity"))
    await notes()
    assert [item.state for item in sorted(await state.releases.all(), key=lambda item: item.id)] == [
        "kept",
        "in service",
    ]
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        assert "cannot be read" not in (await client.get("/models")).text
        (tmp_path / "bundles" / "porosity-1.bundle").write_bytes(b"damaged")
        answer = await client.get("/models")
        assert answer.status_code == 200
        assert "Model bundles" in answer.text
    bench.state.close()
    state.close()


def test_models_that_reach_no_gateway_are_said_with_the_command_that_helps(tmp_path: Path) -> None:
    plan = sample_plan()
    old = BundleFolder(tmp_path / "bundles")
    old.add(some_bundle(1, station="cast", characteristic="porosity"))
    old.activate(some_bundle(1, station="cast", characteristic="porosity"))
    desk = ReleaseDesk(old, plan)
    assert desk.offers() == ()
    (words,) = unreleased(desk, tmp_path)
    assert f"lineside model sign --data {tmp_path}" in words
    signing = BundleFolder(tmp_path / "bundles", Signer(bytes(32)))
    offer = signing.offer(some_bundle(1, station="cast", characteristic="porosity"))
    assert unreleased(desk, tmp_path) == []
    assert len(desk.offers()) == 1
    assert unpack_bundle(desk.body(offer.digest)).manifest.version == 1
    assert desk.body("0" * 64) == b""
    with pytest.raises(ConfigurationError, match="signed"):
        old.activate(some_bundle(1, station="cast", characteristic="porosity"))
    (tmp_path / "bundles" / "porosity-1.bundle").write_bytes(b"damaged")
    assert "no model can be offered" in unreleased(desk, tmp_path)[0]


def test_the_fallback_of_an_offer_is_served_beside_its_model(tmp_path: Path) -> None:
    folder = BundleFolder(tmp_path / "bundles", Signer(bytes(32)))
    for version in (1, 2):
        folder.add(some_bundle(version, station="cast", characteristic="porosity"))
        offer = folder.offer(some_bundle(version, station="cast", characteristic="porosity"))
    desk = ReleaseDesk(folder, sample_plan())
    assert unpack_bundle(desk.body(offer.fallback_digest)).manifest.version == 1
