"""The `Source` of an OPC UA server: `open_source` gives it for a plan, a source of kind ``opcua`` and a clock.

The addresses of signals are node ids, such as ``ns=2;s=Press.Temperature``. Each is watched by one monitored item
of one subscription, with a queue that holds all samples of a publishing interval. A reading keeps its source
timestamp (the server's where the machine gives none, else the receive time), the time it was received and the raw
status code. A server reports changes; where the plan asks for ``repeats`` it also reports a value that is the same
again, which a machine that measures once per cycle means as a measurement.

When the connection is lost, when the server stops answering or stops publishing, everything is dropped and built up
anew, after a pause that grows from `FIRST_PAUSE` to `LAST_PAUSE`. Live readings flow at once; beside them, what the
server's own history holds of the gap is read (`gap`) and delivered as replayed. The gap stands in quarantine with its
reason, its length, and what the history gave. The same is done for the time that the gateway itself was away. Every
`CLOCK_INTERVAL` the server's clock is compared with ours. The current values that a server sends to a new
subscription are dropped as duplicates if they came before.

Nodes that the server does not know are reported one by one and stop no other. When the gateway does not keep
pace, publishing is held back; what the server's queues then lose is reported as lost at the source.

OPC UA has no acknowledgement by reading, so what was received and not yet recorded is lost if the gateway dies.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lineside.adapters.opcua.gap import Filled, fill_gap
from lineside.adapters.opcua.giants import Giants
from lineside.adapters.opcua.options import DEFAULTS, LARGEST_MESSAGE, OpcuaOptions, Subscribe
from lineside.adapters.opcua.refusals import RefusedError
from lineside.domain.errors import ConfigurationError
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, refuse, shown
from lineside.domain.intake.times import check_time
from lineside.domain.intake.troubles import Troubles
from lineside.domain.plan.model import OpcuaSpec, Plan
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.units import MILLISECOND, SECOND
from lineside.ports import Clock, SourceDelivery

if TYPE_CHECKING:
    from lineside.adapters.opcua.connection import Connection
    from lineside.adapters.opcua.session import ClockReading
    from lineside.adapters.opcua.values import Change

FIRST_PAUSE: Final = 0.5
LAST_PAUSE: Final = 5.0
"""Seconds before the next attempt to connect: the first, and the longest."""
CLOCK_INTERVAL: Final = 10.0
"""Seconds between two comparisons of the server's clock with ours."""
PAGE_PAUSE: Final = 0.02
"""Seconds between two pages of a history, in which what is live has its turn."""
UNCERTAIN_ORDER: Final = SECOND
"""A value that was on its way when the connection was lost is not older than the newest by more than this."""
MOST_PENDING: Final = 100_000
"""Readings that wait for a delivery; beyond that the server is made to wait."""


