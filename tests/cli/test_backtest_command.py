"""The command from files to figures, and every mismatch between plan and data named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from backtest_plans import make_plan
from lineside.cli.backtest import command
from lineside.domain.backtests.judged import SCORE_COLUMNS
from lineside.domain.errors import LinesideError
from lineside.domain.plan.model import Plan


def write_plan(folder: Path, plan: Plan) -> Path:
    path = folder / "plan.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(plan.model_dump(mode="json"), file)
    return path


def write_data(path: Path, rows: int = 120, *, timed: bool = True, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    lines = ["time,force,Heat 1,label" if timed else "force,Heat 1,label"]
    for row in range(rows):
        bad = row >= rows - 6
        values = f"{rng.normal(100 + 40 * bad, 1):.6f},{rng.normal(20, 1):.6f},{int(bad)}"
        lines.append(f"2026-11-01T00:{row // 60:02}:{row % 60:02}Z,{values}" if timed else values)
    path.write_text("\n".join(lines) + "\n")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(item) for item in arguments])


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_plan(tmp_path, make_plan(time_column="time", characteristic={"model": {"family": "normal"}}))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    write_data(folder / "sub" / "one.csv")
    write_data(folder / "two.csv", seed=1)
    return folder


def test_json_is_exactly_one_object_on_standard_output_and_progress_is_elsewhere(plan: Path, data: Path) -> None:
    result = run(plan, "--data", data, "--protocol", "fit-then-run", "--train", 80, "--per-group", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert list(content) == ["units", "duplicates_dropped", "groups", "metrics", "trivial", "costs", "seconds"]
    assert (content["units"], content["groups"]) == (80, 2)
    assert content["metrics"]["recall"] == 1.0
    assert {"always_alarm", "never_alarm", "alarm_after_200"} <= set(content["trivial"])
    assert "fold 1 of 2 (sub/one)" in result.stderr


def test_the_scores_file_has_one_row_per_unit_judged(plan: Path, data: Path, tmp_path: Path) -> None:
    scores = tmp_path / "out" / "scores.parquet"
    result = run(plan, "--data", data / "two.csv", "--protocol", "fit-then-run", "--scores", scores)
    assert result.exit_code == 0, result.output
    table = pq.read_table(scores)
    assert tuple(table.column_names) == SCORE_COLUMNS
    assert table.num_rows == 60
    assert set(table["outcome"].to_pylist()) == {"conforming", "nonconforming"}
    above = np.array(table["score"].to_pylist()) > np.array(table["limit"].to_pylist())
    assert above.tolist() == table["alarm"].to_pylist()


def test_a_report_is_written_with_a_plot_per_group(plan: Path, data: Path, tmp_path: Path) -> None:
    result = run(plan, "--data", data, "--protocol", "leave-one-group-out", "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.md", "report.html", "plot-sub-one.svg", "plot-two.svg"}


def test_files_can_be_chosen_by_pattern(plan: Path, data: Path) -> None:
    result = run(plan, "--data", data, "--files", "sub/*.csv", "--protocol", "fit-then-run", "--json")
    assert json.loads(result.stdout)["groups"] == 1


def test_stratified_folds_need_data_without_time_and_say_that_it_has_none(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, make_plan(characteristic={"model": {"family": "normal"}}))
    write_data(tmp_path / "parts.csv", timed=False)
    result = run(
        plan, "--data", tmp_path / "parts.csv", "--protocol", "repeated-stratified-kfold", "--repeats", 2, "--folds", 2
    )
    assert result.exit_code == 0, result.output
    assert "240 units judged in 4 groups" in result.stdout
    assert "The data has no time" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--protocol", "repeated-stratified-kfold"], "only for data without time"),
        (["--protocol", "walk-forward", "--per-group"], "--per-group means nothing to walk-forward"),
        (["--protocol", "fit-then-run", "--train", "lots"], "not an amount of rows"),
        (["--protocol", "fit-then-run", "--train", "5000"], "the test segment of all has no row"),
        (["--protocol", "fit-then-run", "--train-group", "three"], "no such group"),
        (["--protocol", "fit-then-run", "--files", "*.parquet"], "no file matches"),
        (["--protocol", "fit-then-run", "--characteristic", "scratch"], "no such characteristic"),
        (["--protocol", "fit-then-run", "--group", "shift"], "no such column"),
        (["--protocol", "fit-then-run", "--train", "5"], "conforming"),
    ],
)
def test_each_mismatch_is_one_readable_error(plan: Path, data: Path, arguments: list[str], message: str) -> None:
    result = run(plan, "--data", data, *arguments)
    assert isinstance(result.exception, LinesideError)
    assert message in str(result.exception)
    assert result.stdout == ""


def test_data_without_outcomes_can_be_judged_when_it_is_said_that_nothing_is_known(tmp_path: Path, data: Path) -> None:
    changed = make_plan(time_column="time", characteristic={"outcome": {"column": "verdict"}})
    plan = write_plan(tmp_path, changed)
    refused = run(plan, "--data", data, "--protocol", "fit-then-run")
    assert "--unlabelled" in str(refused.exception)
    result = run(plan, "--data", data, "--protocol", "fit-then-run", "--unlabelled", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["metrics"]["units_with_outcome"] == 0
    assert content["trivial"] == {}


def test_files_with_a_row_per_reading_are_refused_with_what_to_do(tmp_path: Path, data: Path) -> None:
    changed = make_plan(time_column="time")
    sources = (changed.sources[0].model_copy(update={"layout": "long"}),)
    plan = write_plan(tmp_path, changed.model_copy(update={"sources": sources}))
    result = run(plan, "--data", data, "--protocol", "fit-then-run")
    assert "a column per signal" in str(result.exception)


def test_a_file_that_is_no_plan_is_refused_by_name(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("lineside: 1\n")
    result = run(path, "--data", data, "--protocol", "fit-then-run")
    assert isinstance(result.exception, LinesideError)
    assert "plan.yaml" in str(result.exception)


def test_data_that_is_not_there_is_named(plan: Path, tmp_path: Path) -> None:
    result = run(plan, "--data", tmp_path / "nowhere", "--protocol", "fit-then-run")
    assert isinstance(result.exception, LinesideError)
    assert "nowhere" in str(result.exception)
