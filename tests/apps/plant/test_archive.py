"""A unit that the board no longer remembers comes back from the history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from board_client import client_of
from lineside.adapters.delta_history import DeltaHistory
from lineside.apps.plant.archive import BEFORE, Archive
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.floor.views import PartSummary
from lineside.domain.access import AccessRole
from lineside.domain.errors import StorageError
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.ports import LandedRecord
from lineside.testing.boards import make_bench
from lineside.testing.floors import busy_floor, sample_plan
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

OLD = "OLD-1/7"


def _older(part: PartRecord, unit: str, minutes: int) -> PartRecord:
    back = minutes * 60 * 10**9
    return replace(
        part, unit=unit, cycle_id=f"old-{unit}", started=part.started - back, ended=part.ended - back,
        received=part.received - back,
    )  # fmt: skip


async def _history(folder: Path) -> list[PartRecord]:
    floor = busy_floor().floor
    cast, melt = (floor.part_record(item.station, item.cycle_id, item.unit) for item in _one_of_each(floor))
    assert cast is not None
    assert melt is not None
    parts = [_older(cast, OLD, 600), _older(melt, OLD, 640)]
    parts += [_older(cast, f"B{number}", 601 + number) for number in range(BEFORE + 30)]
    parts += [_older(cast, f"A{number}", 599 - number) for number in range(20)]
    predictions = [
        replace(item, unit=OLD, cycle_id=parts[0].cycle_id)
        for item in floor.predictions(station="cast", most=500)
        if item.cycle_id == cast.cycle_id
    ]
    outcomes = [
        Outcome(unit=OLD, characteristic="porosity", value="nonconforming", found=parts[0].ended + 1, source="x")
    ]
    history = await DeltaHistory.open(folder)
    bodies = {
        RecordKind.PARTS: encode_items(parts),
        RecordKind.PREDICTIONS: encode_items(predictions),
        RecordKind.OUTCOMES: encode_items(outcomes),
    }
    for position, (kind, body) in enumerate(bodies.items(), start=1):
        await history.append([LandedRecord(position=position, record=a_record(position, body, kind=kind))])
    return parts


def _one_of_each(floor: Floor) -> list[PartSummary]:
    return [next(iter(floor.parts(station=station, most=1))) for station in ("cast", "melt")]


async def test_its_way_judgements_and_outcomes_are_there_with_the_parts_made_before(tmp_path: Path) -> None:
    parts = await _history(tmp_path)
    floor = await Archive(tmp_path, sample_plan())(OLD)
    assert floor is not None
    assert [item.station for item in floor.unit(OLD)] == ["cast", "melt"]
    view = floor.part("cast", parts[0].cycle_id, OLD, parts[0].ended)
    assert view is not None
    assert [item.value for item in view.outcomes] == ["nonconforming"]
    assert view.predictions
    listed = floor.parts(station="cast", most=1_000)
    assert len(listed) == BEFORE + 1
    assert all(item.ended <= parts[0].ended for item in listed)


async def test_a_unit_that_the_history_has_not_is_none(tmp_path: Path) -> None:
    assert await Archive(tmp_path / "none", sample_plan())("X") is None
    await _history(tmp_path)
    assert await Archive(tmp_path, sample_plan())("X' OR '1'='1") is None


async def test_the_board_shows_it_and_says_where_nothing_knows_it(tmp_path: Path) -> None:
    parts = await _history(tmp_path / "history")
    archive = Archive(tmp_path / "history", sample_plan())
    bench = make_bench(tmp_path, settings=BoardSettings(archive=archive))
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as visitor:
        await visitor.log_in(AccessRole.OPERATOR.value)
        way = await visitor.get(f"/units/{quote(OLD, safe='')}")
        assert way.status_code == 200
        assert "cast" in way.text
        shown = await visitor.get(f"/parts/cast/{parts[0].cycle_id}?unit={quote(OLD, safe='')}")
        assert shown.status_code == 200
        assert OLD in shown.text
        unknown = await visitor.get("/units/nobody")
        assert (unknown.status_code, "Neither the board nor the history" in unknown.text) == (404, True)


async def test_a_history_that_cannot_be_read_costs_only_the_old_part(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: str) -> None:
        raise StorageError("the disk is gone")

    bench = make_bench(tmp_path, settings=BoardSettings(archive=broken))
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as visitor:
        await visitor.log_in(AccessRole.OPERATOR.value)
        assert (await visitor.get("/units/nobody")).status_code == 404
        assert (await visitor.get("/units/118203")).status_code in {200, 303}
    assert "could not be asked" in caplog.text