class OpcuaSource:
    """Readings of one OPC UA server."""

    def __init__(self, plan: Plan, spec: OpcuaSpec, clock: Clock, options: OpcuaOptions) -> None:
        self._spec = spec
        self._clock = clock
        self._options = options
        self._gate = Gate(plan, spec.id)
        self._record = SourceRecord()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = asyncio.Event()
        self._ready: deque[SourceDelivery] = deque()
        self._lost_at: int | None = None
        self._gap: int | None = None
        self._giants = Giants()
        self._troubles = Troubles(self._gate.refuse, self._record)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._gate.catalogue

    @property
    def condition(self) -> SourceCondition:
        """How it stands with its peer."""
        return self._record.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._gate.remember(batch)
        if self._gate.newest is not None:
            self._gap = self._heard_until(self._clock.now())

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what the server publishes, until the source is closed.

        Raises:
            ConfigurationError: our own certificate, or that of the user, cannot be used.
        """
        self._record.start(self._clock.now())
        running = asyncio.create_task(self._run(), name=f"opcua {self._spec.id}")
        running.add_done_callback(lambda _: self._arrived.set())
        try:
            while not running.done() or self._gate.pending or self._ready:
                await self._arrived.wait()
                self._arrived.clear()
                while self._ready:
                    self._room.set()
                    yield self._ready.popleft()
                if self._gate.pending:
                    self._room.set()
                    yield self._taken(replayed=False)
            running.result()
        finally:
            self._closed.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self._record.stop(self._clock.now())

    async def acknowledge(self, token: object) -> None:
        """Do nothing: OPC UA has no acknowledgement by reading."""

    async def close(self) -> None:
        """Close the connection and end the deliveries."""
        self._closed.set()
        self._room.set()
        self._record.stop(self._clock.now())

    def _taken(self, *, replayed: bool) -> SourceDelivery:
        taken = self._gate.take()
        return SourceDelivery(
            readings=taken.readings, quarantined=taken.quarantined, duplicates=taken.duplicates, replayed=replayed
        )

    # -- connecting ---------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Keep a connection until the source is closed."""
        pause, why = FIRST_PAUSE, ""
        connect = await asyncio.to_thread(_load)
        connection: Connection | None = None
        while not self._closed.is_set():
            connection = connection or connect(self._spec, self._options)
            try:
                await self._serve(connection)
                pause = FIRST_PAUSE
            except ConnectionError as error:
                pause = FIRST_PAUSE if self._lost_at is None else pause
                why = error.advice if isinstance(error, RefusedError) else str(error)
                self._giants.lost(why, mute=connection.mute)
                self._note_loss(why, pause)
            finally:
                connection = await self._let_go(connection, why)
            await self._wait(pause)
            pause = min(2 * pause, LAST_PAUSE)
        if connection is not None:
            await connection.close()

    async def _let_go(self, connection: Connection, why: str) -> Connection | None:
        """Close a connection, or rest it where the server may still keep its session; return what may be taken up."""
        if self._closed.is_set() or not connection.may_live(why):
            await connection.close()
            return None
        await connection.rest()
        return connection

    async def _serve(self, connection: Connection) -> None:
        """Connect, subscribe, fill the gap, and return when the source is closed.

        Raises:
            ConnectionError: there is no connection, or it was lost.
        """
        await connection.open()
        gap = self._gap
        await self._giants.look(connection, {rule.id: rule.address for rule in self._gate.rules.values()})
        refused = await connection.subscribe(self._wanted(), self._receive)
        now = self._clock.now()
        refused |= self._note_refused(refused, now)
        away, self._lost_at = None if self._lost_at is None else now - self._lost_at, None
        found = connection.session.warnings | connection.short
        self._record.connect(now, {**found, **refused, **self._troubles.standing()})
        self._arrived.set()
        nodes = {rule.id: rule.address for rule in self._gate.rules.values() if rule.id not in refused}
        tasks = [
            asyncio.create_task(self._closed.wait()),
            asyncio.create_task(connection.lost()),
            asyncio.create_task(self._tend(connection, nodes, gap, away)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tend(self, connection: Connection, nodes: Mapping[str, str], gap: int | None, away: int | None) -> None:
        """Fill the gap since a time, then compare clocks now and then.

        Raises:
            ConnectionError: the server does not answer.
        """
        if gap is not None:
            filled = Filled(backfill=self._spec.backfill, lived=connection.resumed)
            async for changes in fill_gap(connection, nodes, filled, since=gap, now=self._clock.now()):
                filled.count += self._take_past(changes)
                await self._has_room()
                await asyncio.sleep(PAGE_PAUSE)
            self._note_return(filled.words, away)
        while True:
            self._note_clock(await connection.clock())
            await asyncio.sleep(CLOCK_INTERVAL)

    def _take_past(self, changes: Sequence[Change]) -> int:
        """Let what a history holds in, as a delivery of its own that is never live; return how many were new."""
        if self._gate.pending:
            self._ready.append(self._taken(replayed=False))
        now = self._clock.now()
        for change in changes:
            self._offer(change, now)
        delivery = self._taken(replayed=True)
        self._ready.append(delivery)
        self._arrived.set()
        return 0 if delivery.readings is None else len(delivery.readings)

    def _wanted(self) -> Subscribe:
        publishing, sampling = self._spec.publishing_interval, self._spec.sampling_interval
        return Subscribe(
            nodes={rule.id: rule.address for rule in self._gate.rules.values() if rule.id not in self._giants.found},
            publishing=publishing / MILLISECOND,
            sampling=sampling / MILLISECOND,
            queue=max(100, 4 * -(-publishing // max(1, sampling))),
            repeats=self._spec.repeats,
        )

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return

    def _note_refused(self, refused: Mapping[str, str], now: int) -> dict[str, str]:
        """Record the nodes that the server refuses, and those left out for their size; return the latter with why."""
        for signal, why in refused.items():
            node = self._gate.rules[signal].address
            hint = f"Node {node}: {why}; browse the server for the right id and correct the plan's address."
            self._gate.refuse(refuse(Reason.UNKNOWN_NODE, hint=hint), received=now, signal=signal, raw=node.encode())
        why = f"a value of more than {LARGEST_MESSAGE >> 20} MiB: left out until the next connection"
        for signal in self._giants.found:
            self._gate.refuse(refuse(Reason.NESTED_VALUE, hint=f"It is {why}."), received=now, signal=signal)
        return dict.fromkeys(self._giants.found, why)

    def _note_loss(self, why: str, pause: float) -> None:
        """Record that the connection was lost, once for each time that it is; it is tried again after the pause (s)."""
        now = self._clock.now()
        self._record.lose(now, why, now + round(pause * SECOND))
        if self._lost_at is not None:
            return
        self._lost_at = now
        if self._gap is None:
            self._gap = self._heard_until(now)
        refusal = refuse(Reason.CONNECTION_LOST, hint=shown(why, 500).strip("'\""))
        self._gate.refuse(refusal, received=now, raw=self._spec.url.encode())
        self._arrived.set()

    def _heard_until(self, now: int) -> int:
        """Return the time (UTC ns) up to which all readings have come: a little before the newest one."""
        newest = self._gate.newest
        until = now if newest is None else min(now, newest)
        return until - self._spec.publishing_interval - self._spec.sampling_interval - UNCERTAIN_ORDER

    def _note_clock(self, found: ClockReading | None) -> None:
        """Record that the clocks differ, or that they do no longer."""
        now = self._clock.now()
        if found is None or found.within(self._spec.clock_within):
            self._troubles.over("clock", now)
            return
        hint = f"The server's is {found.words}; set both by NTP."
        self._troubles.note("clock", refuse(Reason.CLOCK_DIFFERS, hint=hint), now=now, raw=self._spec.url.encode())
        self._arrived.set()

    def _note_return(self, filled: str, away: int | None) -> None:
        """Record that the gap is over, and what is known of it."""
        self._gap = None
        since = "The gateway has begun anew." if away is None else f"It is back after {away / SECOND:.1f} s."
        refusal = refuse(Reason.CONNECTION_LOST, hint=f"{since} {filled}")
        self._gate.refuse(refusal, received=self._clock.now(), raw=self._spec.url.encode())
        self._arrived.set()

    # -- receiving ----------------------------------------------------------------------------------------

    async def _receive(self, changes: Sequence[Change]) -> None:
        """Let changes in, and return once there is room for more."""
        now = self._clock.now()
        for change in changes:
            if change.lost:
                self._gate.refuse(refuse(Reason.LOST_AT_SOURCE), received=now, signal=change.signal)
            if change.signal:
                self._offer(change, now)
        self._arrived.set()
        await self._has_room()

    def _offer(self, change: Change, now: int) -> None:
        moment = now if change.time is None else check_time(change.time, now)
        self._gate.offer(change.signal, moment, change.value, received=now, status=change.status)

    async def _has_room(self) -> None:
        """Wait until there is room for more."""
        while self._pending >= MOST_PENDING and not self._closed.is_set():
            self._room.clear()
            await self._room.wait()

    @property
    def _pending(self) -> int:
        """Readings and refusals that wait for a delivery."""
        waiting = sum(0 if item.readings is None else len(item.readings) for item in self._ready)
        return self._gate.pending + waiting


def open_source(
    plan: Plan,
    spec: OpcuaSpec,
    clock: Clock,
    *,
    options: OpcuaOptions = DEFAULTS,
    seen: Iterable[ReadingBatch] = (),
) -> OpcuaSource:
    """Return the source of the server that ``spec`` names; nothing is connected before it delivers.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the address is none of OPC UA, or the plan wants no security outside a laboratory.
    """
    if not spec.url.startswith("opc.tcp://"):
        raise ConfigurationError(
            "not an address of OPC UA",
            field=f"sources.{spec.id}.url",
            value=spec.url,
            next_step="write opc.tcp://host:port/path",
        )
    if spec.security == "none" and not spec.laboratory:
        raise ConfigurationError(
            "the plan asks for a connection that is neither signed nor encrypted",
            field=f"sources.{spec.id}.security",
            value=spec.security,
            choices=("Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep"),
            next_step="choose a policy, or write 'laboratory: true' beside it where no plant is at stake",
        )
    source = OpcuaSource(plan, spec, clock, options)
    source.remember(seen)
    return source


def _load() -> type[Connection]:
    from lineside.adapters.opcua.connection import Connection  # noqa: PLC0415 - the library takes 0.8 s

    return Connection
