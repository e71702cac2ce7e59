import pytest
from hypothesis import given

from lineside.domain.errors import PlanError
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.messages import Address, look_up, parse_address, parse_path, read_json
from lineside.domain.intake.reasons import Reason, Refusal
from lineside.domain.intake.times import read_time
from lineside.testing.clocks import A_MOMENT as NOW
from lineside.testing.plans import plan_with_source
from lineside.testing.strategies import hostile_messages, hostile_times, hostile_values

PLAN = plan_with_source({"kind": "mqtt", "url": "mqtt://x"})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hall/temperature", Address("hall/temperature", None)),
        ("hall#$", Address("hall", ())),
        ("hall#$.climate.air[0].t", Address("hall", ("climate", "air", 0, "t"))),
        ("hall#$.Melt temperature", Address("hall", ("Melt temperature",))),
    ],
)
def test_an_address_is_a_topic_and_perhaps_a_path(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "#$.a", "a/+/b#$.v", "a#b", "a#$a", "a#$..b", "a#$.b[x]", "a\nb"])
def test_what_is_no_address_is_an_error_of_the_plan(text: str) -> None:
    with pytest.raises(PlanError):
        parse_address(text)


def test_a_path_leads_to_a_value_or_says_that_there_is_none() -> None:
    value = {"a": [{"b": 7}], "n": None}
    assert look_up(value, parse_path("$.a[0].b")) == 7
    assert look_up(value, parse_path("$.n")) is None
    for path in ("$.a[1]", "$.x", "$.a.b", "$[0]", "$.a[0].b.c"):
        missing = look_up(value, parse_path(path))
        assert isinstance(missing, Refusal)
        assert missing.reason is Reason.MISSING_FIELD


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"  ", Reason.EMPTY),
        (b"{", Reason.MALFORMED_JSON),
        (b"{} {}", Reason.MALFORMED_JSON),
        (b"{}xx", Reason.MALFORMED_JSON),
        (b"\xff\xfe1", Reason.ENCODING),
        ('{"v": 1}'.encode("utf-16"), Reason.ENCODING),
        ('{"v": 1}'.encode("utf-32-be"), Reason.ENCODING),
        (b'{"v": 1, "v": 2}', Reason.DUPLICATE_KEY),
        (b'{"a": {"v": 1, "v": 1}}', Reason.DUPLICATE_KEY),
        pytest.param(b"[" * 100_000, Reason.TOO_DEEP, id="100,000 brackets"),
        pytest.param(b'{"a":' * 65 + b"1" + b"}" * 65, Reason.TOO_DEEP, id="65 levels"),
        pytest.param(b'"' + b"x" * 5_000_000 + b'"', Reason.MESSAGE_TOO_LARGE, id="5 MB"),
    ],
)
def test_what_is_not_one_json_value_is_refused_for_its_reason(payload: bytes, reason: Reason) -> None:
    outcome = read_json(payload)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'\xef\xbb\xbf{"v": 1}', {"v": 1}),
        (b'{"v": "[[[["}', {"v": "[[[["}),
        (b"[" * 64 + b"]" * 64, None),
        (b'{"v": "' + b"[" * 100 + b'\\"' + b"[" * 100 + b'"}', {"v": "[" * 100 + '"' + "[" * 100}),
        (b"7", 7),
    ],
)
def test_what_is_one_json_value_is_read(payload: bytes, value: object) -> None:
    outcome = read_json(payload)
    assert not isinstance(outcome, Refusal)
    assert value is None or outcome == value


@given(hostile_messages())
def test_every_message_is_read_or_refused(payload: bytes) -> None:
    outcome = read_json(payload)
    assert not isinstance(outcome, Refusal) or outcome.detail.isascii()


@given(hostile_times(), hostile_values())
def test_every_value_is_accepted_or_quarantined_and_the_next_good_one_is_accepted(time: object, value: object) -> None:
    for signal in ("temperature", "serial", "running"):
        gate = Gate(PLAN, "machine")
        gate.offer(signal, read_time(time, now=NOW), value, received=NOW)
        first = gate.take()
        accepted = 0 if first.readings is None else len(first.readings)
        assert accepted + sum(item.count for item in first.quarantined) == 1
        assert all(item.detail.isascii() and item.signal == signal for item in first.quarantined)
        gate.offer(signal, NOW - 1, 1, received=NOW)
        second = gate.take()
        assert second.readings is not None or first.readings is not None
