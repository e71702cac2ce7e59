"""`lineside source` as people and scripts call it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lineside.cli.source import command
from lineside.domain.errors import InputError
from lineside.testing.peers.ports import free_port

PLAN = """
lineside: 1
site: {{id: site}}
area: {{id: area}}
line: {{id: line}}
part: {{number: P1}}
sources:
  - {{id: folder, kind: files, path: drop, time_column: time}}
  - {{id: broker, kind: mqtt, url: "mqtt://127.0.0.1:{port}"}}
stations:
  - {{id: press, cycle: {{by: window, length: 10 s}}}}
signals:
  - {{id: temperature, station: press, source: folder, unit: degC, range: [0, 300], features: [mean]}}
  - {{id: force, station: press, source: broker, address: "press/force", unit: kN, features: [max]}}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "drop").mkdir()
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.format(port=free_port()))
    return path


def show(plan: Path, value: object) -> None:
    (plan.parent / "drop" / "shift.csv").write_text(f"time,temperature\n{time.time_ns()},{value}\n")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


def test_a_source_that_works_is_called_one_with_its_reading_and_exit_code_zero(plan: Path) -> None:
    show(plan, 21.5)
    result = run("test", plan, "temperature")
    assert result.exit_code == 0
    assert "temperature: 21.5 degC" in result.output
    assert "It works." in result.output
    assert "broker" not in result.output


def test_what_fails_is_said_with_the_next_step_and_exit_code_one(plan: Path) -> None:
    show(plan, 311.15)
    result = run("test", plan, "temperature")
    assert result.exit_code == 1
    assert "FAILS  range" in result.output
    assert "-> perhaps the machine sends kelvin" in result.output
    assert "First to mend: temperature: range." in result.output


def test_without_a_signal_every_source_is_tested_and_a_closed_port_is_called_closed(plan: Path) -> None:
    show(plan, 21.5)
    result = run("test", plan, "--seconds", "1")
    assert result.exit_code == 1
    assert "folder (files) drop" in result.output
    assert "is closed" in result.output


def test_scripts_get_steps_readings_and_verdict_as_json(plan: Path) -> None:
    show(plan, 21.5)
    found = json.loads(run("test", plan, "folder", "--json").output)
    assert found["ok"] is True
    [source] = found["sources"]
    assert source["verdict"] == "It works."
    assert source["readings"][0]["value"] == 21.5
    assert {step["name"] for step in source["steps"]} == {"folder", "table", "quality", "range", "time"}


def test_a_name_that_the_plan_does_not_have_is_refused_with_those_it_has(plan: Path) -> None:
    with pytest.raises(InputError, match="no signal or source") as caught:
        run("test", plan, "temprature")
    assert "temperature" in caught.value.choices
