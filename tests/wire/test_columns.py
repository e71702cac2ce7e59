"""Columns of readings: every bit comes back, in as few bytes as the shape promises."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lineside.domain.errors import IntegrityError
from lineside.domain.readings import ReadingBatch, make_batch
from lineside.testing.records import BORN, CATALOGUE
from lineside.wire import codecs
from lineside.wire.codecs import check_readings, decode_readings, encode_readings
from lineside.wire.columns import (
    Form,
    Shape,
    check_form,
    pack_values,
    pack_whole,
    unpack_values,
    unpack_whole,
)

KINDS = ("<i8", "<i4", "<u4")
LEAST, MOST = np.iinfo(np.int64).min, np.iinfo(np.int64).max

numbers = st.integers(1, 300)
steps = st.sampled_from([0, 1, 7, 1_000, 250_000, 1_000_000, 20_000_000_000, 2**61])


def come_back(column: np.ndarray, beside: np.ndarray | None = None) -> Form:
    kind = column.dtype.newbyteorder("<").str
    form, data = pack_whole(column, beside=beside)
    check_form(form, kind, len(column))
    again = unpack_whole(form, memoryview(data), kind, len(column), beside)
    assert form.size == len(data)
    assert again.dtype == column.dtype
    np.testing.assert_array_equal(again, column)
    return form


@given(data=st.data(), kind=st.sampled_from(KINDS), count=numbers)
def test_whole_numbers_of_any_size_come_back(data: st.DataObject, kind: str, count: int) -> None:
    limits = np.iinfo(kind)
    least, most = sorted(data.draw(st.integers(limits.min, limits.max)) for _ in range(2))
    come_back(data.draw(arrays(kind, count, elements=st.integers(least, most))))


@given(count=numbers, begin=st.integers(LEAST, MOST), step=steps, jitter=steps, equal=st.integers(1, 40))
def test_times_of_any_regularity_come_back(count: int, begin: int, step: int, jitter: int, equal: int) -> None:
    with np.errstate(over="ignore"):
        places = np.arange(count, dtype=np.int64) // equal
        source = np.int64(begin) + places * np.int64(step)
        received = source + (places * np.int64(7919)) % np.int64(jitter + 1)
    come_back(source)
    come_back(received, beside=source)


@given(arrays(np.int64, st.integers(1, 300), elements=st.integers(0, 2**64 - 1).map(lambda bits: bits - 2**63)))
def test_values_of_any_bits_come_back_each_bit_of_them(bits: np.ndarray) -> None:
    values = bits.view(np.float64)
    form, data = pack_values(values)
    check_form(form, "<f8", len(values))
    np.testing.assert_array_equal(unpack_values(form, memoryview(data), len(values)).view(np.int64), bits)


@given(
    values=arrays(np.float64, st.integers(1, 300), elements=st.floats(-3e6, 3e6)),
    places=st.integers(0, 7),
    odd=st.sampled_from([None, np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e300]),
)
def test_values_of_few_decimal_places_come_back(values: np.ndarray, places: int, odd: float | None) -> None:
    values = np.round(values, places)
    if odd is not None:
        values[len(values) // 2] = odd
    form, data = pack_values(values)
    again = unpack_values(form, memoryview(data), len(values))
    np.testing.assert_array_equal(again.view(np.int64), values.view(np.int64))


CHANCE = np.random.default_rng(1)
COUNT = 1_000
TICKS = BORN + np.arange(COUNT, dtype=np.int64) * 100_000_000


@pytest.mark.parametrize(
    ("column", "shape", "size"),
    [
        (np.zeros(COUNT, np.uint32), Shape.OFFSET, 0),
        (np.arange(COUNT, dtype=np.int32) % 200, Shape.OFFSET, COUNT),
        (np.arange(COUNT, dtype=np.int32), Shape.OFFSET, 2 * COUNT),
        (TICKS[:500], Shape.OFFSET, 2 * 500),
        (np.repeat(TICKS[:5], 200), Shape.RUNS, 60),
        (TICKS + CHANCE.integers(0, 99, COUNT), Shape.RAW, 8 * COUNT),
        (BORN + CHANCE.integers(0, 1 << 32, COUNT), Shape.OFFSET, 4 * COUNT),
        (np.array([LEAST, MOST] * 500), Shape.RAW, 8 * COUNT),
    ],
)
def test_a_column_of_whole_numbers_takes_the_fewest_bytes_of_its_shapes(
    column: np.ndarray, shape: Shape, size: int
) -> None:
    form = come_back(column)
    assert (form.shape, form.size) == (shape, size)


def test_a_receive_time_that_follows_its_source_time_takes_the_bytes_of_the_delay() -> None:
    source = TICKS + CHANCE.integers(0, 1 << 40, COUNT)
    assert come_back(source + 5_000_000, beside=source).size == 0
    assert come_back(source + 1_000_000 * CHANCE.integers(3, 90, COUNT), beside=source).size == COUNT
    assert come_back(np.full(COUNT, BORN), beside=source).size == 0


@pytest.mark.parametrize(
    ("values", "shape", "each"),
    [
        (np.full(COUNT, 21.5), Shape.ONE, 0),
        (CHANCE.integers(-300, 300, COUNT) / 10, Shape.DECIMAL, 2),
        (CHANCE.integers(-(10**9), 10**9, COUNT) / 1e6, Shape.DECIMAL, 4),
        (CHANCE.random(COUNT).astype(np.float32).astype(np.float64), Shape.SINGLE, 4),
        (CHANCE.random(COUNT), Shape.RAW, 8),
        (np.full(COUNT, np.nan), Shape.SINGLE, 4),
    ],
)
def test_values_take_the_fewest_bytes_of_their_shapes(values: np.ndarray, shape: Shape, each: int) -> None:
    form, _ = pack_values(values)
    assert (form.shape, form.size) == (shape, each * COUNT)


def a_batch(count: int) -> ReadingBatch:
    times = BORN + np.arange(count, dtype=np.int64) * 1_000_000
    values = np.sin(np.arange(count))
    return make_batch(CATALOGUE, np.arange(count, dtype=np.int32) % 2, times, values, receive_time=BORN)


def with_head(body: bytes, **changes: object) -> bytes:
    """The same body with fields of its header changed."""
    head, offset = codecs._readings_head(body)
    changed = codecs._encoder.encode(msgspec.structs.replace(head, **changes))
    return len(changed).to_bytes(4, "little") + changed + b"\0" * (-(len(changed) + 4) % 8) + body[offset:]


@pytest.mark.parametrize("count", [63, 64, 8_000])
def test_a_batch_comes_back_whatever_its_length(count: int) -> None:
    batch = a_batch(count)
    again = decode_readings(encode_readings(batch), CATALOGUE)
    for name in ("signal", "source_time", "receive_time", "value", "status"):
        assert getattr(again, name).dtype == getattr(batch, name).dtype
        np.testing.assert_array_equal(getattr(again, name), getattr(batch, name))


def test_readings_written_before_there_were_forms_can_still_be_read() -> None:
    batch = a_batch(500)
    columns = (batch.source_time, batch.receive_time, batch.value, batch.signal, batch.status)
    head = codecs._encoder.encode((CATALOGUE.digest, 500, ()))
    old = (
        len(head).to_bytes(4, "little") + head + b"\0" * (-(len(head) + 4) % 8) + b"".join(c.tobytes() for c in columns)
    )
    check_readings(old)
    np.testing.assert_array_equal(decode_readings(old, CATALOGUE).value, batch.value)


def test_few_bytes_cannot_ask_for_any_amount_of_memory() -> None:
    calm = make_batch(CATALOGUE, np.zeros(500, np.int32), np.full(500, BORN), np.ones(500))
    body = with_head(encode_readings(calm), count=1 << 40)
    with pytest.raises(IntegrityError, match="too many"):
        decode_readings(body, CATALOGUE)


@pytest.mark.parametrize(
    "form",
    [
        Form(Shape.OFFSET, 500, width=3),
        Form(Shape.OFFSET, 500, width=2),
        Form(Shape.OFFSET, 0, width=0, base=1.5),
        Form(Shape.RUNS, 24),
        Form(Shape.RUNS, 25),
        Form(Shape.RUNS, 12 * 501),
        Form(Shape.AFTER, 500, width=1),
        Form(Shape.ONE, 0),
        Form(Shape.DECIMAL, 2_000, width=4),
    ],
)
def test_a_form_that_is_none_of_its_column_is_refused(form: Form) -> None:
    body = encode_readings(a_batch(500))
    forms = codecs._readings_head(body)[0].forms
    changed = with_head(body, forms=(form, *forms[1:]))
    lacking = sum(each.size for each in forms) - form.size - sum(each.size for each in forms[1:])
    changed = changed + b"\0" * -lacking if lacking < 0 else changed[:-lacking] if lacking else changed
    with pytest.raises(IntegrityError):
        decode_readings(changed, CATALOGUE)
