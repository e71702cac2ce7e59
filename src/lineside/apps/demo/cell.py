"""The simulated cell's process: its machines speak their protocols, inspection reports, commands are taken.

In each round, in this order:

1. advance the line to the process time;
2. write what machine, vacuum unit, chiller and hall say;
3. commit what inspection found to its own outbox, from where it travels as every record does;
4. write the checkpoint, so that after any end the line goes on where it was.

A command is answered once the checkpoint holds what it did.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.clocks import ProcessClock, clock_from
from lineside.adapters.durable_files import load_key, replace_file
from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.nats_server import read_address
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo import commands, episodes
from lineside.apps.demo.chiller import Chiller, Trouble
from lineside.apps.demo.folder import DemoFolder
from lineside.apps.demo.hall import Hall
from lineside.apps.demo.line import SOURCE, SimulatedLine, read_checkpoint, write_checkpoint
from lineside.apps.demo.machine import Machine
from lineside.apps.demo.physics.cell import Cell
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.vacuum import VacuumUnit
from lineside.apps.layout import Layout
from lineside.apps.link import Link
from lineside.apps.running import until_interrupted
from lineside.domain.errors import ConfigurationError, LinesideError
from lineside.domain.outcomes import Outcome
from lineside.domain.plan.catalogue import catalogue_for
from lineside.flows.forward import Forwarder, Origin
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects

_ROUND: Final = 0.05
_CHECKPOINT_EVERY: Final = 1.0


class CellSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the process needs to know; it stands in a file in the demo's folder.

    ``clock`` is the process clock's setting, ``opening`` the moment of process time (UTC ns) at which the scripted
    first episode begins (0: none). Ports are on loopback.
    """

    plan: str
    data: str
    clock: str
    machine_port: int
    broker_port: int
    link_port: int
    chiller_port: int
    opening: int = 0


