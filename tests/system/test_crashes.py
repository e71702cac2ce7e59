"""kill -9 of each process in mid-run: nothing accepted is lost or doubled, no alert is shown that is not audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lineside.cli.audit import command as audit_command
from running_line import RunningLine, eventually, running_line

pytestmark = pytest.mark.system


@pytest.fixture
def line(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[RunningLine]:
    with running_line(tmp_path, free_port()) as running:
        yield running


def test_every_accepted_reading_is_in_history_once_whatever_is_killed(line: RunningLine) -> None:
    eventually(lambda: any(line.layout.models.glob("*/current.json")), saying=line.log)
    for part in ("gateway", "plant", "nats", "gateway", "plant"):
        line.deliver(15)
        line.deliver(5, die_temp=260.0)
        line.kill(part)
    line.deliver(15)
    eventually(lambda: len(line.rows("readings")) >= line.delivered, saying=line.log)
    eventually(lambda: sum(row["kind"] == "raised" for row in line.rows("alert_events")) > 0)
    readings = Counter((row["signal"], row["source_time"]) for row in line.rows("readings"))
    assert len(readings) == line.delivered
    assert set(readings.values()) == {1}
    cycles = Counter(row["cycle_id"] for row in line.rows("parts"))
    assert set(cycles.values()) == {1}
    shown = line.audited({"alert.shown"})
    assert shown <= line.audited({"alert.raised", "alert.updated", "alert.cleared"})
    assert line.stop() == 0
    verified = CliRunner().invoke(audit_command, ["verify", "--data", str(line.layout.root)])
    assert verified.exit_code == 0, verified.output
