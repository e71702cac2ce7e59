"""The `Source` of an OPC UA server: `open_source` gives it for a plan, a source of kind ``opcua`` and a clock.

The addresses of signals are node ids, such as ``ns=2;s=Press.Temperature``. Each is watched by one monitored item
of one subscription, with a queue that holds all samples of a publishing interval. A reading keeps its source
timestamp (the server's where the machine gives none, else the receive time), the time it was received and the raw
status code. A server reports changes; where the plan asks for ``repeats`` it also reports a value that is the same
again, which a machine that measures once per cycle means as a measurement.

When the connection is lost, when the server stops answering or stops publishing, everything is dropped and built up
anew, after a pause that grows from `FIRST_PAUSE` to `LAST_PAUSE`; the gap stands in quarantine with its
reason. The current values that a server sends to a new subscription are dropped as duplicates if they came before.
Nodes that the server does not know are reported one by one and stop no other. When the gateway does not keep
pace, publishing is held back; what the server's queues then lose is reported as lost at the source.

OPC UA has no acknowledgement by reading, so what was received and not yet recorded is lost if the gateway dies.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lineside.adapters.opcua.refusals import RefusedError
from lineside.domain.errors import ConfigurationError
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, refuse, shown
from lineside.domain.intake.times import check_time
from lineside.domain.plan.model import OpcuaSpec, Plan
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.units import MILLISECOND, SECOND
from lineside.ports import Clock, SourceDelivery

if TYPE_CHECKING:
    from lineside.adapters.opcua.connection import Connection
    from lineside.adapters.opcua.values import Change

FIRST_PAUSE: Final = 0.5
LAST_PAUSE: Final = 5.0
"""Seconds before the next attempt to connect: the first, and the longest."""
MOST_PENDING: Final = 100_000
"""Readings that wait for a delivery; beyond that the server is made to wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpcuaOptions:
    """What the plan does not hold.

    Args:
        password: the secret that the plan names.
        certificate: this gateway's certificate (PEM); made on first need where neither it nor the key is there.
        private_key: its private key.
        trusted: the server's certificate, pinned: the only one that is taken.
        trust: the command by which a person trusts the server.
        uri: application URI of a certificate that is made.
        user_certificate: certificate to log in with, where the plan says so.
        user_key: its private key.
        timeout: seconds that the server has for an answer.
        alive: seconds between two probes of a silent server.
        now: the time by which certificates are judged, UTC nanoseconds.
    """

    password: str = ""
    certificate: Path = Path("opcua.crt")
    private_key: Path = Path("opcua.key")
    trusted: Path | None = None
    trust: str = "lineside source trust PLAN SOURCE"
    uri: str = "urn:lineside:gateway"
    user_certificate: Path | None = None
    user_key: Path | None = None
    timeout: float = 4.0
    alive: float = 2.0
    now: Callable[[], int] = time.time_ns


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribe:
    """What to watch: nodes by signal, the intervals in milliseconds, and the length of each item's queue.

    ``repeats`` asks for values that are the same again, with a newer source time.
    """

    nodes: dict[str, str]
    publishing: float
    sampling: float
    queue: int
    repeats: bool


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
        self._lost_at: int | None = None

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

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what the server publishes, until the source is closed.

        Raises:
            ConfigurationError: our own certificate, or that of the user, cannot be used.
        """
        self._record.start(self._clock.now())
        running = asyncio.create_task(self._run(), name=f"opcua {self._spec.id}")
        running.add_done_callback(lambda _: self._arrived.set())
        try:
            while not running.done() or self._gate.pending:
                await self._arrived.wait()
                self._arrived.clear()
                if self._gate.pending:
                    yield self._delivery()
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

    def _delivery(self) -> SourceDelivery:
        taken = self._gate.take()
        self._room.set()
        return SourceDelivery(readings=taken.readings, quarantined=taken.quarantined, duplicates=taken.duplicates)

    # -- connecting ---------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Keep a connection until the source is closed."""
        pause = FIRST_PAUSE
        connect = await asyncio.to_thread(_load)
        while not self._closed.is_set():
            connection: Connection = connect(self._spec, self._options)
            try:
                await self._serve(connection)
                pause = FIRST_PAUSE
            except ConnectionError as error:
                pause = FIRST_PAUSE if self._lost_at is None else pause
                self._note_loss(error.advice if isinstance(error, RefusedError) else str(error), pause)
            finally:
                await connection.close()
            await self._wait(pause)
            pause = min(2 * pause, LAST_PAUSE)

    async def _serve(self, connection: Connection) -> None:
        """Connect, subscribe, and return when the source is closed.

        Raises:
            ConnectionError: there is no connection, or it was lost.
        """
        await connection.open()
        refused = await connection.subscribe(self._wanted(), self._receive)
        now = self._clock.now()
        for signal, why in refused.items():
            node = self._gate.rules[signal].address
            hint = f"Node {node}: {why}; browse the server for the right id and correct the plan's address."
            self._gate.refuse(refuse(Reason.UNKNOWN_NODE, hint=hint), received=now, signal=signal, raw=node.encode())
        self._note_return(now)
        self._record.connect(now, refused)
        self._arrived.set()
        closed = asyncio.create_task(self._closed.wait())
        lost = asyncio.create_task(connection.lost())
        try:
            await asyncio.wait((closed, lost), return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                lost.result()
        finally:
            closed.cancel()
            lost.cancel()

    def _wanted(self) -> Subscribe:
        publishing, sampling = self._spec.publishing_interval, self._spec.sampling_interval
        return Subscribe(
            nodes={rule.id: rule.address for rule in self._gate.rules.values()},
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

    def _note_loss(self, why: str, pause: float) -> None:
        """Record that the connection was lost, once for each time that it is; it is tried again after the pause (s)."""
        now = self._clock.now()
        self._record.lose(now, why, now + round(pause * SECOND))
        if self._lost_at is None:
            self._lost_at = now
            refusal = refuse(Reason.CONNECTION_LOST, hint=shown(why, 500).strip("'\""))
            self._gate.refuse(refusal, received=now, raw=self._spec.url.encode())
            self._arrived.set()

    def _note_return(self, now: int) -> None:
        if self._lost_at is not None:
            away = (now - self._lost_at) / SECOND
            refusal = refuse(Reason.CONNECTION_LOST, hint=f"It is back after {away:.1f} s.")
            self._gate.refuse(refusal, received=now, raw=self._spec.url.encode())
            self._lost_at = None

    # -- receiving ----------------------------------------------------------------------------------------

    async def _receive(self, changes: Sequence[Change]) -> None:
        """Let changes in, and return once there is room for more."""
        now = self._clock.now()
        for change in changes:
            if change.lost:
                self._gate.refuse(refuse(Reason.LOST_AT_SOURCE), received=now, signal=change.signal)
            if change.signal:
                moment = now if change.time is None else check_time(change.time, now)
                self._gate.offer(change.signal, moment, change.value, received=now, status=change.status)
        self._arrived.set()
        while self._gate.pending >= MOST_PENDING and not self._closed.is_set():
            self._room.clear()
            await self._room.wait()


def open_source(
    plan: Plan,
    spec: OpcuaSpec,
    clock: Clock,
    *,
    options: OpcuaOptions = OpcuaOptions(),
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
