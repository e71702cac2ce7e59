"""What an edge node of Sparkplug B with one device says: births, data by alias, its will. Sans-IO."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from lineside.adapters.sparkplug.payloads import NAMESPACE, REBIRTH, SESSION
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Metric, Payload
from lineside.domain.units import MILLISECOND

TYPES: Final = {"double": (10, "double_value"), "boolean": (11, "boolean_value"), "string": (12, "string_value")}
"""Number of a data type, and the field that carries its values, by its name here."""
_ALIASES_FROM: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A metric that the device has: its name, type, unit, and the range that its maker gives."""

    name: str
    type: str = "double"
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a metric at a time (UTC ns); ``quality`` 0, 192 or 500, None: not said."""

    name: str
    time: int
    value: float | str
    historical: bool = False
    quality: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A message to the broker."""

    topic: str
    payload: bytes


class EdgeNode:
    """Numbers messages and sessions, and remembers the newest values for the next birth."""

    def __init__(self, group: str, edge: str, device: str, metrics: Sequence[Offer]) -> None:
        self._group = group
        self._edge = edge
        self._device = device
        self._metrics = {metric.name: metric for metric in metrics}
        self._newest: dict[str, Value] = {}
        self._numbers: Iterator[int] = itertools.cycle(range(256))
        self.aliases = {metric.name: number for number, metric in enumerate(metrics, start=_ALIASES_FROM)}
        self.session = -1

    def topic(self, kind: str) -> str:
        """Return the topic of a kind of message."""
        device = f"/{self._device}" if kind.startswith("D") else ""
        return f"{NAMESPACE}/{self._group}/{kind}/{self._edge}{device}"

    def connect(self) -> Said:
        """Begin a session; return the will to connect with."""
        self.session = (self.session + 1) % 256
        payload = Payload()
        payload.metrics.add(name=SESSION, datatype=8, long_value=self.session)
        return Said(self.topic("NDEATH"), payload.SerializeToString())

    def remember(self, values: Iterable[Value]) -> None:
        """Take values as the newest, for the next birth to say."""
        self._newest.update((item.name, item) for item in values)

    def births(self, now: int) -> list[Said]:
        """Return the births of edge node and device, with the newest values; the sequence begins with them."""
        self._numbers = itertools.cycle(range(256))
        node = Payload(timestamp=now // MILLISECOND)
        node.metrics.add(name=SESSION, datatype=8, long_value=self.session)
        node.metrics.add(name=REBIRTH, datatype=11, boolean_value=False)
        device = Payload(timestamp=now // MILLISECOND)
        for metric in self._metrics.values():
            self._name(device.metrics.add(), metric)
        return [self.message("NBIRTH", node), self.message("DBIRTH", device)]

    def data(self, values: Sequence[Value]) -> Said:
        """Return a message of the device with these values, by their aliases."""
        self.remember(item for item in values if not item.historical)
        payload = Payload(timestamp=values[-1].time // MILLISECOND)
        for item in values:
            metric = payload.metrics.add(alias=self.aliases[item.name], timestamp=item.time // MILLISECOND)
            if item.historical:
                metric.is_historical = True
            if item.quality is not None:
                _say(metric, "Quality", 3, item.quality)
            _fill(metric, self._metrics[item.name].type, item.value)
        return self.message("DDATA", payload)

    def message(self, kind: str, payload: Payload) -> Said:
        """Return a payload as a message, with the next number of the sequence."""
        payload.seq = self.number()
        return Said(self.topic(kind), payload.SerializeToString())

    def number(self) -> int:
        """Take the next number of the sequence."""
        return next(self._numbers)

    def _name(self, metric: Metric, offer: Offer) -> None:
        metric.name, metric.alias, metric.datatype = offer.name, self.aliases[offer.name], TYPES[offer.type][0]
        if offer.unit:
            _say(metric, "engUnit", 12, offer.unit)
        for key, edge in (("engLow", offer.low), ("engHigh", offer.high)):
            if edge is not None:
                _say(metric, key, 10, edge)
        newest = self._newest.get(offer.name)
        if newest is None:
            metric.is_null = True
        else:
            metric.timestamp = newest.time // MILLISECOND
            _fill(metric, offer.type, newest.value)


def is_rebirth_request(raw: bytes) -> bool:
    """Say whether a command asks for the births; what cannot be read asks for nothing."""
    try:
        payload: Payload = Payload.FromString(raw)
    except DecodeError:
        return False
    return any(item.name == REBIRTH and item.boolean_value for item in payload.metrics)


def _fill(metric: Metric, kind: str, value: float | str) -> None:
    """Give a metric a value of a type; a text travels as one, whatever the type."""
    number, name = TYPES["string" if isinstance(value, str) else kind]
    metric.datatype = number
    setattr(metric, name, value)


def _say(metric: Metric, key: str, kind: int, value: float | str) -> None:
    """Give a metric a property."""
    metric.properties.keys.append(key)
    said = metric.properties.values.add(type=kind)
    if isinstance(value, str):
        said.string_value = value
    elif isinstance(value, int):
        said.int_value = value
    else:
        said.double_value = value
