"""Damaged input for every decoder that reads what others send: each must answer, or refuse in the words it promises.

Inputs are made from good ones by a few changes each: bits flipped, bytes set to what is most often wrong, pieces cut
out, doubled or moved in from another input. The same seed makes the same inputs.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from lineside.adapters.modbus.frames import AnswerError, Ask, BrokenStreamError, Frames, values_in
from lineside.adapters.mqtt_packets import read_packets
from lineside.adapters.mtconnect.documents import AgentError, DocumentError, read_streams
from lineside.adapters.sparkplug.payloads import read_payload, status_of, time_of, value_of
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from lineside.domain.errors import IntegrityError, LinesideError
from lineside.domain.intake.flat_json import shapes_of
from lineside.domain.intake.messages import read_json
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.reconciling import Stretch
from lineside.testing.clocks import A_MOMENT
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.flat_messages import read_each
from lineside.testing.records import CATALOGUE, a_readings_body, a_record
from lineside.wire.asks import Ask as HolderAsk
from lineside.wire.asks import decode_ask, encode_ask
from lineside.wire.claims import Claim, decode_claim, encode_claim
from lineside.wire.codecs import decode_items, decode_readings, encode_items
from lineside.wire.records import unpack
from lineside.wire.signed import Envelope, Signature, decode_envelope, encode_envelope
from lineside.wire.status import GatewayStatus, decode_status, encode_status

TYPICAL: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x7B, 0x7D, 0x5B, 0x3C, 0x2D, 0x65)
_MOST_CHANGES: Final = 6
_LONGEST: Final = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoder:
    """Something that reads foreign bytes: good ones to begin from, and which errors are its answer."""

    name: str
    read: Callable[[bytes], object]
    good: Sequence[bytes]
    answers: tuple[type[Exception], ...] = (LinesideError,)


@dataclass(slots=True)
class Fuzzed:
    """What came of some inputs: how many were read, how many refused, and the input and error of what escaped."""

    read: int = 0
    refused: int = 0
    escaped: list[tuple[bytes, Exception]] = field(default_factory=list)


def fuzz(decoder: Decoder, inputs: int, seed: int) -> Fuzzed:
    """Give a decoder so many damaged inputs; return what came of them."""
    choose, found = random.Random(f"{decoder.name} {seed}"), Fuzzed()  # noqa: S311 - inputs that can be made again
    for _ in range(inputs):
        data = damaged(choose, decoder.good)
        try:
            refused = isinstance(decoder.read(data), Refusal)
        except decoder.answers:
            refused = True
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            found.escaped.append((data, error))
            continue
        found.refused += refused
        found.read += not refused
    return found


def damaged(choose: random.Random, good: Sequence[bytes]) -> bytes:
    """Return a good input with one to `_MOST_CHANGES` changes."""
    data = bytearray(choose.choice(good))
    for _ in range(choose.randint(1, _MOST_CHANGES)):
        place, what = choose.randrange(len(data) + 1), choose.randrange(6)
        if what == 0 and place < len(data):
            data[place] ^= 1 << choose.randrange(8)
        elif what == 1 and place < len(data):
            data[place] = choose.choice(TYPICAL)
        elif what == 2:
            del data[place : place + choose.choice((1, 2, 4, 8, 64))]
        elif what == 3:
            data[place:place] = bytes(data[place : place + choose.choice((1, 4, 16, 64))])
        elif what == 4:
            other = choose.choice(good)
            start = choose.randrange(len(other) + 1)
            data[place:place] = other[start : start + choose.choice((1, 8, 32))]
        else:
            del data[place:]
    return bytes(data[:_LONGEST])


def decoders() -> tuple[Decoder, ...]:
    """Return every decoder that is fuzzed."""
    return (
        *_between_our_processes(),
        Decoder(name="sparkplug", read=_read_sparkplug, good=_sparkplug()),
        Decoder(name="modbus", read=_read_modbus, good=_MODBUS, answers=(AnswerError, BrokenStreamError)),
        Decoder(name="mqtt", read=_read_mqtt, good=_MQTT),
        Decoder(name="json", read=read_json, good=_JSON),
        Decoder(name="flat json", read=_read_flat, good=_JSON),
        Decoder(name="mtconnect", read=read_streams, good=_MTCONNECT, answers=(DocumentError, AgentError)),
    )


def _between_our_processes() -> tuple[Decoder, ...]:
    record, readings = a_record(1, a_readings_body(0, 8)).data, a_readings_body(0, 8)
    part = PartRecord(
        cycle_id="c", unit="u", station="s", started=1, ended=2, received=3, recipe="r",
        features=np.array([1.0, np.nan]), context={"lot": "L1"}, missing=("a",),
    )  # fmt: skip
    said = FakeJudge("porosity", limit=1.0, width=2).judge(part, 4).predictions
    claim = Claim("gw", "e", "site", "line", (Stretch(number=1, records=2, readings=3, keys=4),))
    status = GatewayStatus(
        gateway="g", time=1, sources=(), readings=1, parts=1, quarantined=0, dropped=0, late=0, backlog=0,
        unrecorded=False,
    )  # fmt: skip
    envelope = Envelope(purpose="p", payload=b"{}", signatures=(Signature(key="k", signature=b"s" * 64),))
    return (
        Decoder(name="record", read=lambda data: unpack(_with_checksum(data)), good=(record,)),
        Decoder(
            name="readings",
            read=lambda data: decode_readings(data, CATALOGUE),
            good=(readings, a_readings_body(0, 400)),
        ),
        Decoder(name="parts", read=lambda data: decode_items(data, PartRecord), good=(encode_items([part, part]),)),
        Decoder(name="predictions", read=lambda data: decode_items(data, Prediction), good=(encode_items(said),)),
        Decoder(name="ask", read=decode_ask, good=(encode_ask(HolderAsk("gw", "e", "site", "line", "h")),)),
        Decoder(name="claim", read=decode_claim, good=(encode_claim(claim),)),
        Decoder(name="status", read=decode_status, good=(encode_status(status),)),
        Decoder(name="envelope", read=decode_envelope, good=(encode_envelope(envelope),)),
    )


_ASK: Final = Ask(device=1, kind="holding", address=0, count=2)
_MODBUS: Final = (bytes.fromhex("0001000000070103044248000a"), bytes.fromhex("000100000003018302"))
_MQTT: Final = (
    b"\x30\x0a\x00\x05press\x0021" * 3,
    b"\x33\x16\x00\x05press\x00\x07\x05\x02\x00\x00\x00\x09\x7b\x7d" + b"\x31\x04\x00\x01p\x00",
)
_JSON: Final = (
    b'{"ts":1795000000000,"temperature":21.5,"serial":"A1"}',
    b'{"a":[1,2,{"b":null}],"temperature":-1e3}',
    '{"temperature":1,"ts":"2026-11-18T13:46:40Z","q":"größe"}'.encode(),
)
_MTCONNECT: Final = (
    b"""<?xml version="1.0"?><MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:1.7">
