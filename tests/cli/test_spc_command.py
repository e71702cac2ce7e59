from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.adapters.delta_history import DeltaHistory
from lineside.apps.layout import Layout
from lineside.cli.capability import command as capability
from lineside.cli.history import command as history
from lineside.cli.spc import command as spc
from lineside.domain.errors import InputError
from lineside.domain.parts import PartRecord
from lineside.ports import LandedRecord
from lineside.testing.records import BORN, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind


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


@pytest.mark.parametrize("kind", ["parquet", "csv"])
async def test_parts_exported_from_the_history_can_be_charted(tmp_path: Path, kind: str) -> None:
    values = 680 + np.random.default_rng(2).standard_normal(40)
    parts = [
        PartRecord(
            cycle_id=f"c{n:02}",
            unit=f"U{n:02}",
            station="cast",
            started=BORN + n,
            ended=BORN + n,
            received=BORN + n,
            recipe="r",
            features=np.array([value]),
        )
        for n, value in enumerate(values)
    ]
    kept = await DeltaHistory.open(Layout(tmp_path).history, {"r": ("melt.mean",)})
    await kept.append([LandedRecord(position=1, record=a_record(1, encode_items(parts), kind=RecordKind.PARTS))])
    out = tmp_path / f"parts.{kind}"
    assert CliRunner().invoke(history, ["export", "--data", str(tmp_path), "wide:cast", str(out)]).exit_code == 0

    ran = CliRunner().invoke(spc, [str(out), "--column", "melt.mean", "--baseline", "40", "--json"])

    level = json.loads(ran.output.splitlines()[0])
    assert level["points"] == 40
    assert level["centre"] == pytest.approx(values.mean())
