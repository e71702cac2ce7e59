"""The demo as a whole: what `lineside up` runs, and beside it the cell, its broker and a link that can be cut.

Process time runs at the speed factor from where the line stood last; the clock's setting is given to every
process, so that they all tell the same time.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.clocks import ProcessClock, describe
from lineside.adapters.durable_files import replace_file
from lineside.adapters.nats_server import EmbeddedNats, NatsOptions
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.cell import CellSettings
from lineside.apps.demo.folder import DemoFolder
from lineside.apps.demo.line import SOURCE, read_checkpoint
from lineside.apps.demo.prepare import DAYS, Prepared, prepare
from lineside.apps.up import ChildSpec, Supervisor, UpSettings
from lineside.domain.units import MINUTE, SECOND

_URLS: Final = ("opc.tcp://127.0.0.1:48407", "mqtt://127.0.0.1:48408", "modbus://127.0.0.1:48409")
"""Addresses in the plan that the package brings; every machine has its own ports."""
PICTURE: Final = "valve-v3.png"
"""What the first step of the plan shows."""
_HERE: Final = resources.files("lineside.apps.demo")
_OPENING_SECONDS: Final = 20
"""Of wall time, from the start to the scripted first episode."""
_SECRET: Final = "LINESIDE_SECRET_HALL_BROKER"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoSettings:
    """What the demo needs to know; ``speed`` is how many times faster than the clock the process runs."""

    data: Path
    speed: float = 20.0
    host: str = "127.0.0.1"
    port: int = 8800
    days: int = DAYS


class Demo:
    """Prepares, starts and stops everything of the demo."""

    def __init__(self, settings: DemoSettings, tell: Callable[[str], None]) -> None:
        """Store the settings, and who is told what is being done."""
        self._settings = settings
        self._tell = tell
        self._folder = DemoFolder(settings.data)
        self._broker = EmbeddedNats(self._folder.broker, NatsOptions(store=self._folder.broker / "store", mqtt_port=-1))
        self.supervisor: Supervisor | None = None

    def prepare(self) -> Prepared:
        """Do what the first start needs; it takes its time, and nothing runs meanwhile."""
        self._folder.home.mkdir(parents=True, exist_ok=True)
        if not self._folder.plan.exists():
            replace_file(self._folder.plan, packaged_plan().encode())
        plan = load_plan(self._folder.plan)
        return prepare(plan, self._settings.data, until=time.time_ns(), tell=self._tell, days=self._settings.days)

    async def start(self, prepared: Prepared) -> None:
        """Start broker, transport, plant, cell and gateway; return once the board answers.

        Raises:
            UnavailableError: one of them does not come up.
        """
        settings, folder = self._settings, self._folder
        address = await self._broker.start()
        os.environ[_SECRET] = address.password
        machine_port, link_port, chiller_port = free_ports(3)
        replace_file(folder.plan, packaged_plan(machine_port, self._broker.mqtt_port, chiller_port).encode())
        replace_file(folder.plan.with_name(PICTURE), (_HERE / PICTURE).read_bytes())
        said = read_checkpoint(folder.checkpoint.read_bytes()).said
        origin = said if said == prepared.until else said + MINUTE
        clock = ProcessClock(settings.speed, origin, time.time_ns())
        opening = origin + round(_OPENING_SECONDS * settings.speed * SECOND) if said == prepared.until else 0
        cell = CellSettings(
            plan=str(folder.plan),
            data=str(settings.data),
            clock=describe(clock),
            machine_port=machine_port,
            broker_port=self._broker.mqtt_port,
            link_port=link_port,
            chiller_port=chiller_port,
            opening=opening,
        )
        replace_file(folder.settings, msgspec.json.encode(cell))
        self.supervisor = Supervisor(
            UpSettings(
                plan=folder.plan,
                data=settings.data,
                host=settings.host,
                port=settings.port,
                clock=describe(clock),
                gateway_nats=f"nats://127.0.0.1:{link_port}",
                companions=(ChildSpec(name="cell", command=_cell_command(folder)),),
                plant_options=("--demo", "--writer", SOURCE),
            )
        )
        await self.supervisor.start()

    async def stop(self) -> None:
        """Stop everything that was started."""
        if self.supervisor is not None:
            await self.supervisor.stop()
        await self._broker.stop()


def packaged_plan(
    machine_port: int | None = None, broker_port: int | None = None, chiller_port: int | None = None
) -> str:
    """Return the demo's control plan, with this machine's ports where they are given."""
    text = (_HERE / "plan.yaml").read_text(encoding="utf-8")
    for url, port in zip(_URLS, (machine_port, broker_port, chiller_port), strict=True):
        if port is not None:
            text = text.replace(url, f"{url.rpartition(':')[0]}:{port}")
    return text


def free_ports(count: int) -> list[int]:
    """Return so many ports of loopback that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _cell_command(folder: DemoFolder) -> list[str]:
    return [sys.executable, "-m", "lineside.apps.demo.cell", str(folder.settings)]
