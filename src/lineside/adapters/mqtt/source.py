"""The `Source` of an MQTT broker: `open_source` gives it for a plan, a source of kind ``mqtt`` and a clock.

Addresses of signals are ``topic#$.path.to.value`` for JSON messages and ``topic`` for plain ones. The plan's
``time_column`` is the path of the source time (``$.ts``), in any form that `lineside.domain.intake.times` reads;
without it a reading has the time it was received. One message may carry many signals.

Nothing accepted is lost: messages are asked for with QoS 1 in a session that the broker keeps, and each is
acknowledged only when everything of its delivery is durable. What was not acknowledged comes again after a lost
connection or a restart; readings that are known already are dropped as duplicates. A message that comes again within
one run keeps the receive time of its first coming, so that this also holds for readings without a time of their own;
across a restart of the gateway it holds only for readings with one.

A message that cannot be read is quarantined and acknowledged: it would be no better the next time.

Messages wait for their delivery as they came, and are read all together: flat JSON into columns; what has another form
one by one. Both give the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from lineside.adapters.mqtt_connection import Broker, Connection, place_of
from lineside.adapters.mqtt_packets import Packets, Topics, joined
from lineside.adapters.upkeep import Upkeep
from lineside.domain.errors import PlanError
from lineside.domain.health.sources import SourceCondition
from lineside.domain.intake.flat_json import Shapes, is_plain, read_flat, shapes_of
from lineside.domain.intake.gate import Gate, SignalRule
from lineside.domain.intake.messages import LARGEST_MESSAGE, Address, look_up, parse_address, parse_path, read_json
from lineside.domain.intake.outages import Outages
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.times import read_time
from lineside.domain.intake.values import check_name
from lineside.domain.plan.model import MqttSpec, Plan
from lineside.domain.readings import GOOD, Catalogue, Int64, ReadingBatch
from lineside.ports import Clock, SourceDelivery
from lineside.zones import format_of, zone_named

SHARED: Final = "$share/"
MOST_PENDING: Final = 100_000
"""Readings that wait for a delivery; beyond that messages without acknowledgement (QoS 0) are refused when read."""
MOST_TOGETHER: Final = 4_096
"""Messages that wait to be read together."""
MOST_BYTES: Final = 1 << 20
"""Bytes of them, about."""
FEW: Final = 16
"""One in so many messages may have another form; with more of them all are read one by one."""
MOST_REMEMBERED: Final = 65_536
"""Messages whose receive time is remembered."""
UNCERTAIN_LAST_USABLE: Final = 0x4090_0000
"""Uncertain_LastUsableValue: a retained message without a time is of unknown age."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttOptions:
    """What the plan does not hold.

    Args:
        password: the secret that the plan names.
        client_id: name of the session at the broker; empty: made of site, line and source.
        authority: file of the certificate authority, for mqtts; without it the system's.
        certificate: this gateway's certificate, PEM, for brokers that ask for one.
        private_key: its private key.
        keep_alive: seconds between two signs of life.
        forget: whether the broker forgets the session when it ends, as a connection test wants it.
    """

    password: str = ""
    client_id: str = ""
    authority: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    keep_alive: int = 10
    forget: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """Messages of a delivery, and the connection that they came by; by another they count for nothing."""

    connection: int
    numbers: tuple[int, ...]


