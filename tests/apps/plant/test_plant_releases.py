"""What the page of models says of bundles."""

from __future__ import annotations

import asyncio
from pathlib import Path

from board_client import client_of
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.releases import ReleaseNotes
from lineside.domain.access import AccessRole
from lineside.testing.boards import make_bench
from lineside.testing.conformance.registry import some_bundle
from lineside.testing.floors import sample_plan
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
