import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import IntegrityError
from lineside.domain.readings import make_batch
from lineside.testing.records import CATALOGUE, a_record
from lineside.wire.codecs import check_readings, decode_readings, encode_readings
from lineside.wire.records import RecordHeader, RecordKind, pack, unpack
from lineside.wire.watermarks import Refusal, Watermark, read_watermark, sign_watermark

names = st.text(max_size=40)


@given(
    header=st.builds(
        RecordHeader,
        writer=names,
        epoch=names,
        sequence=st.integers(0, 2**63 - 1),
        site=names,
        line=names,
        kind=st.sampled_from(RecordKind),
        count=st.integers(0, 2**31),
        written=st.integers(0, 2**63 - 1) | st.integers(0, 2**40).map(lambda n: n * 256),
    ),
    body=st.binary(max_size=200),
)
def test_any_record_comes_back_as_it_was_and_its_body_is_aligned(header: RecordHeader, body: bytes) -> None:
    data = pack(header, body)
    record = unpack(data)
    assert (record.header, record.body, record.data) == (header, body, data)
    assert (len(data) - len(body)) % 8 == 0


@given(data=st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    whole = a_record(7, b"some body", kind=RecordKind.EVENTS).data
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError):
        unpack(whole[:place] + bytes([whole[place] ^ other]) + whole[place + 1 :])


@given(st.binary(max_size=300))
def test_bytes_that_are_no_record_raise_nothing_else(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        unpack(data)


@given(st.integers(0, 60))
def test_a_record_that_is_cut_is_noticed(length: int) -> None:
    whole = a_record(7).data
    with pytest.raises(IntegrityError):
        unpack(whole[: len(whole) - 1 - length])


@given(texts=st.lists(st.text(max_size=9), unique=True, max_size=5), count=st.integers(0, 20))
def test_readings_come_back_as_they_were(texts: list[str], count: int) -> None:
    values = np.linspace(-1, 1, count)
    batch = make_batch(CATALOGUE, np.zeros(count, np.int32), np.arange(count), values, texts=tuple(texts))
    body = encode_readings(batch)
    check_readings(body)
    back = decode_readings(body, CATALOGUE)
    assert back.texts == batch.texts
    assert np.array_equal(back.value, batch.value)
    assert back.value.flags.aligned


def test_a_watermark_is_read_only_under_the_key_it_was_signed_with() -> None:
    mark = Watermark("gw", "e", 7, (9,), f"{Refusal.UNREADABLE}: why")
    assert read_watermark(sign_watermark(mark, b"k"), b"k") == mark
    assert mark.refusal is Refusal.UNREADABLE
    for data, key in ((sign_watermark(mark, b"k"), b"other"), (b"nothing", b"k"), (b"", b"k")):
        with pytest.raises(IntegrityError):
            read_watermark(data, key)
