"""`lineside gateways` and `lineside gateway enrol`, from the shell's side."""

from __future__ import annotations

import stat
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.gateway_identity import load_identity
from lineside.adapters.nats_server import EmbeddedNats
from lineside.apps.layout import Layout
from lineside.cli.gateway import command as gateway
from lineside.cli.gateways import command as gateways
from running_line import PLAN


def run(command: click.Command, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(item) for item in arguments], catch_exceptions=False)


@pytest.fixture
async def plant(tmp_path: Path) -> Path:
    """A plant's data folder whose transport has run once."""
    server = EmbeddedNats(Layout(tmp_path / "plant").nats)
    await server.start()
    await server.stop()
    (tmp_path / "plan.yaml").write_text(PLAN)
    return tmp_path / "plant"


def enrolled(tmp_path: Path, plant: Path, name: str = "gw1") -> Path:
    """Enrol a device by carrying files; return its data folder."""
    token, request, answer, data = (tmp_path / f"{name}.{kind}" for kind in ("token", "request", "answer", "data"))
    run(gateways, "enrol", name, "--plan", tmp_path / "plan.yaml", "--out", token, "--data", plant)
    run(gateway, "enrol", token, "--request", request, "--data", data)
    run(gateways, "answer", request, "--out", answer, "--data", plant)
    said = run(gateway, "enrol", token, "--answer", answer, "--data", data)
    assert said.exit_code == 0, said.output
    assert f"{name} is enrolled, for line dc07 of works" in said.output
    return data


def test_a_gateway_is_enrolled_by_files_listed_and_revoked(tmp_path: Path, plant: Path) -> None:
    data = enrolled(tmp_path, plant)
    assert stat.S_IMODE((tmp_path / "gw1.token").stat().st_mode) == 0o600
    identity = load_identity(Layout(data).identity)
    assert identity is not None
    assert run(gateways, "list", "--data", plant).output.endswith("enrolled\n")
    assert "gw1 is revoked" in run(gateways, "revoke", "gw1", "--data", plant).output
    assert "  revoked " in run(gateways, "list", "--data", plant).output
    actions = [entry.action for entry in read_chain(Layout(plant).plant_audit)]
    assert actions == ["gateway.token", "gateway.enrolled", "gateway.revoked"]
    users = (Layout(plant).nats / "users.conf").read_text()
    assert "nkey" not in users


def test_a_plant_without_a_transport_makes_no_token(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    result = CliRunner().invoke(
        gateways, ["enrol", "gw1", "--plan", str(tmp_path / "plan.yaml"), "--data", str(tmp_path / "plant")]
    )
    assert "no transport of its own yet" in str(result.exception)


@pytest.mark.parametrize("name", ["plant", "a b", "", "x" * 64, "a.b", "*"])
def test_a_name_that_cannot_be_a_gateways_is_refused(tmp_path: Path, plant: Path, name: str) -> None:
    result = CliRunner().invoke(gateways, ["enrol", name, "--plan", str(tmp_path / "plan.yaml"), "--data", str(plant)])
    assert "not a name for a gateway" in str(result.exception)


def test_a_configuration_with_another_way_in_is_refused(tmp_path: Path, plant: Path) -> None:
    good = Layout(plant).nats / "nats.conf"
    assert "opens another way in" in run(gateways, "check-server", good).output
    (tmp_path / "bad.conf").write_text(good.read_text() + "websocket { port: 8080 }\n")
    refused = CliRunner().invoke(gateways, ["check-server", str(tmp_path / "bad.conf")])
    assert "browsers" in str(refused.exception)