class MqttSource:
    """Readings of one MQTT broker."""

    def __init__(self, plan: Plan, spec: MqttSpec, clock: Clock, broker: Broker) -> None:
        self._spec = spec
        self._clock = clock
        self._broker = broker
        self._gate = Gate(plan, spec.id)
        self._outages = Outages(self._gate, spec.url)
        self._upkeep = Upkeep(f"mqtt {spec.id}", self._outages, clock)
        self._topics = _by_topic(self._gate)
        self._time_path = parse_path(spec.time_column) if spec.time_column else None
        flat, self._shapes = _flat_topics(self._topics, self._time_path)
        self._flat = Topics(flat)
        self._waiting: list[Packets] = []
        self._came: list[int] = []
        self._waiting_messages = self._waiting_bytes = 0
        self._zone, self._form = zone_named(spec.time_zone), format_of(spec.time_format)
        self._connection: Connection | None = None
        self._connections = 0
        self._unacknowledged: list[int] = []
        self._first_received: dict[tuple[int, bytes, int], int] = {}

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
        """How it stands with its peer."""
        return self._outages.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._gate.remember(batch)

    def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what the broker sends, until the source is closed.

        Raises:
            ConfigurationError: the file of the authority or of a certificate cannot be used.
        """
        return self._upkeep.deliveries(
            self._serve, lambda: bool(self._gate.pending or self._waiting or self._unacknowledged), self._delivery
        )

    async def acknowledge(self, token: object) -> None:
        """Acknowledge the messages of a delivery to the broker."""
        if not isinstance(token, Token):
            raise TypeError(f"a token of another source: {token!r}")
        if self._connection is not None and token.connection == self._connections:
            self._connection.acknowledge(token.numbers)

    async def close(self) -> None:
        """Close the connection and end the deliveries; the broker keeps what comes meanwhile."""
        self._upkeep.close()

    def _delivery(self) -> SourceDelivery:
        self._read_waiting()
        taken = self._gate.take()
        token = Token(self._connections, tuple(self._unacknowledged))
        self._unacknowledged = []
        return SourceDelivery(
            readings=taken.readings, quarantined=taken.quarantined, duplicates=taken.duplicates, token=token
        )

    # -- connecting ---------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Connect, subscribe, and return when the source is closed.

        Raises:
            ConnectionError: there is no connection, or it was lost.
        """
        self._read_waiting()  # by the connection before, where they count for nothing
        self._connections += 1
        self._unacknowledged = []
        self._connection = connection = Connection(self._broker, self._receive)
        try:
            await connection.open()
            topics = [self._spec.topic] if self._spec.topic else list(self._topics)
            refused = await connection.subscribe(topics)
            self._note_return(refused)
            await self._upkeep.until_lost(connection.lost())
        finally:
            self._connection = None
            await connection.close()

    def _note_return(self, refused: Mapping[str, str]) -> None:
        now = self._clock.now()
        for topic, why in refused.items():
            hint = f"The broker says: {why}. Let it permit this user to subscribe to it."
            self._gate.refuse(refuse(Reason.UNKNOWN_NODE, topic, hint), received=now, raw=topic.encode())
        self._outages.back(now, refused)
        self._upkeep.wake()

    # -- receiving ----------------------------------------------------------------------------------------

    def _receive(self, packets: Packets) -> None:
        """Let messages wait to be read together with others; whatever they are, they will be acknowledged."""
        if not self._waiting:
            self._upkeep.wake()
        self._waiting.append(packets)
        self._came.append(self._clock.now())
        self._waiting_messages += len(packets)
        self._waiting_bytes += len(packets.text)
        if self._waiting_messages >= MOST_TOGETHER or self._waiting_bytes >= MOST_BYTES:
            self._read_waiting()

    def _read_waiting(self) -> None:
        """Read the messages that wait."""
        waiting, came = self._waiting, self._came
        if waiting:
            self._waiting, self._came, self._waiting_messages, self._waiting_bytes = [], [], 0, 0
            moments = np.repeat(np.array(came, dtype=np.int64), [len(packets) for packets in waiting])
            self._read_packets(joined(waiting), moments)

    def _read_packets(self, packets: Packets, came: Int64) -> None:
        """Let the readings of messages in, or refuse them."""
        sent_again = packets.sent_again
        self._unacknowledged += packets.number[sent_again].tolist()
        if self._time_path is None:
            for row in np.flatnonzero(sent_again).tolist():
                came[row] = self._received(packets, row, int(came[row]))
        if self._gate.pending >= MOST_PENDING:
            for row in np.flatnonzero(~sent_again).tolist():
                self._gate.refuse(refuse(Reason.OVERFLOW), received=int(came[row]), raw=packets.payload_of(row))
            packets, came = packets.take(sent_again), came[sent_again]
        shape = self._flat.numbers(packets)
        if np.count_nonzero(flat := shape >= 0) < len(packets):
            for row in np.flatnonzero(~flat).tolist():
                self._read_single(packets, row, int(came[row]))
            packets, shape, came = packets.take(flat), shape[flat], came[flat]
        if len(packets):
            self._read_together(packets, shape, came)

    def _received(self, packets: Packets, row: int, now: int) -> int:
        """Return the time that a message without one was received; for one that comes again, the first time."""
        key = (int(packets.number[row]), packets.topic_of(row), hash(packets.payload_of(row)))
        if packets.is_repeated(row) and key in self._first_received:
            return self._first_received[key]
        self._first_received.pop(key, None)
        self._first_received[key] = now
        if len(self._first_received) > MOST_REMEMBERED:
            del self._first_received[next(iter(self._first_received))]
        return now

    def _read_together(self, packets: Packets, shape: Int64, came: Int64) -> None:
        """Read flat messages in their order: those of another form between the columns of the others."""
        found = read_flat(packets.text, packets.start, packets.end, shape, self._shapes, came)
        others = []
        if np.count_nonzero(found.good) < len(packets):
            others = np.flatnonzero(~found.good).tolist()
        if len(others) * FEW > len(packets):
            others = list(range(len(packets)))
        said = None
        if self._time_path is None:
            said = np.where(packets.retained, np.uint32(UNCERTAIN_LAST_USABLE), np.uint32(GOOD))
        first = 0
        for other in (*others, len(packets)):
            rows = slice(*np.searchsorted(found.message, (first, other)).tolist()) if others else slice(None)
            message = found.message[rows]
            if len(message):
                self._gate.offer_columns(
                    found.signal[rows],
                    found.time[rows],
                    found.value[rows],
                    received=came[message],
                    status=None if said is None else said[message],
                    raw=lambda row, message=message: packets.payload_of(message[row]),  # type: ignore[misc]
                )
            if other < len(packets):
                self._read_single(packets, other, int(came[other]))
            first = other + 1

    def _read_single(self, packets: Packets, row: int, now: int) -> None:
        status = UNCERTAIN_LAST_USABLE if packets.is_retained(row) else GOOD
        self._read(packets.name_of(row), packets.payload_of(row), now, status)

    def _read(self, topic: str, payload: bytes, now: int, status_without_time: int) -> None:
        wanted = self._topics.get(topic)
        if wanted is None:
            refusal = check_name(topic) or refuse(Reason.UNKNOWN_SIGNAL, topic)
            self._gate.refuse(refusal, received=now, raw=topic.encode(errors="replace") + b" " + payload)
            return
        plain = [rule for rule, address in wanted if address.path is None]
        paths = [(rule, address.path) for rule, address in wanted if address.path is not None]
        for rule in plain:
            self._read_plain(rule, payload, now, status_without_time)
        if paths:
            self._read_json(paths, payload, now, status_without_time)

    def _read_plain(self, rule: SignalRule, payload: bytes, now: int, status: int) -> None:
        refusal = None
        if not payload:
            refusal = refuse(Reason.EMPTY)
        elif len(payload) > LARGEST_MESSAGE:
            refusal = refuse(Reason.MESSAGE_TOO_LARGE, hint=f"It has {len(payload)} bytes.")
        if refusal is not None:
            self._gate.refuse(refusal, received=now, signal=rule.id, raw=payload)
            return
        self._gate.offer(rule.id, now, payload, received=now, status=status, raw=payload)

    def _read_json(
        self, paths: list[tuple[SignalRule, tuple[str | int, ...]]], payload: bytes, now: int, status: int
    ) -> None:
        found = read_json(payload)
        if isinstance(found, Refusal):
            self._gate.refuse(found, received=now, raw=payload)
            return
        moment, status = self._moment(found, now, status)
        for rule, path in paths:
            value = look_up(found, path)
            if isinstance(value, Refusal):
                self._gate.refuse(value, received=now, signal=rule.id, raw=payload)
            else:
                self._gate.offer(rule.id, moment, value, received=now, status=status, raw=payload)

    def _moment(self, found: Any, now: int, status: int) -> tuple[int | Refusal, int]:
        """Return the source time of a message, and its status: of unknown age only where it has no time."""
        if self._time_path is None:
            return now, status
        said = look_up(found, self._time_path)
        if isinstance(said, Refusal):
            return refuse(Reason.TIME_MISSING, hint=f"The path is {self._spec.time_column}."), GOOD
        return read_time(said, now=now, zone=self._zone, form=self._form), GOOD


