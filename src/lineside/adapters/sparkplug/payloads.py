"""What the messages of Sparkplug B hold, and what is made of it.

Integers travel unsigned; those of a signed type are read as two's complement of their width (Sparkplug 3.0, 6.4.16).
The quality of a metric is a property of it: 0 bad, 192 good, 500 stale (6.4.14). A status is what comes of it, as
OPC UA writes one: Bad, Good, Uncertain_LastUsableValue. A metric that is null has no value: Bad_NoData.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from google.protobuf.message import DecodeError

from lineside.adapters.sparkplug.sparkplug_b_pb2 import Metric, Payload
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.times import AHEAD, EARLIEST, read_time
from lineside.domain.readings import BAD, GOOD, SEVERITY, UNCERTAIN
from lineside.domain.units import MILLISECOND

NAMESPACE: Final = "spBv1.0"
REBIRTH: Final = "Node Control/Rebirth"
SESSION: Final = "bdSeq"
"""Names of the metrics that belong to the protocol."""
LARGEST_PAYLOAD: Final = 4 * 1024 * 1024
"""Bytes of a message: the birth of an edge node names every metric that it has."""
BAD_NO_DATA: Final = 0x809B_0000
UNCERTAIN_LAST_USABLE: Final = 0x4090_0000
QUALITIES: Final = {0: BAD, 192: GOOD, 500: UNCERTAIN_LAST_USABLE}
_UNKNOWN_QUALITY: Final = SEVERITY
"""A status that the gate refuses as `unknown_quality`."""
_SIGNED: Final = {1: 8, 2: 16, 3: 32, 4: 64}
"""Bits of the signed types, by the number of the type."""
_PLAIN: Final = frozenset({"int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value"})


class Kind(StrEnum):
    """The kinds of message, as the topic names them."""

    NBIRTH = "NBIRTH"
    NDEATH = "NDEATH"
    DBIRTH = "DBIRTH"
    DDEATH = "DDEATH"
    NDATA = "NDATA"
    DDATA = "DDATA"
    NCMD = "NCMD"
    DCMD = "DCMD"


_KINDS: Final = dict(Kind.__members__)


@dataclass(frozen=True, slots=True)
class Topic:
    """Where a message was published; ``device`` is empty for one of the edge node itself."""

    group: str
    edge: str
    kind: Kind
    device: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A message: its kind, its device (empty: the edge node), what it holds, when it was received (UTC ns)."""

    kind: Kind
    device: str
    payload: Payload
    received: int
    raw: bytes


def read_topic(text: str) -> Topic | None:
    """Return what a topic says, or None where it is none of Sparkplug B."""
    parts = text.split("/")
    if len(parts) not in {4, 5} or parts[0] != NAMESPACE or not all(parts):
        return None
    kind = _KINDS.get(parts[2])
    if kind is None or (len(parts) == 5) is not kind.startswith("D"):
        return None
    return Topic(parts[1], parts[3], kind, parts[4] if len(parts) == 5 else "")


def read_payload(raw: bytes) -> Payload | Refusal:
    """Return the payload that bytes are, or why they are none."""
    if len(raw) > LARGEST_PAYLOAD:
        return refuse(Reason.MESSAGE_TOO_LARGE, hint=f"It has {len(raw)} bytes.")
    try:
        payload: Payload = Payload.FromString(raw)
    except DecodeError:
        return refuse(Reason.MALFORMED_PROTOBUF, raw)
    return payload


def session_of(metrics: Iterable[Metric]) -> int | None:
    """Return the number of the session (bdSeq) among the metrics of a birth or death; None where there is none."""
    return next((int(value_of(item, 0)) for item in metrics if item.name == SESSION), None)


def value_of(metric: Metric, datatype: int) -> Any:
    """Return the value of a metric of a data type; None where it has none, a list where it is not a single value."""
    kind = metric.WhichOneof("value")
    if kind is None:
        return None
    if kind not in _PLAIN:
        return [kind]
    value = getattr(metric, kind)
    bits = _SIGNED.get(datatype)
    if bits is None or not kind.endswith(("int_value", "long_value")):
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def status_of(metric: Metric, *, empty: bool, doubtful: bool) -> int:
    """Return the status of a metric: what its quality says, unless it has no value, or its name may not hold."""
    status = _quality_of(metric) if metric.HasField("properties") else GOOD
    if empty and not status & BAD:
        return BAD_NO_DATA
    return UNCERTAIN if doubtful and status == GOOD else status


def _quality_of(metric: Metric) -> int:
    properties = metric.properties
    for key, value in zip(properties.keys, properties.values, strict=False):
        if key == "Quality":
            return QUALITIES.get(int(value.int_value or value.long_value), _UNKNOWN_QUALITY)
    return GOOD


def time_of(metric: Metric, payload: Payload, received: int) -> int | Refusal:
    """Return the source time of a metric in UTC ns: its own, else the message's, else when it was received (UTC ns)."""
    said = metric.timestamp or payload.timestamp
    if not said:
        return received
    moment: int = said * MILLISECOND
    if EARLIEST <= moment <= received + AHEAD:
        return moment
    return read_time(said, now=received)


def rebirth_request(now: int) -> bytes:
    """Return the payload that asks an edge node for its births (5.8); ``now`` in UTC ns."""
    payload = Payload(timestamp=now // MILLISECOND)
    payload.metrics.add(name=REBIRTH, timestamp=now // MILLISECOND, datatype=11, boolean_value=True)
    written: bytes = payload.SerializeToString()
    return written
