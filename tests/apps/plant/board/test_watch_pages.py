"""The pages of the watch: drift, performance and readiness."""

from __future__ import annotations

from pathlib import Path

from board_client import client_of
from lineside.apps.plant.board import BoardSettings
from lineside.domain.access import AccessRole
from lineside.testing.boards import make_bench, sample_ready, sample_watched


async def test_it_names_what_drifted_apart_from_what_conditions_explain(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, settings=BoardSettings(watched=sample_watched, ready=sample_ready))
    await bench.account(AccessRole.ENGINEER)
    async with client_of(bench) as client:
        await client.log_in("engineer")
        shown = (await client.get("/drift")).text
        assert 'href="/drift"' in (await client.get("/models")).text
    drifted, _, explained = shown.partition("Explained by conditions")
    assert "1 feature has drifted" in drifted
    assert "the same value for the last 42 parts" in drifted
    assert "pressure.max" in drifted
    assert "die_temperature.mean" not in drifted
    assert "die_temperature.mean" in explained
    assert "None" not in shown
    bench.state.close()


async def test_performance_shows_damage_and_money_with_coverage_beside_the_figures(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, settings=BoardSettings(watched=sample_watched, ready=sample_ready))
    await bench.account(AccessRole.ENGINEER)
    async with client_of(bench) as client:
        await client.log_in("engineer")
        shown = (await client.get("/performance")).text
        ready = (await client.get("/ready")).text
    for words in (
        "recall 40\N{NO-BREAK SPACE}%",
        "released with 90\N{NO-BREAK SPACE}%",
        "per 1,000 parts",
        "truth known of all parts",
        "budget left",
        "error of expected values",
        "(0.87 by the model alone)",
    ):
        assert words in shown
    assert "insufficient evidence" in ready
    assert "None" not in shown + ready
    bench.state.close()


async def test_reasons_and_evidence_are_said_in_the_language_of_who_reads_them(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, settings=BoardSettings(watched=sample_watched, ready=sample_ready))
    await bench.account(AccessRole.ENGINEER)
    async with client_of(bench) as client:
        await client.log_in("engineer")
        await client.send_form("/", "/language", language="de")
        drift, performance, ready = [(await client.get(path)).text for path in ("/drift", "/performance", "/ready")]
    percent = "\N{NO-BREAK SPACE}%"
    assert "derselbe Wert bei den letzten 42 Teilen" in drift
    assert f"Trefferquote 40{percent} (34,5{percent} bis" in performance
    assert f"120 von 200 schlecht in 30 Tagen, 50{percent} dürfen es sein, 1,2-mal zu schnell über" in performance
    assert "zurückgehaltenen guten Teilen" in ready
    assert "<td>≥ 0,5</td>" in ready
    assert "der Plan nennt keine Sätze" in ready
    for words in ("bad parts", "may be", "the plan", "held out", "in service", "the same value"):
        assert words not in performance + ready + drift
    bench.state.close()


async def test_before_the_first_look_it_says_what_it_waits_for(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        assert (await client.get("/drift")).status_code == 303
        await bench.account(AccessRole.OPERATOR)
        await client.log_in("operator")
        assert "it takes 50 parts" in (await client.get("/drift")).text
        assert "judged a part yet" in (await client.get("/performance")).text
        assert "No model is in service." in (await client.get("/ready")).text
    bench.state.close()
