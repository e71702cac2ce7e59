"""The frames of Modbus TCP, against the examples of the standard."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.modbus.frames import (
    Ask,
    BrokenStreamError,
    Frame,
    Frames,
    GarbledError,
    RefusedError,
    request,
    values_in,
)

ASK = Ask(1, "holding", 0x6B, 3)


def frame(body: bytes, *, transaction: int = 1, device: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(body) + 1, device) + body


def test_a_request_is_that_of_the_standard() -> None:
    """V1.1b3, clause 6.3, reads registers 108 to 110 by 03 00 6B 00 03."""
    assert request(ASK, 0x1501) == bytes.fromhex("1501 0000 0006 01 03 006b 0003")


def test_an_answer_is_that_of_the_standard() -> None:
    [whole] = Frames().feed(frame(bytes.fromhex("03 06 02 2b 00 00 00 64")))
    assert values_in(whole, ASK) == bytes.fromhex("022b 0000 0064")


def test_an_exception_is_said_in_words() -> None:
    [whole] = Frames().feed(frame(bytes.fromhex("83 02")))
    with pytest.raises(RefusedError, match="illegal data address") as caught:
        values_in(whole, ASK)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("body", "device", "why"),
    [
        ("03 06 02 2b 00 00 00 64", 2, "unit 1 was asked and unit 2 answers"),
        ("04 06 02 2b 00 00 00 64", 1, "function 3 was asked for and function 4 came"),
        ("03 04 02 2b 00 00", 1, "6 bytes of values were asked for and 4 came"),
        ("03 06 02 2b 00 00", 1, "6 bytes of values were asked for and 4 came"),
        ("03", 1, "6 bytes of values were asked for and 0 came"),
    ],
)
def test_what_is_no_answer_to_the_request_is_told_from_one(body: str, device: int, why: str) -> None:
    [whole] = Frames().feed(frame(bytes.fromhex(body), device=device))
    with pytest.raises(GarbledError, match=why):
        values_in(whole, ASK)


@given(st.lists(st.binary(min_size=1, max_size=253), max_size=5), st.lists(st.integers(1, 30), min_size=1, max_size=50))
def test_frames_are_whole_however_the_stream_was_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(body, transaction=number) for number, body in enumerate(bodies))
    frames, found, at = Frames(), [], 0
    for size in [*cuts, len(stream)]:
        found += frames.feed(stream[at : at + size])
        at += size
    assert [item.body for item in found] == bodies
    assert [item.transaction for item in found] == list(range(len(bodies)))
    assert frames.rest == b""


@given(st.binary(max_size=600))
def test_whatever_comes_is_frames_or_a_broken_stream(data: bytes) -> None:
    try:
        for whole in Frames().feed(data):
            assert isinstance(whole, Frame)
            with pytest.raises((GarbledError, RefusedError)):
                values_in(whole, Ask(whole.device, "holding", 0, 1) if whole.body[:2] != b"\x03\x02" else ASK)
    except BrokenStreamError as error:
        assert "not Modbus TCP" in str(error)  # noqa: PT017 - one of two outcomes