def open_source(
    plan: Plan,
    spec: MqttSpec,
    clock: Clock,
    *,
    options: MqttOptions = MqttOptions(),
    seen: Iterable[ReadingBatch] = (),
) -> MqttSource:
    """Return the source of the broker that ``spec`` names; nothing is connected before it delivers.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the address is none of MQTT, or the time zone is unknown.
        PlanError: the address of a signal, or the path of the time, is none; or the subscription is a shared one.
    """
    if spec.topic.startswith(SHARED):
        raise PlanError(
            "a shared subscription gives this gateway only some of the messages: parts would lack readings",
            field=f"sources.{spec.id}.topic",
            value=spec.topic,
            next_step="write the filter without '$share/<group>/'",
        )
    host, port, tls = place_of(spec.url, f"sources.{spec.id}.url")
    broker = Broker(
        host=host,
        port=port,
        client_id=options.client_id or f"lineside-{plan.site.id}-{plan.line.id}-{spec.id}",
        version=spec.version,
        expiry=spec.session_expiry,
        forget=options.forget,
        tls=tls,
        authority=options.authority,
        certificate=options.certificate,
        private_key=options.private_key,
        username=spec.username,
        password=options.password,
        keep_alive=options.keep_alive,
    )
    source = MqttSource(plan, spec, clock, broker)
    source.remember(seen)
    return source


