"""The page of signals and sources: every figure that is known, a dash where none is, and words beside each mark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from board_client import BoardClient, client_of
from lineside.apps.web.language import read_catalogues
from lineside.domain.access import AccessRole
from lineside.domain.intake.reasons import EXPLANATIONS, Reason
from lineside.testing.boards import Bench, make_bench
from lineside.testing.signals import sample_signals


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = make_bench(tmp_path, settings=sample_signals())
    yield bench
    bench.state.close()


def row(html: str, *words: str) -> str:
    """Return the one row of a table that has all the words."""
    [found] = [item for item in html.split("<tr>") if all(word in item for word in words)]
    return found


async def test_each_signal_has_its_value_age_quality_rate_and_shares(engineer: BoardClient) -> None:
    html = (await engineer.get("/signals")).text
    flow = row(html, "Cooling water flow", "l/min")
    for words in ("12.4", "5 s", "good", "25\N{NO-BREAK SPACE}%", "/stations/cast/plot?quantity=signal%3Acooling_flow"):
        assert words in flow
    bath = row(html, "Bath temperature</a>")
    assert "▲ bad" in bath
    assert "\N{EN DASH}" in row(html, "Trim force</a>")


async def test_a_sensor_that_the_watch_doubts_is_named_with_its_fault(engineer: BoardClient) -> None:
    assert "▲ stuck" in row((await engineer.get("/signals")).text, "Cooling water flow", "l/min")


async def test_each_source_has_its_clock_its_state_and_what_came_twice(engineer: BoardClient) -> None:
    html = (await engineer.get("/signals")).text
    source = row(html, "gw-1", "▲ degraded")
    for words in (
        "&lt;no such node&gt;",
        "▲ skewed",
        "1.50\N{NO-BREAK SPACE}s",
        "2.50\N{NO-BREAK SPACE}ms",
        "10\N{NO-BREAK SPACE}%",
        "40.0\N{NO-BREAK SPACE}ppm",
        "900",
    ):
        assert words in source


async def test_what_was_refused_and_dropped_stands_with_its_reason(engineer: BoardClient) -> None:
    html = (await engineer.get("/signals")).text
    assert "3</td>" in row(html, "not_a_number")
    assert "Nothing is missing." in html
    assert "None" not in html


async def test_without_a_gateway_and_without_readings_it_says_so(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        await bench.account(AccessRole.OPERATOR)
        await client.log_in("operator")
        html = (await client.get("/signals")).text
    bench.state.close()
    for words in ("No reading has come", "No gateway tells of it.", "Nothing was refused.", "No signal."):
        assert words in html


@pytest.mark.parametrize("code", ["de", "es", "pt", "zh"])
async def test_it_speaks_the_language_of_whoever_asks(engineer: BoardClient, code: str) -> None:
    words = read_catalogues()[code]
    await engineer.send_form("/", "/language", language=code)
    html = (await engineer.get("/signals")).text
    refused = EXPLANATIONS[Reason.NOT_A_NUMBER]
    for text in ("Signals and sources", "came twice", "degraded", "skewed", "bad", "stuck", "clock behind by", refused):
        assert words[text] in html
