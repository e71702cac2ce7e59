from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.cli.capability import command as capability
from lineside.cli.spc import command as spc
from lineside.domain.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """200 stable values, then one far off."""
    values = 10 + np.random.default_rng(5).standard_normal(200)
    path = tmp_path / "parts.csv"
    path.write_text("\n".join(["width", *(f"{value:.4f}" for value in values), "19.5"]), encoding="utf-8")
    return path


def test_a_point_far_off_is_named_with_the_false_alarms_to_expect(file: Path) -> None:
    ran = CliRunner().invoke(spc, [str(file), "--column", "width", "--baseline", "200", "--json"])
    level, moving = (json.loads(line) for line in ran.output.splitlines())
    assert 201 in level["signals"]["1"]
    assert level["false_alarms_per_shift"] > 2.7
    assert moving["false_alarms_per_shift"] is None


@pytest.mark.parametrize("chart", ["individuals", "averages", "ewma"])
def test_every_chart_is_told_in_words(file: Path, chart: str) -> None:
    ran = CliRunner().invoke(spc, [str(file), "--column", "width", "--baseline", "30", "--chart", chart])
    assert ran.exit_code == 0
    assert "limits from the first" in ran.output


def test_rules_that_do_not_exist_are_refused(file: Path) -> None:
    ran = CliRunner().invoke(spc, [str(file), "--column", "width", "--baseline", "30", "--rules", "1,12"])
    assert isinstance(ran.exception, InputError)


def test_capability_is_told_with_its_interval(file: Path) -> None:
    stable = file.with_name("stable.csv")
    stable.write_text(file.read_text(encoding="utf-8").removesuffix("\n19.5"), encoding="utf-8")
    ran = CliRunner().invoke(capability, [str(stable), "--column", "width", "--lower", "6"])
    assert ran.exit_code == 0
    assert "Cp  needs both limits" in ran.output


def test_a_refused_capability_says_why_and_exits_with_1(file: Path) -> None:
    ran = CliRunner().invoke(capability, [str(file), "--column", "width", "--json"])
    assert ran.exit_code == 1
    assert "no limit" in json.loads(ran.output)["reason"]
