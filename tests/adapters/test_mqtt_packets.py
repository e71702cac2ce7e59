"""Packets PUBLISH in a row: found as they were sent, wherever what was read is cut, and nothing else is touched."""

import random
import struct
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import MQTTMessage

from lineside.adapters.mqtt_packets import MOST_PACKETS, Packets, Topics, joined, packets_of, read_packets

PINGRESP = b"\xd0\x00"


@dataclass(frozen=True)
class Sent:
    topic: bytes
    payload: bytes
    qos: int = 0
    number: int = 0
    repeated: bool = False
    retained: bool = False
    properties: bytes = b""


def varying(size: int) -> bytes:
    """A variable byte integer (MQTT 5, 1.5.5)."""
    found = bytearray()
    while True:
        size, low = divmod(size, 128)
        found.append(low | (128 if size else 0))
        if not size:
            return bytes(found)


def packet(sent: Sent, *, five: bool) -> bytes:
    first = 0x30 | sent.repeated << 3 | sent.qos << 1 | sent.retained
    body = struct.pack(">H", len(sent.topic)) + sent.topic
    body += struct.pack(">H", sent.number) if sent.qos else b""
    body += varying(len(sent.properties)) + sent.properties if five else b""
    body += sent.payload
    return bytes([first]) + varying(len(body)) + body


def held_by(packets: Packets) -> list[Sent]:
    return [
        Sent(
            topic=packets.topic_of(row),
            payload=packets.payload_of(row),
            qos=int(packets.sent_again[row]),
            number=int(packets.number[row]),
            repeated=packets.is_repeated(row),
            retained=packets.is_retained(row),
        )
        for row in range(len(packets))
    ]


messages = st.builds(
    Sent,
    topic=st.binary(min_size=1, max_size=30),
    payload=st.binary(max_size=40) | st.integers(100, 400).map(lambda size: b"7" * size),
    qos=st.just(1),
    number=st.integers(1, 65_535),
    repeated=st.booleans(),
    retained=st.booleans(),
) | st.builds(Sent, topic=st.binary(min_size=1, max_size=30), payload=st.binary(max_size=40), retained=st.booleans())


@pytest.mark.parametrize("five", [False, True])
@given(sent=st.lists(messages, max_size=12), cut=st.integers(0, 200), properties=st.binary(max_size=9))
def test_messages_are_found_as_they_were_sent_up_to_the_first_that_is_cut(
    five: bool,  # noqa: FBT001 - a parameter of the test
    sent: list[Sent],
    cut: int,
    properties: bytes,
) -> None:
    pieces = [packet(Sent(**{**vars(item), "properties": properties}), five=five) for item in sent]
    held = b"".join(pieces)
    held = held[: max(0, len(held) - cut)]
    ends = np.cumsum([0, *map(len, pieces)])
    whole = int(np.searchsorted(ends, len(held), side="right")) - 1
    found, end = read_packets(b"xy" + held, 2, five=five)
    assert held_by(found) == sent[:whole]
    assert end == 2 + ends[whole]


@pytest.mark.parametrize(
    "other",
    [
        PINGRESP,
        packet(Sent(b"t", b"1", qos=2, number=1), five=False),
        packet(Sent(b"t", b"1", qos=3, number=1), five=False),
        packet(Sent(b"", b"1"), five=False),
        b"\x30\x00",
        b"\x30\x04\x00\x09ab",
        b"\x30\xff\xff\xff\xff\xff",
        b"\x32\x05\x00\x02ab\x01",
    ],
)
def test_what_is_no_message_or_a_broken_one_is_left_to_the_library(other: bytes) -> None:
    first, last = Sent(b"press/a", b"1"), Sent(b"press/b", b"2")
    held = packet(first, five=False) + other + packet(last, five=False)
    found, end = read_packets(held, 0, five=False)
    assert held_by(found) == [first]
    assert held[end:].startswith(other)


def test_a_property_that_is_longer_than_its_packet_is_left_to_the_library() -> None:
    found, end = read_packets(b"\x30\x05\x00\x01t\x09a" + b"\x30\x04\x00\x01t\x00", 0, five=True)
    assert (len(found), end) == (0, 0)


def test_no_more_are_found_at_once_than_is_said() -> None:
    one = packet(Sent(b"t", b""), five=False)
    held = one * (MOST_PACKETS + 10)
    found, end = read_packets(held, 0, five=False)
    assert len(found) == MOST_PACKETS
    rest, end = read_packets(held, end, five=False)
    assert (len(rest), end) == (10, len(held))


@given(data=st.binary(max_size=300), at=st.integers(0, 20))
def test_bytes_of_anything_are_read_without_harm(data: bytes, at: int) -> None:
    for five in (False, True):
        found, end = read_packets(data, at, five=five)
        assert at <= end <= max(at, len(data))
        assert (found.end <= len(data)).all()


TOPICS = st.binary(min_size=1, max_size=12)


@given(known=st.sets(TOPICS, max_size=60), others=st.lists(TOPICS))
def test_each_known_topic_has_its_number_and_others_have_none(known: set[bytes], others: list[bytes]) -> None:
    numbers = {topic: place * 7 for place, topic in enumerate(sorted(known))}
    asked = [*known, *others]
    random.Random(len(asked)).shuffle(asked)
    found, _ = read_packets(b"".join(packet(Sent(topic, b"1"), five=False) for topic in asked), 0, five=False)
    assert Topics(numbers).numbers(found).tolist() == [numbers.get(topic, -1) for topic in asked]


def test_messages_that_the_library_has_read_have_the_same_columns() -> None:
    def message(sent: Sent) -> MQTTMessage:
        made = MQTTMessage(mid=sent.number, topic=sent.topic)
        made.payload, made.qos, made.dup, made.retain = sent.payload, sent.qos, sent.repeated, sent.retained
        return made

    sent = [Sent(b"press/a", b'{"v": 1}', 1, 7, True, False), Sent(b"press/b", b"", 0, 0, False, True)]
    assert held_by(packets_of([message(item) for item in sent])) == sent
    assert packets_of([message(Sent(b"\xff", b"1"))]).topic_of(0) == b""


@given(pieces=st.lists(st.lists(messages, max_size=5), min_size=1, max_size=4))
def test_pieces_are_joined_into_all_their_messages(pieces: list[list[Sent]]) -> None:
    read = [read_packets(b"".join(packet(item, five=False) for item in piece), 0, five=False)[0] for piece in pieces]
    assert held_by(joined(read)) == [item for piece in pieces for item in piece]


@given(sent=st.lists(messages, max_size=9), chosen=st.lists(st.booleans(), min_size=9, max_size=9))
def test_messages_are_chosen_by_a_mask(sent: list[Sent], chosen: list[bool]) -> None:
    found, _ = read_packets(b"".join(packet(item, five=False) for item in sent), 0, five=False)
    mask = np.array(chosen[: len(sent)], dtype=np.bool_)
    assert held_by(found.take(mask)) == [item for item, wanted in zip(sent, mask, strict=True) if wanted]
