"""`lineside plan` as people and scripts call it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.tables import TimeOptions, read_table
from lineside.cli.plan import command
from lineside.domain.errors import PlanError
from lineside.domain.plan.draft import draft_plan

GOOD = Path(__file__).parents[1] / "plans" / "casting.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(
        GOOD.read_text().replace("exclude: [shot]", "exclude: [shoot]").replace("phase: prod", "phase: rod")
    )
    return path


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    path = tmp_path / "new.yaml"
    path.write_text(GOOD.read_text().replace("length: 10 s", "length: 20 s"))
    return path


def test_a_good_plan_is_called_good_with_its_digests() -> None:
    result = run("check", GOOD)
    assert result.exit_code == 0
    assert "good" in result.output
    assert "2 stations, 9 signals, 2 characteristics, 5 reactions" in result.output
    assert "judging digest" in result.output


def test_every_mistake_is_listed_and_the_exit_code_is_one(faulty: Path) -> None:
    result = run("check", faulty)
    assert result.exit_code == 1
    assert "2 errors" in result.output
    assert "line 10: phase" in result.output
    assert "did you mean 'production'?" in result.output
    assert "did you mean 'shot'?" in result.output


def test_scripts_get_the_findings_as_json(faulty: Path) -> None:
    found = json.loads(run("check", faulty, "--json").output)
    assert found["usable"] is False
    assert [(item["line"], item["code"]) for item in found["findings"]] == [(10, "value-enum"), (96, "unknown-name")]


def test_warnings_count_only_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    text = GOOD.read_text().replace("opc.tcp://127.0.0.1", "opc.tcp://10.0.0.9")
    path.write_text(text.replace("security: Aes256_Sha256_RsaPss", "security: none\n    laboratory: true"))
    assert run("check", path).exit_code == 0
    assert "it can be used" in run("check", path).output
    assert run("check", path, "--strict").exit_code == 1


def test_a_difference_is_grouped_by_what_it_costs(changed: Path) -> None:
    result = run("diff", GOOD, changed)
    assert result.exit_code == 1
    assert "must be validated again" in result.output
    assert "cycle . length raised from 10 s to 20 s" in result.output
    assert "raise it to 4" in result.output


def test_the_difference_as_json_says_whether_models_must_be_validated(changed: Path) -> None:
    found = json.loads(run("diff", GOOD, changed, "--json").output)
    assert found["revalidate"] is True
    assert [item["effect"] for item in found["changes"]] == ["judging"]


def test_equal_plans_say_the_same() -> None:
    result = run("diff", GOOD, GOOD)
    assert (result.exit_code, result.output) == (0, "The plans say the same.\n")


def test_the_schema_is_written_with_the_comment_that_editors_look_for(tmp_path: Path) -> None:
    path = tmp_path / "plan.schema.json"
    result = run("schema", "--output", path)
    assert "# yaml-language-server: $schema=plan.schema.json" in result.output
    assert json.loads(path.read_text())["title"] == "Lineside control plan"
    assert json.loads(run("schema").output) == json.loads(path.read_text())


def test_the_reference_is_printed_as_markdown() -> None:
    assert run("schema", "--markdown").output.startswith("# The control plan's file\n")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "press.csv"
    rows = [
        f"2024-01-01 00:{i // 60:02d}:{i % 60:02d};{20 + i * i % 7},5;{i * i % 11};{int(i % 50 == 0)}"
        for i in range(300)
    ]
    path.write_text("\n".join(["Zeit;Temperatur [°C];Druck;nok", *rows]), encoding="cp1252")
    return path


def test_a_plan_is_drafted_from_data_checked_and_named_in_the_next_command(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "plan.yaml"
    result = run("init", "--from", data, "--output", output)
    assert result.exit_code == 0
    assert "outcome: column 'nok' tells the truth" in result.output
    assert f"lineside backtest {output} --data {data} --protocol fit-then-run" in result.output
    assert run("check", output).exit_code == 0
    text = output.read_text()
    assert "unit: degC" in text
    assert 'decimal: ","' in text
    assert "guessed: [unit, range, rate]" in text


def test_what_was_drafted_is_the_plan_that_is_read_back(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "plan.yaml"
    run("init", "--from", data, "--output", output)
    table = read_table(data, time=TimeOptions(column=None))
    assert load_plan(output) == draft_plan(table, str(data), "press").plan


def test_a_plan_to_begin_with_needs_no_data(tmp_path: Path) -> None:
    output = tmp_path / "plan.yaml"
    assert run("init", "--output", output).exit_code == 0
    assert run("check", output, "--strict").exit_code == 0


def test_a_plan_that_is_there_is_not_overwritten_unasked(tmp_path: Path) -> None:
    output = tmp_path / "plan.yaml"
    output.write_text("precious")
    with pytest.raises(PlanError, match="--force"):
        run("init", "--output", output)
    assert output.read_text() == "precious"
    assert run("init", "--output", output, "--force").exit_code == 0


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["airtlab_molding/data.csv", "nab_temperature/machine_temperature_system_failure.csv", "skab/other/13.csv"],
)
def test_real_data_drafts_a_usable_plan(name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("LINESIDE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    if not (folder / name).exists():
        pytest.skip(f"the real data is not here: {folder / name}")
    output = tmp_path / "plan.yaml"
    run("init", "--from", folder / name, "--output", output)
    assert run("check", output).exit_code == 0
