"""Gateway, plant and transport on one machine: processes that are started, watched and stopped together.

The supervisor keeps an embedded NATS server and each child running: a child that ends is started again, more
slowly the more often it happens. Children die with the supervisor, whatever ends it. Ctrl-C stops them in
order: first who delivers, then who keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.child_process import die_with_parent
from lineside.adapters.clocks import SystemClock
from lineside.adapters.nats_server import EmbeddedNats
from lineside.adapters.service_manager import VARIABLES
from lineside.apps.layout import Layout
from lineside.apps.own_gateway import OWN_GATEWAY, enrol_own
from lineside.apps.transport import transport_options
from lineside.domain.errors import UnavailableError

_STOP_SECONDS: Final = 8.0
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_STEADY_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildSpec:
    """A process to keep running: its name and its command line; ``environment`` is added to the supervisor's."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """One watched process."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._asked = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def run(self) -> None:
        """Start the process, and start it again whenever it ends, until `stop` is called."""
        pause = _FIRST_PAUSE
        while not self._asked.is_set():
            began = asyncio.get_running_loop().time()
            await self._launch()
            assert self._process is not None
            await self._process.wait()
            self.restarts += 1
            lived = asyncio.get_running_loop().time() - began
            pause = _FIRST_PAUSE if lived > _STEADY_SECONDS else min(2 * pause, _LONGEST_PAUSE)
            await asyncio.wait([asyncio.create_task(self._asked.wait())], timeout=pause)

    async def stop(self) -> None:
        """Ask the process to end, insist after a while, and wait until it has."""
        self._asked.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _launch(self) -> None:
        parent = os.getpid()
        self._process = await asyncio.create_subprocess_exec(
            *self.spec.command,
            env={name: value for name, value in os.environ.items() if name not in VARIABLES}
            | dict(self.spec.environment),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class UpSettings:
    """What `lineside up` needs to know. ``plant_options`` and ``gateway_options`` are passed on as they are.

    ``gateway_nats`` is the address that the gateway uses where it is not the server's own (a relay that can be cut).
    ``transport`` is where gateways elsewhere reach the server (empty: nowhere), ``plain_lab`` does without TLS there.
    ``companions`` are processes that are started once the transport is there, and before the gateway.
    """

    plan: Path
    data: Path
    host: str = "127.0.0.1"
    port: int = 8800
    clock: str = ""
    gateway_nats: str = ""
    transport: str = ""
    plain_lab: bool = False
    plant_options: tuple[str, ...] = ()
    gateway_options: tuple[str, ...] = ()
    companions: tuple[ChildSpec, ...] = ()


class Supervisor:
    """Starts and stops everything of one machine, and knows the pid of each part."""

    def __init__(self, settings: UpSettings) -> None:
        self._settings = settings
        self._layout = Layout(settings.data)
        options = transport_options(self._layout.keys, settings.transport, SystemClock().now(), lab=settings.plain_lab)
        self.nats = EmbeddedNats(self._layout.nats, options)
        self._children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the transport, then the plant, then the gateway; return once the board answers.

        Raises:
            UnavailableError: the plant does not come up.
        """
        self._layout.create()
        await self.nats.start()
        self._tasks.append(asyncio.create_task(self._note_pids(), name="pids"))
        settings = self._settings
        common = ["--plan", str(settings.plan), "--data", str(settings.data)]
        common += ["--clock", settings.clock] if settings.clock else []
        address = ["--host", settings.host, "--port", str(settings.port)]
        plant = [*_lineside("plant"), *common, *address, *settings.plant_options]
        gateway = [*_lineside("gateway"), *common, *settings.gateway_options]
        gateway += ["--nats", settings.gateway_nats] if settings.gateway_nats else []
        self.add(ChildSpec(name="plant", command=plant))
        for companion in settings.companions:
            self.add(companion)
        await self.board_answers()
        await enrol_own(settings.plan, self._layout, OWN_GATEWAY)
        self.add(ChildSpec(name="gateway", command=gateway))

    def add(self, spec: ChildSpec) -> Child:
        """Keep one more process running."""
        child = Child(spec)
        self._children.append(child)
        self._tasks.append(asyncio.create_task(child.run(), name=spec.name))
        return child

    async def board_answers(self, within: float = 90.0) -> None:
        """Wait until the board takes connections.

        Raises:
            UnavailableError: it does not in time.
        """
        deadline = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
                writer.close()
                return
            await asyncio.sleep(0.1)
        raise UnavailableError("the plant does not come up", next_step="read what it printed above")

    def pids(self) -> dict[str, int | None]:
        """Return the process id of every part; None while one is down."""
        return {"nats": self.nats.pid} | {child.spec.name: child.pid for child in self._children}

    async def stop(self) -> None:
        """Stop everything: children in the reverse order of their start, then the transport."""
        for child in reversed(self._children):
            await child.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.nats.stop()
        self._pids_file.unlink(missing_ok=True)

    @property
    def _pids_file(self) -> Path:
        return self._layout.root / "pids.json"

    async def _note_pids(self) -> None:
        """Keep a file that says which process is which, for drills and for people."""
        known: dict[str, int | None] = {}
        while True:
            if known != (known := self.pids()):
                self._pids_file.write_text(json.dumps(known))
            await asyncio.sleep(0.2)


def _lineside(command: str) -> list[str]:
    return [sys.executable, "-m", "lineside", command]
