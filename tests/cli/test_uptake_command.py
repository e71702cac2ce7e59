"""What became of alerts, from the history, with nothing of anybody alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from lineside.adapters.delta_history import DeltaHistory
from lineside.apps.layout import Layout
from lineside.cli.uptake import command
from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.units import HOUR, SECOND
from lineside.ports import LandedRecord
from lineside.testing.plans import PRESS_PLAN
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind


def _events(people: int) -> list[AlertEvent]:
    """Return ten alerts of the last minutes, each taken by somebody."""
    raised, found = time.time_ns() - HOUR, []
    for number in range(10):
        event = AlertEvent(
            id=f"a{number}#1", alert_id=f"a{number}", kind=AlertKind.RAISED, time=raised, station="press",
            characteristic="porosity", cause="c", writer="gw",
        )  # fmt: skip
        answer = replace(
            event, id=f"a{number}#2", kind=AlertKind.TAKEN, time=raised + 20 * SECOND, by=f"operator P{number % people}"
        )
        found += [event, answer]
    return found


async def _data(folder: Path, people: int) -> list[str]:
    (folder / "plan.yaml").write_text(PRESS_PLAN, encoding="utf-8")
    layout = Layout(folder / "data")
    history = await DeltaHistory.open(layout.history)
    record = a_record(1, encode_items(_events(people)), kind=RecordKind.ALERTS)
    await history.append([LandedRecord(position=1, record=record)])
    return ["--plan", str(folder / "plan.yaml"), "--data", str(layout.root)]


async def test_figures_are_of_a_station_and_a_shift(tmp_path: Path) -> None:
    where = await _data(tmp_path, people=5)
    found = json.loads(CliRunner().invoke(command, [*where, "--json"], catch_exceptions=False).stdout)
    assert sum(item["acted"] for item in found["shown"]) == 10
    assert {item["median"] for item in found["shown"]} == {20 * SECOND}
    said = CliRunner().invoke(command, where, catch_exceptions=False).stdout
    assert "10 acted on, 0 overridden, 0 ignored; first answer after 20 s" in said
    assert "P1" not in said


@pytest.mark.parametrize("people", [1, 4])
async def test_of_few_people_nothing_is_said(tmp_path: Path, people: int) -> None:
    where = await _data(tmp_path, people)
    found = json.loads(CliRunner().invoke(command, [*where, "--json"], catch_exceptions=False).stdout)
    assert found["shown"] == []
    assert len(found["too_few_people"]) == 1


def test_without_alerts_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PRESS_PLAN, encoding="utf-8")
    where = ["--plan", str(tmp_path / "plan.yaml"), "--data", str(tmp_path / "data")]
    assert "no alert in 30 days" in CliRunner().invoke(command, where, catch_exceptions=False).stdout
