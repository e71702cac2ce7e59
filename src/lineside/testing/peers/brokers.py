"""MQTT brokers as child processes: nats-server (3.1.1 only) and mosquitto, each with a session store on disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from lineside.testing.peers.ports import free_port, is_listening, until


def nats_server() -> str | None:
    """Return the nats-server of the wheel, or the one that LINESIDE_NATS_SERVER names; None where there is none."""
    named = os.environ.get("LINESIDE_NATS_SERVER") or str(Path(sysconfig.get_path("scripts")) / "nats-server")
    return named if Path(named).exists() else None


def mosquitto() -> str | None:
    """Return the installed mosquitto, or None."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Doorman:
    """Whom a broker lets in: one user, over TLS; with ``known`` only with a certificate of the authority."""

    authority: Path
    certificate: Path
    key: Path
    user: str
    password: str
    known: bool = True


class BrokerProcess:
    """A broker that can be stopped, killed and started again at the same port; without a doorman it is open to all."""

    def __init__(self, kind: str, folder: Path, doorman: Doorman | None = None) -> None:
        self.kind = kind
        self.port = free_port()
        self._doorman = doorman
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address, as a plan writes it."""
        return f"{'mqtts' if self._doorman else 'mqtt'}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id; it must be running."""
        assert self._process is not None
        return self._process.pid

    @property
    def store(self) -> Path:
        """The file in which mosquitto keeps sessions and what is queued for them."""
        return self._folder / "mosquitto.db"

    async def start(self) -> None:
        """Start it and wait until it listens."""
        command = self._nats_command() if self.kind == "nats" else self._mosquitto_command()
        log = (self._folder / f"{self.kind}.log").open("ab")
        with log:
            self._process = await asyncio.to_thread(
                subprocess.Popen, command, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        await until(lambda: is_listening(self.port))

    async def stop(self, *, kill: bool = False) -> None:
        """Stop it as its service manager would, or as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            await asyncio.to_thread(self._process.wait)
            self._process = None

    def _nats_command(self) -> list[str]:
        program = nats_server()
        assert program is not None
        config = self._folder / "nats.conf"
        config.write_text(
            f'server_name: peer\nhost: "127.0.0.1"\nport: -1\n'
            f'jetstream {{ store_dir: "{self._folder / "jetstream"}", sync_interval: always }}\n'
            f'mqtt {{ host: "127.0.0.1", port: {self.port}, ack_wait: "2s"{self._nats_door()} }}\n'
            "max_payload: 8388608\n"
        )
        return [program, "-c", str(config)]

    def _mosquitto_command(self) -> list[str]:
        program = mosquitto()
        assert program is not None
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\n{self._mosquitto_door()}persistence true\n"
            f"persistence_location {self._folder}/\nautosave_interval 1\nmax_queued_messages 0\nuser root\n"
            "set_tcp_nodelay true\n"  # or its messages wait for the acknowledgements of those before
        )
        return [program, "-c", str(config)]

    def _nats_door(self) -> str:
        door = self._doorman
        if door is None:
            return ""
        return (
            f', authorization {{ username: "{door.user}", password: "{door.password}" }}, '
            f'tls {{ ca_file: "{door.authority}", cert_file: "{door.certificate}", '
            f'key_file: "{door.key}", verify: {str(door.known).lower()} }}'
        )

    def _mosquitto_door(self) -> str:
        door = self._doorman
        if door is None:
            return "allow_anonymous true\n"
        passwords = self._folder / "passwords"
        passwords.touch(mode=0o600)
        tool = shutil.which("mosquitto_passwd")
        assert tool is not None
        subprocess.run([tool, "-b", str(passwords), door.user, door.password], check=True)  # noqa: S603 - as written
        return (
            f"allow_anonymous false\npassword_file {passwords}\n"
            f"require_certificate {str(door.known).lower()}\n"
            f"cafile {door.authority}\ncertfile {door.certificate}\nkeyfile {door.key}\n"
        )
