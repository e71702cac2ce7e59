"""The loop as real processes: from files, through gateway, NATS and plant, to history, audit and board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from lineside.cli.audit import command as audit_command
from lineside.cli.gateway import command as gateway_command
from running_line import RunningLine, eventually, running_line

pytestmark = pytest.mark.system


@pytest.fixture
def line(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[RunningLine]:
    with running_line(tmp_path, free_port()) as running:
        yield running


def test_a_fault_becomes_an_alert_that_is_audited_and_shown(line: RunningLine) -> None:
    line.deliver(30)
    line.deliver(5, die_temp=260.0)
    line.deliver(10)
    raised = eventually(lambda: [row for row in line.rows("alert_events") if row["kind"] == "raised"], saying=line.log)
    assert {(row["cause"], row["priority"]) for row in raised} == {("cooling", "critical")}
    eventually(lambda: len(line.rows("readings")) == line.delivered, saying=lambda: "all readings in the history")
    ids = {row["id"] for row in raised}
    assert ids <= line.audited({"alert.raised"})
    eventually(lambda: ids <= line.audited({"alert.shown"}), saying=lambda: "the alert was shown")
    predictions = line.rows("predictions")
    assert len(predictions) == len(line.rows("parts"))
    assert httpx.get(f"http://127.0.0.1:{line.port}/alive").status_code == 200
    said = CliRunner().invoke(gateway_command, ["status", "--data", str(line.layout.root)])
    assert "source machine: connected" in said.output, said.output
    assert "station cast: judging" in said.output
    assert "link: connected" in said.output
    assert "clock machine: steady" in said.output
    eventually(lambda: len(line.rows("health")) > 3, saying=lambda: "births and states in the history")
    births = [row for row in line.rows("health") if row["kind"] == "birth"]
    assert len(births) == 1
    assert "machine (files)" in births[0]["details"]
    assert line.stop() == 0
    assert not Path(line.layout.root / "pids.json").exists()
    verified = CliRunner().invoke(audit_command, ["verify", "--data", str(line.layout.root)])
    assert verified.exit_code == 0, verified.output


def test_a_second_start_goes_on_where_the_first_ended(line: RunningLine) -> None:
    line.deliver(20)
    eventually(lambda: len(line.rows("readings")) == line.delivered, saying=line.log)
    assert line.stop() == 0
    line.deliver(20)
    line.start()
    eventually(lambda: len(line.rows("readings")) == line.delivered, saying=line.log)
    cycles = [row["cycle_id"] for row in line.rows("parts")]
    assert len(cycles) == len(set(cycles))
