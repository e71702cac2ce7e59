"""What is particular to Modbus: devices that refuse, are silent, garble, or order their words otherwise."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from lineside.adapters.modbus.source import open_source
from lineside.adapters.polling import PolledSource
from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.health.sources import Phase
from lineside.domain.plan.model import ModbusSpec
from lineside.domain.plan.registers import Register
from lineside.domain.quarantine import Quarantined
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.modbus import REGISTERS, Fault, ModbusPeer
from lineside.testing.plans import plan_with_source


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    peers: list[ModbusPeer] = []

    async def started(**options: Any) -> ModbusPeer:
        peer = ModbusPeer(**options)
        peers.append(peer)
        await peer.start()
        return peer

    yield started
    for peer in peers:
        await peer.stop()


def source_of(peer: ModbusPeer, registers: Mapping[str, Any] = REGISTERS, **spec: Any) -> PolledSource:
    plan = plan_with_source(
        {"kind": "modbus", "url": peer.url, "poll_interval": "20 ms", "timeout": "300 ms", **spec}, registers=registers
    )
    return open_source(plan, plan.source_as(ModbusSpec, "machine"), WallClock())


def told(reader: Reader) -> list[Quarantined]:
    """Return what was reported, but for polls that came late: on a busy machine some do."""
    return [item for item in reader.quarantined if item.reason != "poll_late"]


def reasons(reader: Reader) -> list[str]:
    return [item.reason for item in told(reader)]


async def goes_on(reader: Reader, signal: str = "temperature") -> None:
    before = len(reader.values(signal))
    await reader.until(lambda: len(reader.values(signal)) > before + 3)


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("silent", "no_answer", "no answer for"),
        ("short", "connection_lost", "cut short"),
        ("transaction", "bad_frame", "which nobody waits for"),
        ("unit", "bad_frame", "unit 1 was asked and unit 84 answers"),
        ("bytes", "bad_frame", "bytes of values were asked for"),
        ("protocol", "connection_lost", "not Modbus TCP"),
        ("reset", "connection_lost", ""),
    ],
)
async def test_a_spoilt_answer_is_reported_and_the_next_good_reading_comes(
    start: Callable[..., Any], fault: Fault, reason: str, words: str
) -> None:
    peer = await start()
    async with reading(source_of(peer)) as reader:
        await goes_on(reader)
        peer.fault = fault
        await reader.until(lambda: reason in reasons(reader))
        peer.fault = ""
        await goes_on(reader)
    found = next(item for item in reader.quarantined if item.reason == reason)
    assert words in found.detail


async def test_an_exception_is_reported_in_words_counted_while_it_lasts_and_gone_afterwards(
    start: Callable[..., Any],
) -> None:
    peer = await start()
    async with reading(source_of(peer)) as reader:
        await goes_on(reader)
        peer.exceptions[1] = 6
        await reader.until(lambda: "machine_exception" in reasons(reader))
        before = len(peer.requests)
        await reader.until(lambda: len(peer.requests) > before + 10)
        peer.exceptions.clear()
        await goes_on(reader)
    found = [item for item in reader.quarantined if item.reason == "machine_exception"]
    assert "server device busy" in found[0].detail
    assert "coil 3 of device 1 (running)" in found[0].detail
    assert sum(item.count for item in found) >= 6
    assert len(found) <= 4


async def test_a_value_is_read_in_one_request_with_its_neighbours(start: Callable[..., Any]) -> None:
    peer = await start()
    async with reading(source_of(peer)) as reader:
        await goes_on(reader)
    assert set(peer.requests) == {(3, 10, 18), (1, 3, 1)}


async def test_a_gap_that_the_device_refuses_is_not_bridged_again(start: Callable[..., Any]) -> None:
    peer = await start(holes=[15, 16])
    async with reading(source_of(peer)) as reader:
        await goes_on(reader)
        await goes_on(reader, "pressure")
    assert peer.requests.count((3, 10, 18)) == 1
    assert {(3, 10, 4), (3, 20, 8)} <= set(peer.requests)
    assert "unknown_node" not in reasons(reader)


async def test_a_device_that_reads_little_at_once_is_asked_for_little(start: Callable[..., Any]) -> None:
    peer = await start(most=8)
    async with reading(source_of(peer)) as reader:
        await goes_on(reader)
    assert peer.requests.count((3, 10, 18)) == 1
    assert reasons(reader) == []


async def test_a_register_that_does_not_exist_is_reported_once_and_stops_no_other(start: Callable[..., Any]) -> None:
    peer = await start(holes=[12])
    async with reading(source_of(peer)) as reader:
        await goes_on(reader)
        await goes_on(reader)
    [found] = told(reader)
    assert (found.signal, found.reason) == ("pressure", "unknown_node")
    assert "illegal data address" in found.detail
    assert "Correct the register" in found.detail
    assert peer.requests.count((3, 12, 2)) == 1


async def test_a_silent_unit_does_not_hold_those_beside_it(start: Callable[..., Any]) -> None:
    peer = await start(devices=(1, 2))
    peer.mute.add(2)
    registers = {**REGISTERS, "pressure": {**REGISTERS["pressure"], "device": 2}}
    async with reading(source_of(peer, registers)) as reader:
        await reader.until(lambda: "no_answer" in reasons(reader))
        await goes_on(reader)
        await goes_on(reader)
    assert "connection_lost" not in reasons(reader)


async def test_a_device_that_is_wholly_silent_counts_as_lost_and_comes_back(start: Callable[..., Any]) -> None:
    peer = await start()
    async with reading(source_of(peer, timeout="100 ms")) as reader:
        await goes_on(reader)
        peer.fault = "silent"
        await reader.until(lambda: "connection_lost" in reasons(reader))
        peer.fault = ""
        await goes_on(reader)
        await reader.until(lambda: any("It is back after" in item.detail for item in reader.quarantined))


async def test_a_wrong_order_is_named_once_with_the_one_that_makes_sense(start: Callable[..., Any]) -> None:
    peer = await start()
    await peer.write("temperature", 21.5)
    wrong = {**REGISTERS, "temperature": {**REGISTERS["temperature"], "order": "ABCD"}}
    async with reading(source_of(peer, wrong)) as reader:
        await reader.until(lambda: "word_order" in reasons(reader))
        await goes_on(reader)
    [found] = [item for item in reader.quarantined if item.reason == "word_order"]
    assert found.signal == "temperature"
    assert "in order CDAB it would be 21.5" in found.detail
    assert "ABCD it would" not in found.detail
    assert found.raw == bytes.fromhex("000041ac")


async def test_a_wrong_base_is_named_too(start: Callable[..., Any]) -> None:
    peer = await start()
    await peer.write_as(Register(number=9, type="float32", order="CDAB"), 21.5)
    await peer.write_as(Register(number=11, type="uint16"), 0x7F00)
    async with reading(source_of(peer)) as reader:
        await reader.until(lambda: "word_order" in reasons(reader))
    [found] = [item for item in reader.quarantined if item.reason == "word_order"]
    assert "counted from base 1 it would be 21.5" in found.detail


async def test_a_value_that_stands_still_stays_a_reading_of_every_poll(start: Callable[..., Any]) -> None:
    peer = await start()
    await peer.write("temperature", 21.5)
    async with reading(source_of(peer)) as reader:
        await goes_on(reader)
        times = [time for time, _ in reader.values("temperature")]
    assert len(set(times)) == len(times)
    assert {value for _, value in reader.values("temperature")} == {21.5}


async def test_signals_are_read_at_intervals_of_their_own(start: Callable[..., Any]) -> None:
    peer = await start()
    registers = {**REGISTERS, "pressure": {**REGISTERS["pressure"], "interval": "10 s"}}
    async with reading(source_of(peer, registers)) as reader:
        await goes_on(reader)
        await goes_on(reader)
    assert len(reader.values("pressure")) == 1


async def test_a_machine_that_is_slower_than_its_interval_is_counted(start: Callable[..., Any]) -> None:
    peer = await start()
    async with reading(source_of(peer, poll_interval="100 us")) as reader:
        await reader.until(lambda: any(item.reason == "poll_late" for item in reader.quarantined))


async def test_a_machine_that_is_not_there_is_waited_for_and_closing_does_not_wait() -> None:
    peer = ModbusPeer()
    async with reading(source_of(peer)) as reader:
        await reader.until(lambda: reasons(reader) == ["connection_lost"])
        await peer.start()
        await goes_on(reader)
        await peer.stop()
        await reader.until(lambda: reasons(reader).count("connection_lost") == 3)


def test_a_plan_that_cannot_work_is_an_error_at_once() -> None:
    plan = plan_with_source({"kind": "modbus", "url": "tcp://127.0.0.1"}, registers=REGISTERS)
    with pytest.raises(ConfigurationError):
        open_source(plan, plan.source_as(ModbusSpec, "machine"), WallClock())
    plan = plan_with_source({"kind": "modbus", "url": "modbus://127.0.0.1"})
    with pytest.raises(PlanError, match="needs a register"):
        open_source(plan, plan.source_as(ModbusSpec, "machine"), WallClock())


async def test_what_does_not_work_stands_in_the_condition_until_it_works_again(start: Callable[..., Any]) -> None:
    peer = await start()
    source = source_of(peer)
    async with reading(source) as reader:
        await goes_on(reader)
        assert source.condition.phase is Phase.CONNECTED
        assert not [what for what, _ in source.condition.troubles if what != "pace"]
        peer.exceptions[1] = 6
        await reader.until(lambda: any("server device busy" in why for _, why in source.condition.troubles))
        peer.exceptions.clear()
        await reader.until(lambda: not [what for what, _ in source.condition.troubles if what != "pace"])


async def test_a_text_that_cannot_be_shown_is_told_once_and_counted(start: Callable[..., Any]) -> None:
    peer = await start()
    async with reading(source_of(peer)) as reader:
        await peer.write("serial", "A\x01B")
        await reader.until(lambda: "control_characters" in reasons(reader))
        before = len(reader.values("temperature"))
        await reader.until(lambda: len(reader.values("temperature")) > before + 10)
        await peer.write("serial", "A-17")
        await goes_on(reader, "serial")
    found = [item for item in reader.quarantined if item.reason == "control_characters"]
    assert len(found) == 2
    assert found[0].raw.startswith(b"A\x01B")
    assert found[1].count >= 9
