"""The `Source` of Sparkplug B: `open_source` gives it for a plan, a source of kind ``sparkplug`` and a clock.

Addresses of signals are ``group/edge/device#metric``, or ``group/edge#metric`` for a metric of the edge node itself.
The source subscribes to the edge nodes that the plan's signals name, and to nothing else. What their messages mean
is the business of `lineside.adapters.sparkplug.node`; this file lets values through the gate, keeps the connection and
the timer, and sends the one thing that Lineside ever writes to a machine's side: the request for births, unless the
plan forbids it. Where the plan names a host id, the source also says to the broker that this primary host is there,
with a will that says when it is not (Sparkplug 3.0, 5.14).

Messages are asked for with QoS 0, as edge nodes send them: what is lost shows in their sequence. Nothing can be
acknowledged, so what was received and not yet recorded is lost if the gateway dies; the births that follow say
what holds then. Metrics that are historical go out in deliveries of their own, as replayed.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.mqtt_connection import Broker, Connection, Will, place_of
from lineside.adapters.mqtt_packets import Packets
from lineside.adapters.sparkplug.assets import Binding, Names
from lineside.adapters.sparkplug.columns import Aliases, Columns
from lineside.adapters.sparkplug.node import EdgeNode, Output, Refused, Silenced, Stands, Values
from lineside.adapters.sparkplug.payloads import (
    NAMESPACE,
    Heard,
    Kind,
    Topic,
    read_payload,
    read_topic,
    rebirth_request,
    status_of,
    time_of,
    value_of,
)
from lineside.adapters.sparkplug.rows import Rows
from lineside.adapters.sparkplug.sequence import TURN
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Metric
from lineside.adapters.sparkplug.states import State
from lineside.adapters.upkeep import Upkeep
from lineside.domain.errors import PlanError
from lineside.domain.health.sources import SourceCondition
from lineside.domain.intake.gate import Gate, Taken
from lineside.domain.intake.outages import Outages
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.plan.model import Plan, SparkplugSpec
from lineside.domain.plan.sources.sparkplug import parse_metric_address
from lineside.domain.readings import BAD_NO_COMMUNICATION, Catalogue, ReadingBatch
from lineside.domain.units import MILLISECOND, SECOND
from lineside.ports import Clock, SourceDelivery

MOST_PENDING: Final = 100_000
"""Readings that wait for a delivery; messages beyond that are refused, for a broker cannot be made to wait."""
_LEAST_COLUMNS: Final = 16
"""Metrics that a message must have to be read as columns, and for each that is none of them."""
_DATA: Final = frozenset({Kind.NDATA, Kind.DDATA})
_TIMELESS: Final = Metric()
_STATE_AGAIN: Final = 5.0
"""Seconds before somebody who says that this host is away is contradicted again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SparkplugOptions:
    """What the plan does not hold.

    Args:
        password: the secret that the plan names.
        client_id: name of the session at the broker; empty: made of site, line and source.
        authority: file of the certificate authority, for mqtts; without it the system's.
        certificate: this gateway's certificate, PEM, for brokers that ask for one.
        private_key: its private key.
        keep_alive: seconds between two signs of life.
        hosts: whether the state of the primary host is published; a connection test leaves it alone.
    """

    password: str = ""
    client_id: str = ""
    authority: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    keep_alive: int = 10
    hosts: bool = True