<Header instanceId="1" nextSequence="3" firstSequence="1" lastSequence="2" bufferSize="8"/>
<Streams><DeviceStream name="m"><ComponentStream component="Axes"><Samples>
<Position dataItemId="x" timestamp="2026-11-18T13:46:40Z" sequence="1">1.5</Position>
</Samples></ComponentStream></DeviceStream></Streams></MTConnectStreams>""",
)
_SHAPES: Final = shapes_of([[("temperature", 0)]], "ts")


def _with_checksum(data: bytes) -> bytes:
    """Return a record whose checksum fits, so that what lies behind it is looked at."""
    return data if len(data) < 8 else data[:4] + struct.pack("<I", zlib.crc32(data[8:])) + data[8:]


def _read_mqtt(data: bytes) -> object:
    found, end = read_packets(data, 0, five=True)
    if not len(found):
        raise IntegrityError("no message stands there", field="packet")
    return [(found.topic_of(row), found.payload_of(row)) for row in range(len(found))], end


def _read_flat(data: bytes) -> object:
    found = read_each([data], np.zeros(1, dtype=np.int64), _SHAPES, np.array([A_MOMENT], dtype=np.int64))
    return found if found.good.all() else refuse(Reason.MALFORMED_JSON)  # the slow way reads or refuses it


def _read_modbus(data: bytes) -> object:
    return [values_in(frame, _ASK) for frame in Frames().feed(data)]


def _read_sparkplug(data: bytes) -> object:
    payload = read_payload(data)
    if isinstance(payload, Refusal):
        return payload
    for metric in payload.metrics:
        value = value_of(metric, metric.datatype)
        status_of(metric, empty=value is None, doubtful=False)
        time_of(metric, payload, A_MOMENT)
    return payload


def _sparkplug() -> tuple[bytes, ...]:
    payload = Payload(timestamp=A_MOMENT // 1_000_000, seq=1)
    payload.metrics.add(name="temperature", alias=1, datatype=10, double_value=21.5)
    payload.metrics.add(name="count", alias=2, datatype=3, int_value=7, is_historical=True)
    return (payload.SerializeToString(), Payload(seq=255).SerializeToString())
