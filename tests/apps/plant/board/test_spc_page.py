"""Control charts on the board."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from board_client import BoardClient
from lineside.apps.plant.floor.floor import MOST_PARTS
from lineside.domain.units import MILLISECOND, SECOND
from lineside.testing.boards import Bench
from lineside.testing.floors import CYCLE, part_at, run_before

POINTS = "/stations/cast/charts.bin"


@pytest.mark.parametrize("kind", ["individuals", "averages", "ewma", "nonsense"])
async def test_a_feature_is_charted_with_limits_from_its_first_parts(
    bench: Bench, engineer: BoardClient, kind: str
) -> None:
    run_before(bench.floor, "quench", 200)
    html = (await engineer.get(f"/stations/quench/charts?chart={kind}")).text
    assert "control limits" in html
    assert "Limits come from the first" in html
    assert ("by chance alone" in html) is (kind != "ewma")


async def test_a_part_far_outside_is_named_with_its_rule(bench: Bench, engineer: BoardClient) -> None:
    floor = bench.floor
    part = part_at(floor.plan, "quench", 118_300, bench.clock.now() - CYCLE // 10)
    part.features[0] += 1000.0
    floor.apply_parts([replace(part, unit="P-ODD")])
    feature = floor.features("quench")[0].name
    html = (await engineer.get(f"/stations/quench/charts?feature={feature}")).text
    assert "P-ODD" in html
    assert "1: a point beyond the limits" in html


@pytest.mark.parametrize(
    ("kind", "name", "behind"),
    [
        ("individuals", "individuals", 221),
        ("individuals", "moving range", 220),
        ("averages", "averages", 44),
        ("averages", "ranges", 44),
        ("ewma", "ewma", 221),
    ],
)
async def test_the_points_of_every_chart_are_there_for_its_script_up_to_the_latest_part(
    bench: Bench, engineer: BoardClient, kind: str, name: str, behind: int
) -> None:
    run_before(bench.floor, "cast", 100)
    feature = bench.floor.features("cast")[0].name
    series = bench.floor.series("cast", feature)
    asked = {"feature": feature, "chart": kind, "name": name, "columns": "500"}
    first, last = series.times[0] // MILLISECOND, series.times[-1] // MILLISECOND + 1
    answer = await engineer.get(POINTS, params=asked | {"from": str(first), "to": str(last)})
    found = np.frombuffer(answer.content, dtype="<f8")
    assert (found[0], found[1]) == (behind, behind)
    newest = series.times[-1 if behind > 44 else 219]
    assert found[1 + behind] == pytest.approx(newest / MILLISECOND)
    if name == "individuals":
        assert found[2 + behind :].tolist() == list(series.values)
    if name == "averages":
        assert found[-1] == pytest.approx(np.mean(series.values[215:220]))
    half = await engineer.get(POINTS, params=asked | {"from": str((first + last) // 2), "to": str(last)})
    assert 0 < np.frombuffer(half.content, dtype="<f8")[0] < behind


async def test_points_are_of_charts_that_there_are_and_of_a_span(engineer: BoardClient, bench: Bench) -> None:
    feature = bench.floor.features("cast")[0].name
    asked = {"feature": feature, "chart": "ewma", "name": "ewma", "from": "1", "to": "2"}
    assert (await engineer.get("/stations/nowhere/charts.bin", params=asked)).status_code == 404
    assert (await engineer.get(POINTS, params=asked | {"feature": "no"})).status_code == 404
    assert (await engineer.get(POINTS, params=asked | {"to": "1"})).status_code == 422
    assert (await engineer.get(POINTS, params=asked | {"name": "no"})).content == b""


async def test_why_there_is_no_chart_is_said_in_the_readers_language(bench: Bench, engineer: BoardClient) -> None:
    start = bench.clock.now()
    bench.floor.apply_parts(
        part_at(bench.floor.plan, "quench", 119_000 + number, start + number * SECOND) for number in range(MOST_PARTS)
    )
    await engineer.send_form("/", "/language", language="de")
    html = (await engineer.get("/stations/quench/charts")).text
    assert "Die Werte der Grundlage sind alle gleich. Sehen Sie nach, ob das Signal festhängt." in html


async def test_a_station_without_parts_says_so_and_an_unknown_one_is_not_there(engineer: BoardClient) -> None:
    assert (await engineer.get("/stations/nowhere/charts")).status_code == 404
    html = (await engineer.get("/stations/leak_test/charts?feature=nothing")).text
    assert "Control charts" in html
