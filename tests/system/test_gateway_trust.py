"""Enrolment, configuration and revocation with the processes as they run, driven from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.cli.gateway import command as gateway
from lineside.cli.gateways import command as gateways
from lineside.domain.errors import InputError
from lineside.testing.releases import put_in_force
from running_line import PLAN, RunningLine, eventually, running_line

pytestmark = pytest.mark.system


@pytest.fixture
def line(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[RunningLine]:
    with running_line(tmp_path, free_port()) as running:
        yield running


def said(line: RunningLine, *arguments: str) -> str:
    found = CliRunner().invoke(gateways, [*arguments, "--data", str(line.layout.root)], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def status(line: RunningLine) -> str:
    return CliRunner().invoke(gateway, ["status", "--data", str(line.layout.root)]).output


async def approved(line: RunningLine, text: str) -> None:
    state = open_state(sqlite_url(line.layout.state))
    await put_in_force(state, text)
    state.close()


def texts(line: RunningLine) -> set[str]:
    return {row["text"] for row in line.rows("alert_events") if row["kind"] == "raised"}


def test_a_gateway_takes_a_configuration_under_way_and_is_cut_off_when_revoked(line: RunningLine) -> None:
    assert said(line, "list").startswith("gateway  works/dc07  ")
    line.deliver(30)
    eventually(lambda: len(line.rows("readings")) == line.delivered, saying=line.log)

    changed = line.root / "changed.yaml"
    changed.write_text(PLAN.replace("Porosity likely: cooling is too weak.", "Look at the chiller now."))
    with pytest.raises(InputError, match="not in force"):
        said(line, "configure", "--plan", str(changed))
    asyncio.run(approved(line, changed.read_text()))
    assert "version 1 is given to gateway" in said(line, "configure", "--plan", str(changed))
    pid = line.pids()["gateway"]
    eventually(lambda: "trial (in force)" in said(line, "configurations"), saying=lambda: said(line, "configurations"))
    line.deliver(5, die_temp=260.0)
    line.deliver(10)
    eventually(lambda: "Look at the chiller now." in texts(line), saying=lambda: str(texts(line)))
    assert line.pids()["gateway"] == pid  # nothing was started again for it

    before = line.delivered
    eventually(lambda: len(line.rows("readings")) == before, saying=lambda: str(len(line.rows("readings"))))
    said(line, "revoke", "gateway")
    line.deliver(5)
    eventually(lambda: "uthorization" in status(line), 60, saying=lambda: status(line))
    assert " 0 records wait" not in status(line)
    assert len(line.rows("readings")) == before
    actions = [entry.action for entry in read_chain(line.layout.plant_audit)]
    for action in ("gateway.token", "gateway.enrolled", "configuration.given", "configuration.said", "gateway.revoked"):
        assert action in actions
    assert "configuration.taken" in [entry.action for entry in read_chain(line.layout.gateway_audit)]