class SparkplugSource:
    """Readings of the edge nodes that a plan names."""

    def __init__(self, plan: Plan, spec: SparkplugSpec, clock: Clock, broker: Broker, *, hosts: bool) -> None:
        self._spec = spec
        self._clock = clock
        self._broker = broker
        self._hosts = hosts
        self._gate = Gate(plan, spec.id)
        self._rows = Rows(self._gate)
        self._outages = Outages(self._gate, spec.url)
        self._upkeep = Upkeep(f"sparkplug {spec.id}", self._outages, clock)
        self._nodes = _nodes(self._gate, spec)
        self._aliases: dict[tuple[str, str, str], Aliases] = {}
        self._deliveries: deque[tuple[Taken, bool]] = deque()
        self._connection: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._state = b""
        self._contradicted = 0.0

    @property
    def broker(self) -> Broker:
        """The broker that it connects to."""
        return self._broker

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._gate.catalogue

    @property
    def condition(self) -> SourceCondition:
        """How it stands with its peer; edge nodes and devices that are not live are its troubles."""
        return self._outages.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._gate.remember(batch)

    def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what the edge nodes send, until the source is closed.

        Raises:
            ConfigurationError: the file of the authority or of a certificate cannot be used.
        """
        return self._upkeep.deliveries(self._serve, lambda: bool(self._deliveries or self._rows.pending), self._next)

    async def acknowledge(self, token: object) -> None:
        """Do nothing: edge nodes send with QoS 0."""

    async def close(self) -> None:
        """Close the connection and end the deliveries."""
        self._upkeep.close()

    def _next(self) -> SourceDelivery:
        if not self._deliveries:
            self._cut_off(replayed=False)
        taken, replayed = self._deliveries.popleft()
        return SourceDelivery(
            readings=taken.readings, quarantined=taken.quarantined, duplicates=taken.duplicates, replayed=replayed
        )

    def _cut_off(self, *, replayed: bool) -> None:
        """End a delivery with what has come together."""
        self._rows.flush()
        self._deliveries.append((self._gate.take(), replayed))

    # -- connecting ---------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Connect, subscribe, and return when the source is closed.

        Raises:
            ConnectionError: there is no connection, or it was lost.
        """
        broker = replace(self._broker, will=self._will(self._clock.now()))
        self._connection = connection = Connection(broker, self._receive)
        try:
            await connection.open()
            refused = await connection.subscribe(self._filters(), qos=0)
            self._begin(connection, refused)
            await self._upkeep.until_lost(connection.lost())
        finally:
            self._end(connection)
            await connection.close()

    def _filters(self) -> list[str]:
        edges = [f"{NAMESPACE}/{group}/+/{edge}/#" for group, edge in self._nodes]
        return [*edges, self._state_topic] if self._state else edges

    def _begin(self, connection: Connection, refused: Mapping[str, str]) -> None:
        now = self._clock.now()
        for topic, why in refused.items():
            hint = f"The broker says: {why}. Let it permit this user to subscribe to it."
            self._gate.refuse(refuse(Reason.UNKNOWN_NODE, topic, hint), received=now, raw=topic.encode())
        self._outages.back(now, refused)
        for (group, edge), node in self._nodes.items():
            for asset in node.assets.values():
                if asset.wanted and asset.state is not State.LIVE:
                    self._stands(group, edge, Stands(asset.device, asset.state))
            self._do(group, edge, node.connected(_monotonic()))
        if self._state:
            connection.publish(self._state_topic, self._state, qos=1, retain=True)
        self._wind()
        self._upkeep.wake()

    def _end(self, connection: Connection) -> None:
        self._connection = None
        if self._timer is not None:
            self._timer.cancel()
        for (group, edge), node in self._nodes.items():
            self._do(group, edge, node.cut())
        if self._state:
            connection.publish(self._state_topic, self._state.replace(b"true", b"false"), qos=1, retain=True)

    @property
    def _state_topic(self) -> str:
        return f"{NAMESPACE}/STATE/{self._spec.host}"

    def _will(self, now: int) -> Will | None:
        """Return the will of a primary host, whose time is that of its birth; None for any other."""
        if not self._spec.host or not self._hosts:
            return None
        self._state = json.dumps({"online": True, "timestamp": now // MILLISECOND}).encode()
        return Will(topic=self._state_topic, payload=self._state.replace(b"true", b"false"))

    # -- receiving ----------------------------------------------------------------------------------------

    def _receive(self, packets: Packets) -> None:
        """Take messages: trains at once, the others one by one."""
        now, row = self._clock.now(), 0
        while row < len(packets):
            name = packets.name_of(row)
            topic = read_topic(name)
            together = 0 if topic is None else self._receive_train(topic, packets, row, now)
            if not together:
                self._hear(name, topic, packets.payload_of(row), now, retained=packets.is_retained(row))
            row += together or 1
        self._upkeep.wake()

    def _receive_train(self, topic: Topic, packets: Packets, row: int, now: int) -> int:
        """Read the messages from a row on that are a train of plain data; return how many they are."""
        node = self._nodes.get((topic.group, topic.edge))
        expected = None if node is None else node.expects(topic.device)
        if node is None or expected is None or topic.kind not in _DATA or self._rows.pending >= MOST_PENDING:
            return 0
        names, number = expected
        train = self._aliases_of((topic.group, topic.edge, topic.device), names).read_train(packets, row, number, now)
        if train.messages:
            node.passed((number + train.messages - 1) % TURN)
            self._rows.offer_columns(train.signal, train.time, train.value, now)
        return train.messages

    def _hear(self, name: str, topic: Topic | None, raw: bytes, now: int, *, retained: bool) -> None:
        """Take a message; ``topic`` is what its name says, None where that is none of Sparkplug B's."""
        if self._state and name == self._state_topic:
            if not retained:  # what was kept is older than our own word
                self._contradict(raw)
            return
        node = None if topic is None else self._nodes.get((topic.group, topic.edge))
        if topic is None or node is None:
            self._gate.refuse(refuse(Reason.UNKNOWN_SIGNAL, name), received=now, raw=raw)
        elif topic.kind in {Kind.NCMD, Kind.DCMD}:
            return
        elif self._rows.pending >= MOST_PENDING:
            self._gate.refuse(refuse(Reason.OVERFLOW), received=now, raw=raw)
        else:
            payload = read_payload(raw)
            if isinstance(payload, Refusal):
                self._gate.refuse(payload, received=now, raw=raw)
            else:
                heard = Heard(kind=topic.kind, device=topic.device, payload=payload, received=now, raw=raw)
                self._do(topic.group, topic.edge, node.receive(heard, _monotonic()))
                self._wind()

    def _contradict(self, raw: bytes) -> None:
        """Say again that this host is there, if somebody (an old will) says that it is not."""
        now = asyncio.get_running_loop().time()
        connection = self._connection
        if b"false" in raw and connection is not None and now - self._contradicted > _STATE_AGAIN:
            self._contradicted = now
            connection.publish(self._state_topic, self._state, qos=1, retain=True)

    def _do(self, group: str, edge: str, outputs: Iterable[Output]) -> None:
        """Do what the protocol of an edge node says."""
        for output in outputs:
            if isinstance(output, Values):
                unknown = self._read(group, edge, output)
                if unknown:
                    self._do(group, edge, self._nodes[group, edge].not_named(output, unknown, _monotonic()))
            elif isinstance(output, Refused):
                self._refuse(output)
            elif isinstance(output, Silenced):
                for signal in output.signals:
                    self._rows.offer(signal, output.received, None, BAD_NO_COMMUNICATION, output.received)
            elif isinstance(output, Stands):
                self._stands(group, edge, output)
            elif self._connection is not None:
                request = rebirth_request(self._clock.now())
                self._connection.publish(f"{NAMESPACE}/{group}/{Kind.NCMD}/{edge}", request)

    def _refuse(self, refused: Refused) -> None:
        heard = refused.heard
        received, raw = (self._clock.now(), b"") if heard is None else (heard.received, heard.raw)
        refusal = refuse(refused.reason, hint=refused.hint)
        self._gate.refuse(refusal, received=received, signal=refused.signal, raw=raw, count=refused.count)

    def _stands(self, group: str, edge: str, stands: Stands) -> None:
        name = f"{group}/{edge}/{stands.device}" if stands.device else f"{group}/{edge}"
        if stands.state is State.LIVE:
            self._outages.record.mend(name)
        else:
            self._outages.record.trouble(name, str(stands.state))

    def _read(self, group: str, edge: str, values: Values) -> int:
        """Let the metrics of a message in; return how many were named by no birth."""
        past: list[tuple[Metric, Binding]] = []
        metrics, binding_of = values.heard.payload.metrics, values.names.binding_of
        columns = self._columns(group, edge, values)
        singles = range(len(metrics)) if columns is None else np.flatnonzero(~columns.plain).tolist()
        unknown, at = 0, 0
        for place in singles:
            if columns is not None:
                unknown += self._offer_columns(columns, at, place, values.heard.received)
                at = place + 1
            metric = metrics[place]
            binding = binding_of(metric)
            if binding is None:
                unknown += 1
            elif binding.signal:
                if metric.is_historical:
                    past.append((metric, binding))
                else:
                    self._offer(values, metric, binding)
        if columns is not None:
            unknown += self._offer_columns(columns, at, len(metrics), values.heard.received)
        if past:
            if self._rows.pending:
                self._cut_off(replayed=False)
            for metric, binding in past:
                self._offer(values, metric, binding)
            self._cut_off(replayed=True)
        return unknown

    def _columns(self, group: str, edge: str, values: Values) -> Columns | None:
        """Return the metrics of a message as columns, None where they are better taken one by one."""
        heard = values.heard
        count = len(heard.payload.metrics)
        moment = time_of(_TIMELESS, heard.payload, heard.received)
        if count < _LEAST_COLUMNS or values.doubtful or not isinstance(moment, int):
            return None
        aliases = self._aliases_of((group, edge, heard.device), values.names)
        columns = aliases.read(heard.raw, count, moment, heard.received)
        if columns is None or count - np.count_nonzero(columns.plain) > count // _LEAST_COLUMNS:
            return None
        return columns

    def _aliases_of(self, sender: tuple[str, str, str], names: Names) -> Aliases:
        """Return what the aliases of a group's edge node's device mean by the names of its birth."""
        aliases = self._aliases.get(sender)
        if aliases is None or aliases.names is not names:
            aliases = self._aliases[sender] = Aliases(names, self._rows.codes, self._rows.truths)
        return aliases

    def _offer_columns(self, columns: Columns, begin: int, end: int, received: int) -> int:
        """Let the plain metrics between two places in; return how many were named by no birth."""
        if begin == end:
            return 0
        signal, time, value, unknown = columns.within(begin, end)
        self._rows.offer_columns(signal, time, value, received)
        return unknown

    def _offer(self, values: Values, metric: Metric, binding: Binding) -> None:
        heard = values.heard
        value = None if metric.is_null else value_of(metric, binding.datatype)
        status = status_of(metric, empty=value is None, doubtful=values.doubtful)
        moment = time_of(metric, heard.payload, heard.received)
        self._rows.offer(binding.signal, moment, value, status, heard.received)

    # -- time ---------------------------------------------------------------------------------------------

    def _wind(self) -> None:
        """Set the timer to when the next edge node has something to do."""
        due = min((node.due for node in self._nodes.values() if node.due is not None), default=None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            delay = max(0, due - _monotonic()) / SECOND
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        for (group, edge), node in self._nodes.items():
            self._do(group, edge, node.tick(_monotonic()))
        self._wind()
        self._upkeep.wake()


def open_source(
    plan: Plan,
    spec: SparkplugSpec,
    clock: Clock,
    *,
    options: SparkplugOptions = SparkplugOptions(),
    seen: Iterable[ReadingBatch] = (),
) -> SparkplugSource:
    """Return the source of the edge nodes that a plan names; nothing is connected before it delivers.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the address is none of MQTT.
        PlanError: the address of a signal is none of Sparkplug B.
    """
    broker = broker_of(spec, options, options.client_id or f"lineside-{plan.site.id}-{plan.line.id}-{spec.id}")
    source = SparkplugSource(plan, spec, clock, broker, hosts=options.hosts)
    source.remember(seen)
    return source


def broker_of(spec: SparkplugSpec, options: SparkplugOptions, client_id: str) -> Broker:
    """Return the broker of a source, whose session ends with the connection (Sparkplug 3.0, 5.1).

    Raises:
        ConfigurationError: the address is none of MQTT.
    """
    host, port, tls = place_of(spec.url, f"sources.{spec.id}.url")
    return Broker(
        host=host,
        port=port,
        client_id=client_id,
        version=spec.version,
        forget=True,
        tls=tls,
        authority=options.authority,
        certificate=options.certificate,
        private_key=options.private_key,
        username=spec.username,
        password=options.password,
        keep_alive=options.keep_alive,
    )


def _nodes(gate: Gate, spec: SparkplugSpec) -> dict[tuple[str, str], EdgeNode]:
    """Return the edge nodes that the signals of a source name."""
    wanted: defaultdict[tuple[str, str], defaultdict[str, dict[str, str]]]
    wanted = defaultdict(lambda: defaultdict(dict))
    for rule in gate.rules.values():
        try:
            address = parse_metric_address(rule.address)
        except PlanError as error:
            raise PlanError(
                error.problem, field=f"signals.{rule.id}.address", value=error.value, next_step=error.next_step
            ) from error
        wanted[address.group, address.edge][address.device][address.metric] = rule.id
    return {
        (group, edge): EdgeNode(f"{group}/{edge}", devices, rebirth=spec.rebirth, reorder_within=spec.reorder_within)
        for (group, edge), devices in wanted.items()
    }


def _monotonic() -> int:
    return round(asyncio.get_running_loop().time() * SECOND)
