"""The figures of the published sets, by hand, and the sets themselves where they are."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lineside.adapters.plan_yaml import load_plan
from lineside.cli.backtest import choose_characteristic, read_units

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LINESIDE_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the published sets are not in {DATA} (LINESIDE_DATA)")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def make_scores(figures: Any, group: list[str], bad: str, alarm: str, **more: Any) -> Any:
    count = len(group)
    return figures.Scores(
        group=tuple(group),
        time=np.arange(count, dtype=np.int64) * 1_000_000_000,
        alarm=np.array([char == "x" for char in alarm], dtype=np.bool_),
        bad=np.array([char == "x" for char in bad], dtype=np.bool_),
        predicted=more.get("predicted", ("",) * count),
        outcome=more.get("outcome", ("",) * count),
    )


def test_tep_counts_each_fault_alike_and_leaves_three_out(scripts: Any) -> None:
    figures = scripts("backtest_figures")
    group = ["d00_te"] * 4 + ["d01_te"] * 4 + ["d02_te"] * 4 + ["d03_te"] * 4
    scores = make_scores(figures, group, "......xx..xx..xx", "x...x.xx...x....")
    result = figures.tep(scores)
    assert result["fdr18"] == (1.0 + 0.5) / 2
    assert result["far_prefault"] == 1 / 6
    assert result["far_second_half"] == 1 / 4
    assert result["median_delay_min"] == np.median([0, 3])
    assert result["fdr_d03"] == 0.0


def test_a_leaking_limit_stops_the_tep_run(scripts: Any) -> None:
    figures, backtests = scripts("backtest_figures"), scripts("backtests")
    scores = make_scores(figures, ["d00_te"] * 481, "." * 481, "." * 481)
    with pytest.raises(SystemExit, match="leak: 481 rows"):
        backtests.check_tep_limits(scores)


def test_skab_pools_its_counts_and_an_endless_alarm_finds_no_event(scripts: Any) -> None:
    figures = scripts("backtest_figures")
    scores = make_scores(figures, ["a"] * 8, "....xx..", "x....x..")
    result = figures.skab(scores)
    assert (result["f1"], result["far"], result["mar"]) == (0.5, 1 / 6, 0.5)
    assert (result["events_found"], result["events"]) == (1, 1)
    assert figures.trivial(scores, figures.skab)["always_alarm"]["events_found"] == 0


def test_nab_counts_what_is_raised_and_not_what_stands(scripts: Any) -> None:
    figures = scripts("backtest_figures")
    machine = make_scores(figures, ["m"] * 12, "....xxxx....", "....xxxxxxxx")
    ambient = make_scores(figures, ["a"] * 12, "....xxxx....", "..xxx.......")
    result = figures.nab(machine, ambient)
    assert (result["machine_found"], result["ambient_found"], result["false_alarms"]) == (1, 0, 1)
    assert result["nab_score"] == pytest.approx(50 - 100 * 0.11 / 4)


def test_airtlab_holds_waste_against_the_rest(scripts: Any) -> None:
    figures = scripts("backtest_figures")
    scores = make_scores(
        figures, ["f"] * 4, "xx..", "x...", predicted=("1", "2", "1", "3"), outcome=("1", "1", "2", "3")
    )
    result = figures.airtlab(scores, {"ece": 0.01})
    assert (result["accuracy"], result["waste_recall"], result["waste_precision"]) == (0.5, 0.5, 0.5)
    assert result["ece"] == 0.01


def test_a_mark_is_reached_from_the_right_side(scripts: Any) -> None:
    goal = scripts("backtests").Goal("far", "<= 0.1", most=0.1)
    assert goal.verdict(0.1) == "reached"
    assert goal.verdict(0.2) == "not reached"
    assert goal.verdict(None) == "not reached"


@pytest.mark.real_data
@needs_data
def test_the_plans_read_their_sets_and_no_signal_is_a_clock() -> None:
    """No feature may carry the row's position: none is more than loosely ranked with it where all is normal."""
    plan = load_plan(ROOT / "benchmarks" / "plans" / "skab.yaml")
    units = read_units(plan, choose_characteristic(plan, ""), DATA / "skab", files=("valve*/*.csv", "other/*.csv"))
    assert (len(units), units.outcome.count("nonconforming"), len(set(units.group))) == (37401, 13067, 34)
    group = np.asarray(units.group, dtype=object)
    ranked = [_rank_with_position(units.features[group == name][:400]) for name in dict.fromkeys(units.group)]
    assert np.median(ranked, axis=0).max() < 0.8


def _rank_with_position(features: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    ranks = np.argsort(np.argsort(features, axis=0), axis=0)
    position = np.arange(len(features))
    return np.abs([np.corrcoef(position, column)[0, 1] for column in ranks.T])


@pytest.mark.real_data
@pytest.mark.system
@needs_data
def test_one_set_runs_from_the_published_files_to_the_table(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "backtests.py"), "--out", str(tmp_path), "--data", str(DATA)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([*command, "--only", "nab_temperature"], check=True, env=environment, capture_output=True)
    result = json.loads((tmp_path / "backtests.json").read_text())
    names = {"machine_found", "ambient_found", "false_alarms", "nab_score", "trivial"}
    assert names <= set(result["nab_temperature"])
    assert {"always_alarm", "never_alarm", "alarm_after_200"} == set(result["nab_temperature"]["trivial"])
    assert "| `nab_score` |" in (tmp_path / "backtests.md").read_text()
