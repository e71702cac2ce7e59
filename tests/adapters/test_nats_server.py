import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.nats_server import EmbeddedNats, NatsOptions, check_version, find_binary, read_address
from lineside.domain.errors import ConfigurationError


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for is plain state
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


async def test_credentials_and_port_are_kept_for_the_owner_alone(tmp_path: Path) -> None:
    addresses = []
    for _ in range(2):
        server = EmbeddedNats(tmp_path / "nats")
        addresses.append(await server.start())
        await server.stop()
        assert server.pid is None
    assert addresses[0] == addresses[1] == read_address(tmp_path / "nats")
    for name in ("nats.conf", "credentials.json"):
        assert stat.S_IMODE((tmp_path / "nats" / name).stat().st_mode) == 0o600


async def test_two_servers_have_their_own_ports_and_secrets(tmp_path: Path) -> None:
    servers = [EmbeddedNats(tmp_path / name) for name in ("a", "b")]
    one, other = [await server.start() for server in servers]
    assert one.url != other.url
    assert one.password != other.password
    for server in servers:
        await server.stop()


async def test_a_server_that_freezes_is_started_anew(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path / "nats")
    address = await server.start()
    frozen = server.pid
    assert frozen is not None
    os.kill(frozen, signal.SIGSTOP)
    await until(lambda: server.restarts == 1, within=40)
    assert server.pid != frozen
    assert not alive(frozen)
    bus = await NatsBus.open(address, name="after", within=5)
    assert bus.is_connected
    await bus.close()
    await server.stop()


async def test_the_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from lineside.adapters.nats_server import EmbeddedNats\n"
        "async def main():\n"
        "    server = EmbeddedNats(Path(sys.argv[1]))\n"
        "    await server.start()\n"
        "    print(server.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, tmp_path / "nats", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    assert alive(pid)
    process.kill()
    await process.wait()
    await until(lambda: not alive(pid))


async def test_a_store_and_an_mqtt_listener_are_options(tmp_path: Path) -> None:
    options = NatsOptions(store=tmp_path / "store", mqtt_port=-1)
    server = EmbeddedNats(tmp_path / "nats", options)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.mqtt_port)
    user, password = b"lineside", server.address.password.encode()
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01c"
    body += len(user).to_bytes(2, "big") + user + len(password).to_bytes(2, "big") + password
    writer.write(bytes([0x10, len(body)]) + body)
    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"\x20\x02\x00\x00"
    writer.close()
    await server.stop()


async def test_a_port_that_is_asked_for_and_taken_is_an_error(tmp_path: Path) -> None:
    first = EmbeddedNats(tmp_path / "a")
    address = await first.start()
    port = int(address.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match="taken"):
        await EmbeddedNats(tmp_path / "b", NatsOptions(port=port)).start()
    await first.stop()


async def test_a_server_that_is_too_old_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "nats-server"
    old.write_text("#!/bin/sh\necho 'nats-server: v2.13.9'\n", encoding="ascii")
    old.chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"2\.14\.0 or later"):
        await check_version(old)
    assert await check_version(find_binary()) >= (2, 14, 0)


def test_the_environment_names_another_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINESIDE_NATS_SERVER", str(tmp_path / "absent"))
    with pytest.raises(ConfigurationError, match="LINESIDE_NATS_SERVER"):
        find_binary()


def test_an_address_that_cannot_be_read_is_an_error_and_none_is_none(tmp_path: Path) -> None:
    assert read_address(tmp_path) is None
    (tmp_path / "credentials.json").write_text("{}", encoding="ascii")
    with pytest.raises(ConfigurationError, match="credentials"):
        read_address(tmp_path)
