"""Whatever an endpoint answers is accepted or quarantined with its reason, and nothing else happens.

The groups of bad input are those of `test_hostile_inputs`; the answers come without a network, which has tests of its
own in `test_rest_source`.
"""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.http_get import Answer
from lineside.adapters.rest.source import RestAsker, RestOptions
from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.gate import Gate, Taken
from lineside.domain.intake.troubles import Troubles
from lineside.domain.plan.model import RestSpec
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.peers.rest import ROWS
from lineside.testing.plans import plan_with_source

NOW = str(A_MOMENT // 1_000_000)


class Canned:
    """Gives one answer."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def get(self, *_: Any) -> Answer:
        return self._answer


def answered(body: bytes, status: int = 200, headers: dict[str, str] | None = None, **spec: Any) -> Taken:
    """Return what the gate took of one answer to a source of rows."""
    return asked(body, status, headers, **spec)[0].take()


def asked(
    body: bytes,
    status: int = 200,
    headers: dict[str, str] | None = None,
    addresses: dict[str, str] | None = None,
    **spec: Any,
) -> tuple[Gate, RestAsker]:
    """Return the gate and the asker after one answer."""
    plan = plan_with_source({"kind": "rest", "url": "http://x/", **ROWS, **spec}, addresses=addresses)
    gate = Gate(plan, "machine")
    rest = plan.source_as(RestSpec, "machine")
    asker = RestAsker(rest, gate, Troubles(gate.refuse, SourceRecord()), ManualClock(), RestOptions())
    asker._http = Canned(Answer(status, headers or {}, body))  # type: ignore[assignment]
    asyncio.run(asker.ask(0))
    return gate, asker


def row(value: str, time: str = NOW, tag: str = '"temperature"') -> bytes:
    return f'{{"items": [{{"id": 1, "tag": {tag}, "v": {value}, "ts": {time}}}]}}'.encode()


CASES: dict[str, tuple[bytes, str | None]] = {
    "1 nan": (row("NaN"), "not_finite"),
    "2 inf": (row("-Infinity"), "not_finite"),
    "3 1e400": (row("1e400"), "not_finite"),
    "4 400 digits": (row("9" * 400), "too_large"),
    "4 10,000 digits": (row("9" * 10_000), "not_finite"),
    "5 number as text": (row('"21.5"'), None),
    "5 decimal comma": (row('"21,5"'), "decimal_separator"),
    "6 null": (row("null"), "null"),
    "6 bool": (row("true"), "boolean"),
    "6 object": (row('{"a": 1}'), "nested_value"),
    "7 missing value": (b'{"items": [{"id": 1, "tag": "temperature", "ts": 1}]}', "missing_field"),
    "7 missing time": (b'{"items": [{"id": 1, "tag": "temperature", "v": 1}]}', "time_missing"),
    "7 missing tag": (b'{"items": [{"id": 1, "v": 1}]}', "missing_field"),
    "8 time 0": (row("1", "0"), "time_implausible"),
    "10 2**63": (row("1", "9223372036854775808"), "time_implausible"),
    "11 an hour ahead": (row("1", str(A_MOMENT // 1_000_000_000 + 3600)), "time_ahead"),
    "12 ambiguous hour": (row("1", '"2025-10-26T02:30:00"'), "time_ambiguous"),
    "13 empty": (b"", "empty"),
    "13 one byte": (b"{", "malformed_json"),
    "14 bad utf-8": (b"\xff\xfe\x00", "encoding"),
    "14 byte order mark": (b"\xef\xbb\xbf" + row("1"), None),
    "15 brackets": (b"[" * 100_000, "too_deep"),
    "17 key twice": (b'{"items": [], "items": []}', "duplicate_key"),
    "18 trailing garbage": (row("1") + b"xx", "malformed_json"),
    "18 two objects": (row("1") * 2, "malformed_json"),
    "18 list": (b"[1, 2]", "missing_field"),
    "18 bare number": (b"1", "missing_field"),
    "19 tag is a path": (row("1", tag='"../../etc/passwd"'), "unknown_signal"),
    "24 tag is no text": (row("1", tag="7"), "bad_name"),
    "25 lone surrogate": (row('"\\ud800"', tag='"serial"'), "control_characters"),
    "25 lone surrogate as a tag": (row("1", tag='"\\ud800"'), "unknown_signal"),
    "26 another line's signal": (row("1", tag='"line2.temperature"'), "unknown_signal"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_answer_is_accepted_or_quarantined(name: str) -> None:
    body, reason = CASES[name]
    taken = answered(body, time_zone="Europe/Berlin")
    assert [item.reason for item in taken.quarantined] == ([] if reason is None else [reason])
    assert (taken.readings is None) is (reason is not None)
    assert all(item.raw or reason == "empty" for item in taken.quarantined)


def test_the_same_row_again_is_a_duplicate_and_another_value_of_its_time_is_refused() -> None:
    rows = [{"id": number, "tag": "temperature", "v": value, "ts": int(NOW)} for number, value in enumerate((1, 1, 2))]
    taken = answered(json.dumps({"items": rows}).encode())
    assert taken.readings is not None
    assert (len(taken.readings), taken.duplicates) == (1, 1)
    assert [item.reason for item in taken.quarantined] == ["conflicting"]


def test_a_cursor_or_a_mark_that_cannot_be_sent_back_is_not() -> None:
    for strange in ('"\\ud800"', '"a\\nb"', "true", '""', "[1]"):
        body = f'{{"items": [{{"id": {strange}, "tag": "temperature", "v": 1, "ts": {NOW}}}]}}'.encode()
        asker = asked(body, headers={"etag": "caf\xe9", "last-modified": "x" * 9999})[1]
        assert asker.token() is None
        assert asker._unchanged == {}


def test_what_is_wrong_with_what_is_present_is_told_once_and_counted() -> None:
    body = f'{{"ts": {NOW}, "a": "warm", "b": 1, "c": 1, "d": 1}}'.encode()
    spec: dict[str, Any] = {"rows": "", "signal_path": "", "value_path": "", "since": "", "cursor": ""}
    addresses = dict(zip(("temperature", "pressure", "running", "serial"), ("$.a", "$.b", "$.c", "$.d"), strict=True))
    gate, asker = asked(body, addresses=addresses, **spec)
    told = list(gate.take().quarantined)
    for _ in range(3):
        asyncio.run(asker.ask(0))
        told += gate.take().quarantined
    asker._troubles.flush(A_MOMENT)
    told += gate.take().quarantined
    assert [(item.signal, item.reason, item.count) for item in told] == [
        ("temperature", "not_a_number", 1),
        ("temperature", "not_a_number", 3),
    ]
    assert b"warm" in told[0].raw


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["items", "id", "tag", "v", "ts"]), inner)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()), st.integers(200, 599))
def test_any_answer_of_any_status_raises_nothing(body: bytes, status: int) -> None:
    headers = {"retry-after": body[:20].decode("latin-1"), "content-type": body[-20:].decode("latin-1")}
    taken = answered(body, status, headers)
    assert status in {200, 304} or taken.readings is None or status < 300
