"""Security requirement 24 at the gateway: planted secrets are looked for wherever somebody could come upon them."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.nats_server import EmbeddedNats, NatsOptions
from lineside.apps.layout import Layout
from lineside.cli.gateway import command as gateway
from lineside.cli.gateways import command as gateways
from running_line import PLAN

CANARY = "canary-7f3a9e51c4"
BROKER = "  - {{id: hall, kind: mqtt, url: 'mqtt://127.0.0.1:{port}', username: lineside, secret: hall_broker}}\n"
SIGNAL = "  - {id: hall_temp, station: cast, source: hall, unit: degC, role: environment, address: hall/temp}\n"


@pytest.fixture
async def transport(tmp_path: Path) -> AsyncIterator[EmbeddedNats]:
    options = NatsOptions(store=tmp_path / "store", mqtt_port=-1)
    server = EmbeddedNats(Layout(tmp_path / "plant").nats, options)
    await server.start()
    yield server
    await server.stop()


def enrolled(root: Path, port: int) -> Path:
    """A gateway's data folder, enrolled, and its plan, with a broker that does not take its password."""
    text = PLAN.replace("stations:\n", BROKER.format(port=port) + "stations:\n", 1)
    (root / "plan.yaml").write_text(text.replace("characteristics:\n", SIGNAL + "characteristics:\n", 1))
    (root / "inbox").mkdir()
    token, request, answer, data = (root / name for name in ("token", "request", "answer", "gateway"))
    steps = (
        (gateways, ["enrol", "gw1", "--plan", root / "plan.yaml", "--out", token, "--data", root / "plant"]),
        (gateway, ["enrol", token, "--request", request, "--data", data]),
        (gateways, ["answer", request, "--out", answer, "--data", root / "plant"]),
        (gateway, ["enrol", token, "--answer", answer, "--data", data]),
    )
    for command, arguments in steps:
        found = CliRunner().invoke(command, [str(item) for item in arguments], catch_exceptions=False)
        assert found.exit_code == 0, found.output
    return data


async def run(root: Path, data: Path, seconds: float = 0.0) -> tuple[str, str]:
    """Run the gateway, for so long or until it ends; return what it printed, and what its status said meanwhile."""
    arguments = ["-m", "lineside", "gateway", "run", "--plan", str(root / "plan.yaml"), "--data", str(data)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env=os.environ | {"LINESIDE_SECRET_HALL_BROKER": CANARY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = ""
    if seconds:
        async with asyncio.timeout(seconds):
            while "hall: lost" not in said and "hall: starting" not in said:
                await asyncio.sleep(0.5)
                asked = ["status", "--json", "--data", str(data)]
                plain = ["status", "--data", str(data)]
                both = [await asyncio.to_thread(CliRunner().invoke, gateway, words) for words in (plain, asked)]
                said = "".join(item.output for item in both)
        process.terminate()
    printed, _ = await process.communicate()
    return printed.decode(), said


def secrets_of(data: Path) -> dict[str, bytes]:
    identity = Layout(data).identity
    found = {path.name: path.read_bytes() for path in identity.iterdir() if path.suffix in {".key", ".seed"}}
    assert len(found) == 3
    return {"password": CANARY.encode(), **found}


def forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret.hex().encode()


async def test_24_no_secret_of_a_gateway_comes_to_light(tmp_path: Path, transport: EmbeddedNats) -> None:
    data = await asyncio.to_thread(enrolled, tmp_path, transport.mqtt_port)
    heard: list[bytes] = []

    async def listen(subject: str, body: bytes) -> None:
        heard.append(subject.encode() + body)

    bus = await NatsBus.open(transport.address, name="observer", within=5)
    await bus.subscribe("lineside.>", listen)
    printed, said = await run(tmp_path, data, seconds=90)
    Layout(data).gateway_audit.write_bytes(b"not a database")
    crashed, _ = await run(tmp_path, data)
    assert "lineside:" in crashed  # it says what is wrong, in words
    await bus.close()

    kept = [path for path in data.rglob("*") if path.is_file() and path.parent.name not in {"identity", "keys"}]
    places = {
        "output": printed.encode(),
        "crash": crashed.encode(),
        "status": said.encode(),
        "traffic": b"".join(heard),
    }
    places |= {str(path.relative_to(data)): path.read_bytes() for path in kept}
    assert heard
    assert said
    for name, secret in secrets_of(data).items():
        for place, content in places.items():
            assert not any(form in content for form in forms(secret)), (name, place)
    for path in data.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
