"""Which registers are read together, and how an answer is decoded at once."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.modbus.blocks import Block
from lineside.adapters.modbus.frames import Ask
from lineside.adapters.modbus.reads import Point, Read, cut, plan_reads
from lineside.domain.intake.registers import ORDERS, decode_number, decode_text
from lineside.domain.plan.registers import SINGLE_BITS, WIDTHS, Register


def point(address: int, width: int = 1, *, device: int = 1, kind: Any = "holding", name: str = "") -> Point:
    return Point(name or f"s{address}", device, kind, address, width)


def asks(reads: tuple[Read, ...]) -> list[str]:
    return [str(read.ask) for read in reads]


def test_neighbours_are_read_at_once_and_small_gaps_along_with_them() -> None:
    points = [point(10, 2), point(12, 2), point(20), point(60), point(11, kind="input"), point(10, device=2)]
    assert asks(plan_reads(points, most=125, unwanted=16)) == [
        "holding 10 to 20 of device 1",
        "holding 60 of device 1",
        "input 11 of device 1",
        "holding 10 of device 2",
    ]


def test_no_read_is_longer_than_the_device_allows_and_none_tears_a_value_apart() -> None:
    reads = plan_reads([point(at, 2) for at in range(0, 300, 2)], most=125, unwanted=16)
    assert [read.ask.count for read in reads] == [124, 124, 52]
    coils = plan_reads([point(at, kind="coil") for at in range(3000)], most=125, unwanted=16)
    assert [read.ask.count for read in coils] == [2000, 1000]


def test_a_refused_read_is_cut_at_its_widest_gap_then_in_the_middle_but_never_within_a_value() -> None:
    [read] = plan_reads([point(0, 2), point(2, 2), point(10, 2), point(12, 4)], most=125, unwanted=16)
    first, second = cut(read)
    assert asks((first, second)) == ["holding 0 to 3 of device 1", "holding 10 to 15 of device 1"]
    assert asks(cut(second)) == ["holding 10 to 11 of device 1", "holding 12 to 15 of device 1"]
    assert cut(cut(second)[1]) == ()
    [together] = plan_reads([point(0, 4, name="whole"), point(1, name="part")], most=125, unwanted=0)
    assert cut(together) == ()


points = st.builds(
    point,
    st.integers(0, 400),
    st.sampled_from([1, 2, 4]),
    device=st.integers(1, 2),
    kind=st.sampled_from(["holding", "coil"]),
)


@given(st.lists(points, min_size=1, max_size=40), st.integers(4, 125), st.integers(0, 20))
def test_every_point_is_read_whole_exactly_once_however_often_reads_are_cut(
    wanted: list[Point], most: int, unwanted: int
) -> None:
    reads = list(plan_reads(wanted, most=most, unwanted=unwanted))
    for _ in range(3):
        served = [item for read in reads for item in read.points]
        assert sorted(served, key=repr) == sorted(wanted, key=repr)
        for read in reads:
            assert read.ask.count <= most * (16 if read.ask.kind in SINGLE_BITS else 1)
            for item in read.points:
                assert read.ask.address <= item.address
                assert item.end <= read.ask.address + read.ask.count
        reads = [piece for read in reads for piece in (cut(read) or (read,))]


TYPES = [*WIDTHS, "text"]


@st.composite
def blocks(draw: st.DrawFn) -> tuple[Block, bytes, dict[str, Any]]:
    """Return a block of any registers beside each other, with the bytes of an answer."""
    registers, at = {}, draw(st.integers(0, 50))
    first = at
    for number in range(draw(st.integers(1, 12))):
        form = draw(st.sampled_from(TYPES))
        length = draw(st.integers(1, 4))
        scale, offset = draw(st.sampled_from([(1.0, 0.0), (0.1, 0.0), (2.0, -40.0)]))
        register = Register.model_validate(
            {"number": at, "type": form, "length": length, "bit": 3, "scale": scale, "offset": offset}
        )
        registers[f"s{number}"] = register, draw(st.sampled_from(ORDERS))
        at += register.width + draw(st.integers(0, 2))
    places = tuple(Point(name, 1, "holding", item.number, item.width) for name, (item, _) in registers.items())
    ask = Ask(1, "holding", first, places[-1].end - first)
    data = draw(st.binary(min_size=ask.size, max_size=ask.size))
    return Block(Read(ask, places), registers), data, registers


@given(blocks())
def test_a_block_decodes_every_value_as_the_rule_for_single_values_does(case: tuple[Block, bytes, Any]) -> None:
    block, data, registers = case
    values = block.decode_numbers(data)
    for place, value in zip(block.numbers, values.tolist(), strict=True):
        register, order = registers[place.signal]
        single = decode_number(register, order, block.bytes_of(place, data))
        assert np.array_equal([value], [single], equal_nan=True)
    for place in block.texts:
        _, order = registers[place.signal]
        assert block.decode_text(place, data) == decode_text(order, block.bytes_of(place, data))


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 100))
def test_coils_are_single_bits_from_the_lowest_on(bits: list[bool], first: int) -> None:
    places = tuple(Point(f"c{at}", 1, "coil", first + at, 1) for at in range(len(bits)))
    register = Register(kind="coil", number=0)
    data = bytes(
        sum(bit << place for place, bit in enumerate(bits[start : start + 8])) for start in range(0, len(bits), 8)
    )
    block = Block(Read(Ask(1, "coil", first, len(bits)), places), {item.signal: (register, "ABCD") for item in places})
    assert block.decode_numbers(data).tolist() == [float(bit) for bit in bits]
    assert block.bytes_of(places[-1], data) == bytes([bits[-1]])
