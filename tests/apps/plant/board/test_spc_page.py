"""Control charts on the board."""

from __future__ import annotations

from dataclasses import replace

import pytest

from board_client import BoardClient
from lineside.testing.boards import Bench
from lineside.testing.floors import CYCLE, part_at


@pytest.mark.parametrize("kind", ["individuals", "averages", "ewma", "nonsense"])
async def test_a_feature_is_charted_with_limits_from_its_first_parts(
    bench: Bench, engineer: BoardClient, kind: str
) -> None:
    floor, start = bench.floor, bench.clock.now() - 400 * CYCLE
    for number in range(200):
        part = part_at(floor.plan, "quench", 117_000 + number, start + number * CYCLE)
        part.features[:] += number % 7
        floor.apply_parts([part])
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


async def test_a_station_without_parts_says_so_and_an_unknown_one_is_not_there(engineer: BoardClient) -> None:
    assert (await engineer.get("/stations/nowhere/charts")).status_code == 404
    html = (await engineer.get("/stations/leak_test/charts?feature=nothing")).text
    assert "Control charts" in html
