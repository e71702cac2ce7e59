"""Security requirement 19: what a NATS server must be before anything speaks to it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.nats_server import EmbeddedNats, NatsOptions, read_address
from lineside.adapters.nats_users import NatsUser, check_configuration, render_users, server_pid, write_users
from lineside.apps.transport import transport_options
from lineside.domain.errors import ConfigurationError, InputError

GOOD = 'port: 4222\ninclude "users.conf"\n'


def written(folder: Path, text: str) -> Path:
    (folder / "users.conf").write_text(render_users("lineside", "http: leafnodes", ()))
    path = folder / "nats.conf"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("added", "what"),
    [
        ("websocket { port: 8080, no_tls: true }", "browsers"),
        ("WebSocket: { port: 8080 }", "browsers"),
        ("no_auth_user: anybody", "do not say who they are"),
        ('"no_auth_user": "anybody"', "do not say who they are"),
        ("authorization { no_auth_user = x }", "do not say who they are"),
        ("leafnodes { port: 7422 }", "other servers join"),
        ("cluster { port: 6222 }", "other servers join"),
        ("gateway { port: 7222 }", "other servers join"),
        ("no_auth_user anybody", "do not say who they are"),
        ("http_port: 8222", "who is connected"),
        ("monitor_port = 8222", "who is connected"),
    ],
)
def test_19_another_way_in_is_refused(tmp_path: Path, added: str, what: str) -> None:
    with pytest.raises(ConfigurationError, match=what):
        check_configuration(written(tmp_path, GOOD + added + "\n"))


def test_19_what_is_included_counts_and_what_is_text_or_comment_does_not(tmp_path: Path) -> None:
    check_configuration(written(tmp_path, GOOD + '# websocket { port: 1 }\n// http: 1\nserver_name: "http: 1"\n'))
    (tmp_path / "more.conf").write_text("leafnodes { port: 7422 }\n")
    with pytest.raises(ConfigurationError, match="other servers join"):
        check_configuration(written(tmp_path, GOOD + "include more.conf\n"))


def test_19_a_server_that_lets_everybody_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="everybody"):
        check_configuration(written(tmp_path, "port: 4222\n"))


async def test_19_beyond_loopback_the_transport_speaks_tls_or_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="without TLS"):
        await EmbeddedNats(tmp_path / "nats", NatsOptions(host="0.0.0.0")).start()
    assert transport_options(tmp_path / "keys", "127.0.0.1:4222", 0) == NatsOptions(port=4222)
    beyond = transport_options(tmp_path / "keys", "0.0.0.0:4222", 1_795_000_000 * 10**9)
    assert beyond.tls is not None
    assert beyond.reach
    assert transport_options(tmp_path / "keys", "0.0.0.0", 0, lab=True).tls is None
    with pytest.raises(InputError, match="listen at"):
        transport_options(tmp_path / "keys", "0.0.0.0:port", 0)


async def test_19_the_mqtt_listener_lets_nobody_in_without_a_password(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path / "nats", NatsOptions(store=tmp_path / "store", mqtt_port=-1))
    await server.start()
    try:
        for flags, login in ((b"\x02", b""), (b"\xc2", b"\x00\x08lineside\x00\x05wrong")):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.mqtt_port)
            body = b"\x00\x04MQTT\x04" + flags + b"\x00\x3c\x00\x01c" + login
            writer.write(bytes([0x10, len(body)]) + body)
            answer = await asyncio.wait_for(reader.read(4), 10)
            assert answer in {b"", b"\x20\x02\x00\x05", b"\x20\x02\x00\x04"}, answer
            writer.close()
    finally:
        await server.stop()


async def test_19_only_the_server_of_a_folder_is_told_of_a_change(tmp_path: Path) -> None:
    folder = tmp_path / "nats"
    server = EmbeddedNats(folder)
    address = await server.start()
    assert server_pid(folder) == server.pid
    user = NatsUser(key="U" + "A" * 55, publish=("a",), subscribe=("b",))
    assert write_users(folder, address.user, address.password, ()) is False
    await server.stop()
    (folder / "nats.pid").write_text("1")  # somebody else's by now
    assert server_pid(folder) is None
    assert write_users(folder, address.user, address.password, (user,)) is True


async def test_19_the_authority_is_found_from_wherever_a_command_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = EmbeddedNats(Path("nats"), transport_options(Path("keys"), "0.0.0.0", time.time_ns()))
    address = await server.start()
    monkeypatch.chdir("/")
    found = read_address(tmp_path / "nats")
    assert found == address
    assert found is not None
    assert found.authority
    bus = await NatsBus.open(found, name="from elsewhere", within=10)
    assert bus.is_connected
    await bus.close()
    monkeypatch.chdir(tmp_path)
    await server.stop()
