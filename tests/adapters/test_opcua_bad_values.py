"""Bad input group 33 in one stream: a bad status, another type and enormous arrays cost themselves and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncua.server.internal_session import InternalSession

from lineside.adapters.opcua.options import OpcuaOptions
from lineside.adapters.opcua.source import OpcuaSource, open_source
from lineside.domain.plan.model import OpcuaSpec
from lineside.domain.units import MILLISECOND
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import DEADLINE, Reader, reading
from lineside.testing.peers.opcua import LABORATORY, NODES, OpcuaPeer
from lineside.testing.plans import plan_with_source

MEGABYTE = 131_072
"""Doubles of a megabyte."""


@pytest.fixture
async def peer() -> AsyncIterator[OpcuaPeer]:
    peer = OpcuaPeer()
    await peer.start()
    yield peer
    await peer.stop()


def source(peer: OpcuaPeer) -> OpcuaSource:
    plan = plan_with_source({**LABORATORY, "url": peer.url, "publishing_interval": "20 ms"}, addresses=NODES)
    options = OpcuaOptions(timeout=20.0, alive=20.0)  # decoding 10 MB holds up both sides, who share a thread
    return open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock(), options=options)


async def test_bad_status_type_change_and_a_huge_array_spoil_neither_the_next_value_nor_another_signal(
    peer: OpcuaPeer,
) -> None:
    start = WallClock().now() // MILLISECOND * MILLISECOND
    async with reading(source(peer)) as reader:
        await peer.write("temperature", 20.0, start)
        await reader.until(lambda: (start, 20.0) in reader.values("temperature"))
        await peer.write("temperature", None, start + MILLISECOND, status=0x808C_0000)
        code = reader.source.catalogue.codes()["temperature"]
        await reader.until(
            lambda: any(0x808C_0000 in batch.status[batch.signal == code].tolist() for batch in reader.batches)
        )
        await peer.write_text("temperature", "warm", start + 2 * MILLISECOND)
        await reader.until(lambda: any(item.reason == "not_a_number" for item in reader.quarantined))
        await peer.write("temperature", [1.0] * 10 * MEGABYTE, start + 3 * MILLISECOND)
        await peer.write("pressure", 3.0, start + 3 * MILLISECOND)
        await reader.until(lambda: (start + 3 * MILLISECOND, 3.0) in reader.values("pressure"))
        await reader.until(lambda: any(item.reason == "nested_value" for item in reader.quarantined))
        await peer.write("temperature", 21.0, start + 4 * MILLISECOND)
        await reader.until(lambda: (start + 4 * MILLISECOND, 21.0) in reader.values("temperature"))
    assert "connection_lost" not in [item.reason for item in reader.quarantined]
    assert all(len(item.raw) <= 4096 for item in reader.quarantined)


async def test_a_value_too_large_for_any_message_is_lost_or_left_out_and_said_to_be_and_the_others_flow(
    peer: OpcuaPeer,
) -> None:
    async with reading(source(peer)) as reader:
        await flows(peer, reader)
        await peer.write("temperature", [1.0] * 20 * MEGABYTE, WallClock().now())
        # Where the server keeps the session, the message with the value is lost; where it does not, the node is found.
        await reader.until(
            lambda: bool({"lost_at_source", "nested_value"} & {item.reason for item in reader.quarantined})
        )
        await flows(peer, reader)


async def test_a_node_whose_present_value_is_too_large_is_found_and_left_out_and_the_others_flow(
    peer: OpcuaPeer,
) -> None:
    await peer.write("temperature", [1.0] * 20 * MEGABYTE, WallClock().now())
    async with reading(source(peer)) as reader:
        await reader.until(lambda: any("more than 16 MiB" in item.detail for item in reader.quarantined))
        await flows(peer, reader)
        assert dict(reader.source.condition.troubles).keys() == {"temperature"}


async def flows(peer: OpcuaPeer, reader: Reader) -> None:
    """Let the machine measure pressures until one of them has come."""
    before = len(reader.values("pressure"))
    async with asyncio.timeout(DEADLINE):
        while len(reader.values("pressure")) == before:
            now = WallClock().now() // MILLISECOND * MILLISECOND
            await peer.write("pressure", float(now // MILLISECOND % 1000), now)
            await asyncio.sleep(0.1)


async def test_a_queue_that_the_server_makes_too_short_is_a_trouble_of_the_signal(
    peer: OpcuaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = InternalSession.create_monitored_items

    async def stingy(session: Any, params: Any) -> Any:
        results = await create(session, params)
        for result in results:
            result.RevisedQueueSize, result.RevisedSamplingInterval = 1, 5.0
        return results

    monkeypatch.setattr(InternalSession, "create_monitored_items", stingy)
    async with reading(source(peer)) as reader:
        await peer.write("pressure", 1.0, WallClock().now())
        await reader.until(lambda: bool(reader.values("pressure")))
        troubles = dict(reader.source.condition.troubles)
    assert "keeps 1 values and takes 4 between two publications" in troubles["temperature"]
