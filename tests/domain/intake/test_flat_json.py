"""What is read of many messages at once is what is read of each."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from lineside.domain.intake.flat_json import MOST_NAMES, is_plain, shapes_of
from lineside.domain.intake.messages import look_up, read_json
from lineside.domain.intake.reasons import Refusal
from lineside.domain.intake.times import read_time
from lineside.domain.intake.values import read_number
from lineside.domain.units import MINUTE
from lineside.testing.flat_messages import read_each

NOW = 1_750_000_000_000_000_000
SHAPES = shapes_of([[("v", 0)], [("v", 1), ("w", 2)]], "t")
NAMES = st.sampled_from(["t", "v", "w", "x", "vv", "", "unit", "të", 'q"'])
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=True),
    st.sampled_from([NOW, NOW // 1000, NOW // 10**6, NOW // 10**9, NOW + 6 * MINUTE, 0, -0.0, 1e30, 1e31, 0.1, 5e-324]),
)
VALUES = st.one_of(NUMBERS, st.text(max_size=5), st.booleans(), st.none(), st.lists(st.integers(), max_size=2))
OBJECTS = st.lists(st.tuples(NAMES, VALUES), max_size=5)


def written(pairs: list[tuple[str, object]], blank: str, behind: str) -> bytes:
    inside = f",{blank}".join(f"{json.dumps(name)}{blank}:{blank}{json.dumps(value)}" for name, value in pairs)
    return f"{blank}{{{blank}{inside}{blank}}}{behind}".encode()


def one_by_one(payload: bytes, names: tuple[str, ...]) -> list[tuple[int, float]] | None:
    """Return time and value per name, as the rules for single messages have it; None where they refuse."""
    found = read_json(payload)
    said = found if isinstance(found, Refusal) else look_up(found, ("t",))
    moment = said if isinstance(said, Refusal) else read_time(said, now=NOW)
    if isinstance(moment, Refusal):
        return None
    rows = []
    for name in names:
        value = look_up(found, (name,))
        number = value if isinstance(value, Refusal) else read_number(value)
        if isinstance(number, Refusal):
            return None
        rows.append((moment, number))
    return rows


def check(payloads: list[bytes], shapes: list[int]) -> None:
    flat = read_each(payloads, np.array(shapes, dtype=np.int64), SHAPES, np.full(len(payloads), NOW))
    for place, (payload, shape) in enumerate(zip(payloads, shapes, strict=True)):
        if flat.good[place]:
            rows = flat.message == place
            got = list(zip(flat.time[rows].tolist(), flat.value[rows].tolist(), strict=True))
            assert repr(got) == repr(one_by_one(payload, ("v", "w")[: shape + 1])), payload
    assert set(flat.message.tolist()) == set(np.flatnonzero(flat.good).tolist())


@given(
    st.lists(
        st.tuples(OBJECTS, st.sampled_from(["", " ", "\n\t"]), st.sampled_from(["", " \r\n", "x", "{}"])), max_size=4
    ),
    st.lists(st.integers(0, 1), min_size=4, max_size=4),
)
def test_messages_read_together_are_those_that_are_read_one_by_one(
    messages: list[tuple[list[tuple[str, object]], str, str]], shapes: list[int]
) -> None:
    check([written(*message) for message in messages], shapes[: len(messages)])


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=4), st.integers(0, 40), st.integers(0, 255))
@example([b'{"t": 1750000000, "v": 1', b"}"], 40, 0)
@example([b'{"t": 1750000000,', b'"v": 1}'], 40, 0)
@example([b'{"t": 1750000000, "v":', b"7}"], 40, 0)
@example([b'{"t": 1750000000, "v": tr'], 40, 0)
@example([b'{"t": 1750000000, "v": 1}\0', b'{"t": 1750000000, "v": 1\0}', b'\0{"t": 1750000000, "v": 1}'], 40, 0)
@example([b'{"t": 1750000000, "v": 0.0000123456789012345}', b'{"t": 1750000000, "v": 00.1}'], 40, 0)
@example([b'{"t": 17500000000000000000, "v": 1}', b'{"t": 36028797018963968001750000000, "v": 1}'], 40, 0)
def test_broken_bytes_are_never_read_as_something_else(pieces: list[bytes], at: int, byte: int) -> None:
    whole = b'{"t": 1750000000000, "v": -12.5e-1}'
    broken = whole[:at] + bytes([byte]) + whole[at + 1 :]
    check([*pieces, broken, whole, *pieces], [0] * (2 * len(pieces) + 2))


def test_what_sensors_publish_is_read_together() -> None:
    usual = [
        b'{"t": 1750000000000000000, "v": 0.000000}',
        b'{"t":1750000000000,"v":-7}',
        b'{"v":1e-3,"ok":true,"unit":"degC","note":null,"t":1750000000}\n',
        b' { "t" : 1750000000000000 , "v" : 21.5 } ',
    ]
    flat = read_each(usual, np.zeros(len(usual), dtype=np.int64), SHAPES, np.full(len(usual), NOW))
    assert flat.good.all()
    assert flat.value.tolist() == [0.0, -7.0, 0.001, 21.5]
    assert set(flat.time.tolist()) == {NOW}


def test_without_a_name_for_the_time_it_is_the_time_of_receipt() -> None:
    shapes = shapes_of([[("v", 3)]], "")
    flat = read_each([b'{"v": 1}'], np.zeros(1, dtype=np.int64), shapes, np.array([NOW]))
    assert (flat.signal.tolist(), flat.time.tolist()) == ([3], [NOW])


def test_a_message_with_very_many_names_is_left_to_the_slow_way() -> None:
    body = ",".join(f'"n{number}":1' for number in range(MOST_NAMES))
    payload = f'{{{body},"v":1,"t":{NOW}}}'.encode()
    flat = read_each([payload], np.zeros(1, dtype=np.int64), SHAPES, np.array([NOW]))
    assert not flat.good.any()


def test_only_names_that_json_writes_as_they_are_can_be_looked_for_by_their_bytes() -> None:
    assert [name for name in ("v", "a b", 'a"', "a\\", "ä", "", "\n") if is_plain(name)] == ["v", "a b"]
