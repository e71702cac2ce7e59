"""What the messages of Sparkplug B hold: topics, values of every type, qualities, times, and bytes of any kind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.sparkplug.payloads import (
    BAD_NO_DATA,
    LARGEST_PAYLOAD,
    REBIRTH,
    UNCERTAIN_LAST_USABLE,
    Kind,
    Topic,
    read_payload,
    read_topic,
    rebirth_request,
    status_of,
    time_of,
    value_of,
)
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Metric, Payload
from lineside.domain.intake.reasons import Reason, Refusal
from lineside.domain.intake.values import read_number
from lineside.domain.readings import BAD, GOOD, UNCERTAIN
from lineside.domain.units import SECOND

NOW = 1_750_000_000 * SECOND


def metric_of(**fields: Any) -> Metric:
    return Metric(**fields)


def with_quality(value: int) -> Metric:
    metric = Metric(double_value=1.0)
    metric.properties.keys.extend(["Other", "Quality"])
    metric.properties.values.add(type=3, int_value=7)
    metric.properties.values.add(type=3, int_value=value)
    return metric


@pytest.mark.parametrize(
    ("topic", "read"),
    [
        ("spBv1.0/G/NDATA/E", Topic("G", "E", Kind.NDATA, "")),
        ("spBv1.0/G/DBIRTH/E/D", Topic("G", "E", Kind.DBIRTH, "D")),
        ("spBv1.0/G/DDATA/E", None),
        ("spBv1.0/G/NDATA/E/D", None),
        ("spBv1.0/G/WHAT/E", None),
        ("spBv1.0//NDATA/E", None),
        ("spAv1.0/G/NDATA/E", None),
        ("spBv1.0/STATE/host", None),
        ("", None),
    ],
)
def test_a_topic_is_read_or_is_none(topic: str, read: Topic | None) -> None:
    assert read_topic(topic) == read


@pytest.mark.parametrize(
    ("metric", "datatype", "value"),
    [
        (metric_of(int_value=0xFF), 1, -1),
        (metric_of(int_value=0xFFFF_FF80), 1, -128),
        (metric_of(int_value=0x8000), 2, -32768),
        (metric_of(int_value=0xFFFF_FFFF), 3, -1),
        (metric_of(long_value=2**64 - 5), 4, -5),
        (metric_of(int_value=0xFF), 5, 255),
        (metric_of(long_value=2**32 - 1), 7, 2**32 - 1),
        (metric_of(long_value=2**64 - 1), 8, 2**64 - 1),
        (metric_of(float_value=0.5), 9, 0.5),
        (metric_of(double_value=0.1), 10, 0.1),
        (metric_of(boolean_value=True), 11, True),
        (metric_of(string_value="A-17"), 12, "A-17"),
        (metric_of(bytes_value=b"21.5"), 17, ["bytes_value"]),
        (metric_of(dataset_value=b""), 16, ["dataset_value"]),
        (metric_of(template_value=b""), 19, ["template_value"]),
        (metric_of(), 10, None),
    ],
)
def test_a_value_is_read_as_its_type_says(metric: Metric, datatype: int, value: object) -> None:
    assert value_of(metric, datatype) == value


@pytest.mark.parametrize(
    ("quality", "status"), [(0, BAD), (192, GOOD), (500, UNCERTAIN_LAST_USABLE)], ids=["bad", "good", "stale"]
)
def test_a_quality_becomes_a_status(quality: int, status: int) -> None:
    assert status_of(with_quality(quality), empty=False, doubtful=False) == status


def test_a_quality_that_the_specification_does_not_know_is_one_that_the_gate_refuses() -> None:
    assert status_of(with_quality(64), empty=False, doubtful=False) & 0xC000_0000 == 0xC000_0000


def test_nothing_makes_a_reading_better_than_it_is() -> None:
    assert status_of(metric_of(), empty=True, doubtful=False) == BAD_NO_DATA
    assert status_of(with_quality(0), empty=True, doubtful=True) == BAD
    assert status_of(with_quality(192), empty=False, doubtful=True) == UNCERTAIN
    assert status_of(with_quality(500), empty=False, doubtful=True) == UNCERTAIN_LAST_USABLE


def test_the_time_is_the_metrics_own_else_the_messages_else_that_of_receipt() -> None:
    stamped = Payload(timestamp=1_749_999_999_000)
    assert time_of(metric_of(timestamp=1_749_999_998_001), stamped, NOW) == 1_749_999_998_001_000_000
    assert time_of(metric_of(), stamped, NOW) == 1_749_999_999 * SECOND
    assert time_of(metric_of(), Payload(), NOW) == NOW


@pytest.mark.parametrize(("time", "reason"), [(5, "time_implausible"), (1_750_000_301_000, "time_ahead")])
def test_a_time_that_cannot_be_is_refused(time: int, reason: str) -> None:
    found = time_of(metric_of(timestamp=time), Payload(), NOW)
    assert isinstance(found, Refusal)
    assert found.reason == reason


@given(st.binary(max_size=300))
def test_any_bytes_are_a_payload_or_refused(raw: bytes) -> None:
    found = read_payload(raw)
    assert isinstance(found, Payload) or found.reason == Reason.MALFORMED_PROTOBUF


@given(st.data())
def test_a_truncated_payload_gives_no_value_that_was_not_sent(data: st.DataObject) -> None:
    sent = Payload(timestamp=1_750_000_000_000, seq=3)
    for number in range(4):
        sent.metrics.add(alias=number, double_value=20.0 + number)
    raw = sent.SerializeToString()
    found = read_payload(raw[: data.draw(st.integers(0, len(raw) - 1))])
    if not isinstance(found, Refusal):
        values = [read_number(value_of(item, 10)) for item in found.metrics]
        assert values == [20.0, 21.0, 22.0, 23.0][: len(values)]


def test_a_message_of_more_than_four_mebibytes_is_refused_unread() -> None:
    found = read_payload(bytes(LARGEST_PAYLOAD + 1))
    assert isinstance(found, Refusal)
    assert found.reason == Reason.MESSAGE_TOO_LARGE


def test_the_request_for_births_is_the_one_command_of_the_specification() -> None:
    payload = read_payload(rebirth_request(NOW))
    assert isinstance(payload, Payload)
    [metric] = payload.metrics
    assert (metric.name, metric.datatype, metric.boolean_value) == (REBIRTH, 11, True)
