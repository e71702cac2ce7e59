"""A signal over a longer time: the page without script, its figures, and the data that its script asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from board_client import BoardClient, client_of
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.long_plots import LongPlots
from lineside.apps.web.language import read_catalogues
from lineside.domain.units import DAY, MINUTE, SECOND
from lineside.testing.boards import Bench, make_bench
from lineside.testing.floors import run_before
from lineside.testing.long_histories import keep_long

PLOT = "/stations/cast/plot"
DATA = "/stations/cast/plot.bin"
SIGNAL = "signal:die_temperature_moving"
MANY = 8_000


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = make_bench(tmp_path, settings=BoardSettings(plots=LongPlots(tmp_path / "history")))
    now = bench.clock.now()
    await keep_long(
        tmp_path / "history",
        bench.floor.plan,
        "die_temperature_moving",
        count=MANY,
        ends=now - SECOND,
        every=10 * SECOND,
    )
    yield bench
    bench.state.close()


def asked(bench: Bench, span: int, columns: int) -> dict[str, str]:
    end = bench.clock.now() // 1_000_000
    return {"quantity": SIGNAL, "from": str(end - span // 1_000_000), "to": str(end), "columns": str(columns)}


async def test_without_script_it_is_a_curve_and_a_table_of_figures(engineer: BoardClient) -> None:
    html = (await engineer.get(PLOT, params={"quantity": SIGNAL, "over": "week"})).text
    assert f"{MANY} values" in html
    assert '<polyline class="trace"' in html
    assert "250\N{NO-BREAK SPACE}°C" in html
    assert "The same in figures" in html


async def test_a_span_without_a_value_says_so(engineer: BoardClient) -> None:
    html = (await engineer.get(PLOT, params={"quantity": "signal:cooling_flow"})).text
    assert "The history has no value of it in this time." in html
    assert "data-plot=" not in html


async def test_the_points_of_a_day_are_few_and_keep_the_peak(bench: Bench, engineer: BoardClient) -> None:
    answer = await engineer.get(DATA, params=asked(bench, DAY, 200))
    numbers = np.frombuffer(answer.content, dtype="<f8")
    points, behind = int(numbers[0]), int(numbers[1])
    assert (behind, len(numbers)) == (MANY, 2 + 2 * points)
    assert points <= 800
    times, values = numbers[2 : 2 + points], numbers[2 + points :]
    assert np.nanmax(values) == 250.0
    assert (np.diff(times) >= 0).all()
    few = np.frombuffer((await engineer.get(DATA, params=asked(bench, MINUTE, 2_000))).content, dtype="<f8")
    assert few[1] == 6


@pytest.mark.parametrize(
    "wrong",
    [{"from": "x"}, {"from": "-1"}, {"to": "0"}, {"columns": "1e3"}, {"to": "9" * 15}, {"from": "٣"}],
)
async def test_what_is_no_number_or_no_stretch_is_refused(
    bench: Bench, engineer: BoardClient, wrong: dict[str, str]
) -> None:
    assert (await engineer.get(DATA, params=asked(bench, DAY, 200) | wrong)).status_code == 422


@pytest.mark.parametrize("quantity", ["", "signal:", "signal:serial", "feature:no", "signal:x' OR '1'='1"])
async def test_what_the_station_does_not_have_is_not_there(bench: Bench, engineer: BoardClient, quantity: str) -> None:
    assert (await engineer.get(DATA, params=asked(bench, DAY, 9) | {"quantity": quantity})).status_code == 404
    assert (await engineer.get("/stations/nowhere/plot")).status_code == 404


async def test_a_stranger_gets_neither_the_page_nor_the_data(bench: Bench) -> None:
    async with client_of(bench) as client:
        for path in (PLOT, DATA):
            answer = await client.get(path)
            assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("code", ["de", "es", "pt", "zh"])
async def test_it_speaks_the_language_of_whoever_asks(engineer: BoardClient, code: str) -> None:
    await engineer.send_form("/", "/language", language=code)
    html = (await engineer.get(PLOT, params={"quantity": SIGNAL})).text
    for text in ("Over a longer time", "The same in figures", "Closer"):
        assert read_catalogues()[code][text] in html


@pytest.mark.parametrize(
    ("kind", "names"),
    [("individuals", ["individuals", "moving+range"]), ("averages", ["averages", "ranges"]), ("ewma", ["ewma"])],
)
async def test_every_control_chart_can_be_brought_to_life(
    bench: Bench, engineer: BoardClient, kind: str, names: list[str]
) -> None:
    run_before(bench.floor, "cast", 100)
    html = (await engineer.get(f"/stations/cast/charts?chart={kind}")).text
    for name in names:
        assert f'chart={kind}&amp;name={name}"' in html
    assert html.count("data-plot-low=") == len(names)
    assert 'data-watch="station:cast"' in html
