"""The gateway's commands: it runs by its options alone, and says how it does to who stands at the machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lineside.apps.gateway.local_status import serve_status
from lineside.apps.layout import Layout
from lineside.cli.gateway import command
from lineside.wire.status import GatewayStatus, HealthStatus

GOOD = HealthStatus("link", "", "connected", 0, 1)
LOST = HealthStatus("source", "press", "lost", 2, 1, "refused; tried again in 0.5 s")
SLOW = HealthStatus("disk", "", "slow", 1, 1, "300 ms")


def a_status(*healths: HealthStatus) -> GatewayStatus:
    return GatewayStatus(
        gateway="g1", time=1, sources=(), readings=5, parts=2, quarantined=0, dropped=0, late=0,
        backlog=0, unrecorded=False, healths=healths,
    )  # fmt: skip


async def asked(data: Path, status: GatewayStatus, *options: str) -> Result:
    layout = Layout(data)
    layout.create()
    serving = asyncio.create_task(serve_status(layout.status_socket, lambda: status))
    while not layout.status_socket.exists():  # noqa: ASYNC110 - a file appears without telling
        await asyncio.sleep(0.01)
    try:
        return await asyncio.to_thread(CliRunner().invoke, command, ["status", "--data", str(data), *options])
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def test_it_says_each_part_as_a_state_with_its_reason(tmp_path: Path) -> None:
    result = await asked(tmp_path, a_status(GOOD, LOST))
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "gateway g1: BAD"
    assert "BAD source press: lost (refused; tried again in 0.5 s)" in result.output
    assert "ok  link: connected" in result.output


@pytest.mark.parametrize(("healths", "code"), [((GOOD,), 0), ((GOOD, SLOW), 1), ((SLOW, LOST), 2)])
async def test_a_check_exits_with_the_gravest_level(
    tmp_path: Path, healths: tuple[HealthStatus, ...], code: int
) -> None:
    assert (await asked(tmp_path, a_status(*healths), "--check")).exit_code == code


async def test_json_holds_all_of_it(tmp_path: Path) -> None:
    said = json.loads((await asked(tmp_path, a_status(SLOW), "--json")).output)
    assert said["gateway"] == "g1"
    assert said["healths"] == [["disk", "", "slow", 1, 1, "300 ms"]]


def test_without_a_gateway_it_says_so_and_fails(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["status", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert "no gateway answers" in result.output


async def test_a_socket_in_a_deep_folder_answers_and_is_the_owners_alone(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    assert (await asked(deep, a_status(GOOD), "--check")).exit_code == 0
    assert not Layout(deep).status_socket.exists()


def test_options_alone_still_mean_running_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--plan", str(tmp_path / "none.yaml"), "--nats", "nats://127.0.0.1:1"])
    assert result.exception is not None
    assert "none.yaml" in str(result.exception)
