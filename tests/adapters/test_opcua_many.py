"""Thousands of nodes at one server: subscribed in calls no larger than it allows, and all of them delivered."""

from typing import Any

import numpy as np
import pytest
from asyncua.server.internal_session import InternalSession
from asyncua.ua.object_ids import ObjectIds

from lineside.adapters.opcua.source import open_source
from lineside.domain.plan.model import OpcuaSpec
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.opcua import LABORATORY, OpcuaPeer
from lineside.testing.plans import plan_with_source

NODES = 2_000
PER_CALL = 250


def values(reader: Reader) -> dict[int, float]:
    """Return the newest value of each signal's code that has come so far."""
    return {
        int(code): float(value)
        for batch in reader.batches
        for code, value in zip(batch.signal, batch.value, strict=True)
        if not np.isnan(value)
    }


async def test_thousands_of_nodes_are_subscribed_in_batches_within_the_servers_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    create = InternalSession.create_monitored_items

    async def counted(session: Any, params: Any) -> Any:
        sizes.append(len(params.ItemsToCreate))
        return await create(session, params)

    monkeypatch.setattr(InternalSession, "create_monitored_items", counted)
    peer = OpcuaPeer()
    await peer.start()
    await peer.limit(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall, PER_CALL)
    names = [f"n{number:04}" for number in range(NODES)]
    for number, name in enumerate(names):
        await peer.add(name, float(number))
    running = {"id": "running", "role": "trigger"}
    plan = plan_with_source(
        {**LABORATORY, "url": peer.url},
        addresses={"running": "ns=2;s=Press.Running", **{name: f"ns=2;s=Press.{name}" for name in names}},
        signals=[running, *({"id": name} for name in names), {"id": "serial", "type": "text", "role": "context"}],
    )
    source = open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock())
    codes = source.catalogue.codes()
    async with reading(source) as reader:
        await reader.until(lambda: {codes[name] for name in names} <= values(reader).keys())
    await peer.stop()
    seen = values(reader)
    assert {name: seen[codes[name]] for name in names} == {name: float(number) for number, name in enumerate(names)}
    ours = [size for size in sizes if size > 1]
    assert max(ours) == PER_CALL
    assert sum(ours) >= NODES