class CellProcess:
    """The running cell, its parts introduced to each other."""

    def __init__(
        self,
        settings: CellSettings,
        clock: ProcessClock,
        line: SimulatedLine,
        link: Link,
        vacuum: VacuumUnit,
        chiller: Chiller,
        checkpoint: Path,
    ) -> None:
        """Store the parts, and where the checkpoint is written."""
        self._settings = settings
        self._clock = clock
        self._line = line
        self._link = link
        self._vacuum = vacuum
        self._chiller = chiller
        self._checkpoint = checkpoint
        self._keeping = asyncio.Lock()
        self._mend_at: dict[str, int] = {}
        self._opened = settings.opening == 0

    async def answer(self, data: bytes) -> bytes:
        """Do what a request asks and return how the demo stands."""
        problem = ""
        try:
            command = commands.read_command(data)
            problem = self._do(command)
            if command.do != "status":
                await self._keep()
        except LinesideError as error:
            problem = str(error)
        return commands.encode(self.status(problem))

    def status(self, problem: str = "") -> commands.Status:
        """Return how the demo stands."""
        now = self._clock.now()
        broken = tuple(str(fault.kind) for fault in self._line.active(now))
        broken += tuple(episode for episode, network in self._networks().items() if network.is_cut)
        return commands.Status(now=now, speed=self._clock.speed, shots=self._line.shots, broken=broken, problem=problem)

    async def run(self, machine: Machine, hall: Hall, outbox: SqliteOutbox) -> None:
        """Go round until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            now = self._clock.now()
            self._follow_script(now)
            said, found = self._line.advance(now)
            hall.say(said)
            self._vacuum.say(said)
            await self._chiller.say(said)
            await machine.say(said)
            if found:
                await _commit(outbox, found)
            if found or loop.time() >= due:
                await self._keep()
                due = loop.time() + _CHECKPOINT_EVERY
            await asyncio.sleep(_ROUND)

    async def _keep(self) -> None:
        """Write the checkpoint durably; of two at once, the later one stands."""
        async with self._keeping:
            await asyncio.to_thread(replace_file, self._checkpoint, write_checkpoint(self._line.checkpoint()))

    def _follow_script(self, now: int) -> None:
        if not self._opened and now >= self._settings.opening:
            self._opened = True
            self._line.begin(FaultKind.CHILLER_VALVE, now, episodes.OPENING_LASTS)
        for episode, network in self._networks().items():
            if network.is_cut and now >= self._mend_at.get(episode, 0):
                network.mend()

    def _networks(self) -> dict[str, Link | VacuumUnit | Trouble]:
        """Return what can be cut, by the episode that cuts it."""
        return {
            episodes.CUT_LINK: self._link,
            episodes.VACUUM_AWAY: self._vacuum,
            episodes.CHILLER_SILENT: self._chiller.silent,
            episodes.CHILLER_UNPLUGGED: self._chiller.unplugged,
        }

    def _do(self, command: commands.Command) -> str:
        if command.do == "status":
            return ""
        episode = next((item for item in episodes.EPISODES if item.id == command.what), None)
        if episode is None:
            return f"there is no episode {command.what!r}"
        now = self._clock.now()
        network = self._networks().get(episode.id)
        if network is not None:
            self._mend_at[episode.id] = now + episode.lasts
            if command.do == "start":
                network.cut()
            else:
                network.mend()
        elif command.do == "start":
            self._line.begin(FaultKind(episode.id), now, episode.lasts)
        else:
            self._line.finish(FaultKind(episode.id), now)
        return ""


async def run_cell(settings: CellSettings) -> None:
    """Run the cell until cancelled."""
    plan = load_plan(Path(settings.plan))
    layout, folder = Layout(Path(settings.data)), DemoFolder(Path(settings.data))
    clock = clock_from(settings.clock)
    if not isinstance(clock, ProcessClock):
        raise ConfigurationError("the demo runs on a process clock", field="clock", value=settings.clock)
    start = read_checkpoint(folder.checkpoint.read_bytes())
    start = msgspec.structs.replace(start, said=max(start.said, clock.now()))
    cell = Cell(CellConfig(), start.seed, start.cell)
    line = SimulatedLine(start, cell, catalogue_for(plan))
    transport, broker = _address(layout.nats), _address(folder.broker)
    subjects = Subjects(plan.site.id, plan.line.id)
    link = Link("127.0.0.1", int(transport.url.rpartition(":")[2]), settings.link_port)
    machine = Machine(settings.machine_port, [item for item in plan.signals if item.source == "machine"])
    hall = Hall(settings.broker_port, broker.user, broker.password)
    vacuum = VacuumUnit(settings.broker_port, broker.user, broker.password, clock.now)
    chiller = Chiller(plan, settings.chiller_port)
    process = CellProcess(settings, clock, line, link, vacuum, chiller, folder.checkpoint)
    async with AsyncExitStack() as stack:
        await link.start()
        stack.push_async_callback(link.stop)
        outbox = await SqliteOutbox.open(
            folder.inspection, writer=SOURCE, site=plan.site.id, line=plan.line.id, clock=clock
        )
        stack.push_async_callback(outbox.close)
        bus = await NatsBus.open(transport, name="demo", within=2.0)
        stack.push_async_callback(bus.close)
        await bus.serve(commands.subject(plan.site.id, plan.line.id), process.answer, "demo")
        await machine.start()
        stack.push_async_callback(machine.stop)
        stack.push_async_callback(chiller.stop)
        origin = Origin(writer=SOURCE, holder=secrets.token_hex(8), subjects=subjects)
        forwarder = Forwarder(outbox=outbox, bus=bus, origin=origin, key=load_key(layout.watermark_key))
        async with asyncio.TaskGroup() as group:
            group.create_task(forwarder.run())
            group.create_task(hall.run())
            group.create_task(vacuum.run())
            group.create_task(process.run(machine, hall, outbox))


def main(arguments: Sequence[str]) -> None:
    """Run the process by the settings in the file that is its one argument, until it is asked to end."""
    settings = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=CellSettings)
    asyncio.run(until_interrupted(run_cell(settings)))


async def _commit(outbox: SqliteOutbox, found: Sequence[Outcome]) -> None:
    await outbox.commit([(RecordKind.OUTCOMES, encode_items(found), len(found))])


def _address(folder: Path) -> NatsAddress:
    address = read_address(folder)
    if address is None:
        raise ConfigurationError("no transport has been started here", where=str(folder))
    return address


if __name__ == "__main__":
    main(sys.argv[1:])
