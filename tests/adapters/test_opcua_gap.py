"""A gap is filled from what the server still has, and recorded as a gap where it has nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import pytest_asyncio

from lineside.adapters.opcua.options import OpcuaOptions
from lineside.adapters.opcua.source import OpcuaSource, open_source
from lineside.apps.link import Link
from lineside.domain.health.sources import Phase
from lineside.domain.plan.model import OpcuaSpec
from lineside.domain.readings import ReadingBatch, make_batch
from lineside.domain.units import HOUR, MILLISECOND, SECOND
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.opcua import LABORATORY, NODES, KeptHistory, OpcuaPeer
from lineside.testing.plans import plan_with_source

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[OpcuaPeer]:
    peer = OpcuaPeer(historized=("temperature",))
    await peer.start()
    yield peer
    await peer.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def peer(server: OpcuaPeer) -> OpcuaPeer:
    """The server, with nothing in its history."""
    await server.reset()
    server.forget()
    return server


@pytest_asyncio.fixture(loop_scope="module")
async def link(peer: OpcuaPeer) -> AsyncIterator[Link]:
    link = Link("127.0.0.1", peer.port)
    await link.start()
    yield link
    await link.stop()


def source(port: int, seen: Sequence[ReadingBatch] = (), **fields: str) -> OpcuaSource:
    fast = {"publishing_interval": "20 ms", "sampling_interval": "1 ms"}
    spec = {**LABORATORY, "url": f"opc.tcp://127.0.0.1:{port}/peer", **fast, **fields}
    plan = plan_with_source(spec, addresses=NODES)
    options = OpcuaOptions(timeout=4.0, alive=1.5)
    return open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock(), options=options, seen=seen)


async def write(peer: OpcuaPeer, count: int, first: float) -> list[tuple[int, float]]:
    """Let the machine measure, each time a millisecond later; return what it measured."""
    start = WallClock().now() // MILLISECOND * MILLISECOND
    made = [(start + step * MILLISECOND, first + step) for step in range(count)]
    for time, value in made:
        await peer.write("temperature", value, time)
        await asyncio.sleep(0.002)  # faster than the server's own sampling, and its history would not see each
    return made


async def connected(peer: OpcuaPeer, reader: Reader) -> None:
    await peer.write("pressure", 1.0, WallClock().now())
    await reader.until(lambda: bool(reader.values("pressure")))


def returns(reader: Reader) -> list[str]:
    return [item.detail for item in reader.quarantined if "history" in item.detail]


def replayed(reader: Reader) -> list[tuple[int, float]]:
    code = reader.source.catalogue.codes()["temperature"]
    return [
        (int(time), float(value))
        for item in reader.deliveries
        if item.replayed and item.readings is not None
        for name, time, value in zip(item.readings.signal, item.readings.source_time, item.readings.value, strict=True)
        if name == code and value == value  # noqa: PLR0124 - NaN has a bad status
    ]


def source_is_connected(reader: Reader) -> bool:
    return reader.source.condition.phase is Phase.CONNECTED


def lost(reader: Reader) -> int:
    return sum(item.reason == "connection_lost" for item in reader.quarantined)


@pytest.mark.parametrize("how", [Link.cut, Link.hang])
async def test_a_cut_network_leaves_no_gap_where_the_server_keeps_a_history(
    peer: OpcuaPeer, link: Link, how: Callable[[Link], None]
) -> None:
    async with reading(source(link.port)) as reader:
        await connected(peer, reader)
        before = await write(peer, 5, 100.0)
        await reader.until(lambda: set(before) <= set(reader.values("temperature")))
        how(link)
        meanwhile = await write(peer, 20, 200.0)
        await reader.until(lambda: lost(reader) > 0)
        meanwhile += await write(peer, 20, 300.0)
        link.mend()
        await reader.until(lambda: bool(returns(reader)))
        after = await write(peer, 5, 400.0)
        await reader.until(lambda: set(after) <= set(reader.values("temperature")))
    values = reader.values("temperature")
    assert sorted(values) == before + meanwhile + after
    assert not set(replayed(reader)) & set(before + after)
    assert "It keeps none of pressure, running, serial" in returns(reader)[0]


async def test_a_restarted_server_tells_what_it_kept(peer: OpcuaPeer) -> None:
    async with reading(source(peer.port)) as reader:
        await connected(peer, reader)
        await peer.stop()
        await peer.start()
        meanwhile = await write(peer, 30, 500.0)
        await reader.until(lambda: set(meanwhile) <= set(reader.values("temperature")))
        await reader.until(lambda: bool(returns(reader)))


async def test_a_gateway_that_begins_anew_asks_for_the_time_that_it_was_away(peer: OpcuaPeer) -> None:
    async with reading(source(peer.port)) as first:
        await connected(peer, first)
        before = await write(peer, 5, 100.0)
        await first.until(lambda: set(before) <= set(first.values("temperature")))
    away = await write(peer, 20, 200.0)
    async with reading(source(peer.port, seen=first.batches)) as second:
        await second.until(lambda: set(away) <= set(second.values("temperature")))
        await second.until(lambda: bool(returns(second)))
    assert not set(before) & set(second.values("temperature"))
    assert set(away[:-1]) <= set(replayed(second))
    assert "The gateway has begun anew. The server's history gave" in returns(second)[0]


async def test_what_a_server_without_history_queued_for_a_lost_line_comes_over_the_next(
    server: OpcuaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineside.adapters.opcua.connection.with_history", nothing)
    for how in (Link.cut, Link.hang):
        link = Link("127.0.0.1", server.port)
        await link.start()
        await server.reset()
        async with reading(source(link.port)) as reader:
            await connected(server, reader)
            before = await write(server, 5, 100.0)
            await reader.until(lambda: set(before) <= set(reader.values("temperature")))  # noqa: B023 - waited for here
            how(link)
            meanwhile = await write(server, 20, 200.0)
            await reader.until(lambda: lost(reader) > 0)
            meanwhile += await write(server, 20, 300.0)
            link.mend()
            await reader.until(lambda: bool(returns(reader)))
            after = await write(server, 5, 400.0)
            await reader.until(lambda: set(after) <= set(reader.values("temperature")))  # noqa: B023 - as above
        await link.stop()
        assert sorted(reader.values("temperature")) == before + meanwhile + after
        assert "The subscription lived on, and what the server queued has come." in returns(reader)[0]
        assert "lost_at_source" not in [item.reason for item in reader.quarantined]
        assert not replayed(reader)


async def nothing(*_: object) -> tuple[str, ...]:
    return ()


async def test_where_the_server_keeps_nothing_the_gap_is_recorded_as_one(
    server: OpcuaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineside.adapters.opcua.connection.with_history", nothing)
    async with reading(source(server.port)) as reader:
        await connected(server, reader)
        await server.stop()
        await reader.until(lambda: lost(reader) > 0)
        await server.start()
        await reader.until(lambda: bool(returns(reader)))
    assert "It is back after" in returns(reader)[0]
    assert "what happened meanwhile is not known" in returns(reader)[0]
    assert not replayed(reader)


async def test_a_history_of_many_pages_is_read_to_its_end(peer: OpcuaPeer) -> None:
    async with reading(source(peer.port)) as first:
        await connected(peer, first)
    start = WallClock().now() // MILLISECOND * MILLISECOND
    away = [(start + step * MILLISECOND, float(step)) for step in range(2_500)]
    for time, value in away:
        await peer.remember("temperature", value, time)
    async with reading(source(peer.port, seen=first.batches)) as second:
        await second.until(lambda: len(replayed(second)) >= len(away))
    assert sorted(set(replayed(second))) == away


async def test_only_as_much_is_asked_for_as_the_plan_says(peer: OpcuaPeer) -> None:
    now = WallClock().now() // MILLISECOND * MILLISECOND
    catalogue = source(peer.port).catalogue
    seen = [make_batch(catalogue, [catalogue.codes()["temperature"]], [now - HOUR], [1.0])]
    await peer.remember("temperature", 2.0, now - 1800 * SECOND)
    for backfill, said in (("1 min", "Only the last 1 min were asked for"), ("0 s", "asks for no history")):
        async with reading(source(peer.port, seen, backfill=backfill)) as reader:
            await reader.until(lambda: bool(returns(reader)))
        assert said in returns(reader)[0]
        assert 2.0 not in [value for _, value in reader.values("temperature")]


async def test_a_history_that_fails_stops_nothing_that_is_live(
    peer: OpcuaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the disk of the historian is full")

    monkeypatch.setattr(KeptHistory, "read_node_history", fail)
    now = WallClock().now() // MILLISECOND * MILLISECOND
    catalogue = source(peer.port).catalogue
    seen = [make_batch(catalogue, [catalogue.codes()["temperature"]], [now - HOUR], [1.0])]
    async with reading(source(peer.port, seen)) as reader:
        await reader.until(lambda: bool(returns(reader)))
        live = await write(peer, 5, 400.0)
        await reader.until(lambda: set(live) <= set(reader.values("temperature")))
        assert source_is_connected(reader)
    assert "Then it failed (" in returns(reader)[0]