def _by_topic(gate: Gate) -> dict[str, list[tuple[SignalRule, Address]]]:
    """Return the signals of each topic, with their addresses."""
    topics: defaultdict[str, list[tuple[SignalRule, Address]]] = defaultdict(list)
    for rule in gate.rules.values():
        try:
            address = parse_address(rule.address)
        except PlanError as error:
            raise PlanError(
                error.problem, field=f"signals.{rule.id}.address", value=error.value, next_step=error.next_step
            ) from error
        topics[address.topic].append((rule, address))
    return dict(topics)


def _flat_topics(
    topics: Mapping[str, list[tuple[SignalRule, Address]]], time_path: tuple[str | int, ...] | None
) -> tuple[dict[bytes, int], Shapes]:
    """Return the topics whose messages can be read as flat JSON, with their shapes: all that is wanted are numbers."""
    numbers: dict[bytes, int] = {}
    wanted: list[list[tuple[str, int]]] = []
    time = _plain_name(time_path) if time_path is not None else ""
    for topic, rules in topics.items():
        named = [(_plain_name(address.path), rule) for rule, address in rules]
        if time is not None and all(name and not rule.text for name, rule in named):
            numbers[topic.encode()] = len(wanted)
            wanted.append([(name, rule.code) for name, rule in named if name])
    return numbers, shapes_of(wanted, time or "")


def _plain_name(path: tuple[str | int, ...] | None) -> str | None:
    """Return the one name that a path consists of, None where it is another path or stands otherwise in JSON."""
    if path is None or len(path) != 1 or not isinstance(path[0], str) or not is_plain(path[0]):
        return None
    return path[0]
