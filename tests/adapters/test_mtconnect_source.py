"""What is particular to MTConnect: runs of the agent, its buffer, values that are none, and answers that are none."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.http_get import HttpOptions
from lineside.adapters.mtconnect.source import MtconnectOptions, open_source
from lineside.adapters.polling import PolledSource
from lineside.domain.errors import ConfigurationError
from lineside.domain.plan.model import MtconnectSpec
from lineside.domain.readings import BAD_NO_COMMUNICATION
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.http import HttpFault
from lineside.testing.peers.mtconnect import ITEMS, MtconnectPeer
from lineside.testing.plans import plan_with_source


@pytest.fixture
async def peer() -> AsyncIterator[MtconnectPeer]:
    peer = MtconnectPeer(size=50)
    await peer.start()
    yield peer
    await peer.stop()


def source_of(peer: MtconnectPeer, kept: Path | None = None, addresses: dict[str, str] | None = None) -> PolledSource:
    plan = plan_with_source(
        {"kind": "mtconnect", "url": peer.url, "poll_interval": "20 ms", "most": 20},
        addresses={**ITEMS, **(addresses or {})},
    )
    options = MtconnectOptions(http=HttpOptions(timeout=0.5), position=kept)
    return open_source(plan, plan.source_as(MtconnectSpec, "machine"), WallClock(), options=options)


def reasons(reader: Reader) -> list[str]:
    return [item.reason for item in reader.quarantined]


async def hears(peer: MtconnectPeer, reader: Reader, value: float) -> None:
    peer.send("temperature", WallClock().now(), value)
    await reader.until(lambda: any(seen == value for _, seen in reader.values("temperature")))


async def test_a_buffer_that_ran_over_while_nobody_read_is_counted_by_its_numbers(
    peer: MtconnectPeer, tmp_path: Path
) -> None:
    kept = tmp_path / "position.json"
    async with reading(source_of(peer, kept)) as reader:
        await hears(peer, reader, 1.0)
    now = WallClock().now()
    for number in range(80):
        peer.send("temperature", now + number, 100.0 + number)
    async with reading(source_of(peer, kept)) as reader:
        await reader.until(lambda: len(reader.values("temperature")) >= 50)
    lost = [item for item in reader.quarantined if item.reason == "lost_at_source"]
    assert [item.count for item in lost] == [30]
    assert "ran over" in lost[0].detail
    assert [value for _, value in reader.values("temperature")] == [130.0 + number for number in range(50)]


async def test_an_agent_that_was_started_anew_has_lost_what_was_not_read_and_is_followed_from_its_beginning(
    peer: MtconnectPeer, tmp_path: Path
) -> None:
    kept = tmp_path / "position.json"
    async with reading(source_of(peer, kept)) as reader:
        await hears(peer, reader, 1.0)
        peer.forget()
        await hears(peer, reader, 2.0)
        assert reasons(reader).count("lost_at_source") == 1
    peer.forget()
    peer.send("temperature", WallClock().now(), 3.0)
    async with reading(source_of(peer, kept)) as reader:
        await hears(peer, reader, 4.0)
    assert [value for _, value in reader.values("temperature")] == [3.0, 4.0]
    [lost] = [item for item in reader.quarantined if item.reason == "lost_at_source"]
    assert "started anew" in lost.detail


async def test_the_state_that_was_taken_first_and_never_became_durable_is_taken_again(
    peer: MtconnectPeer, tmp_path: Path
) -> None:
    kept, now = tmp_path / "position.json", WallClock().now()
    peer.send("temperature", now, 1.0)
    async with reading(source_of(peer, kept), acknowledge=False) as reader:
        await reader.until(lambda: bool(reader.values("temperature")))
    peer.send("temperature", now + 1, 2.0)
    async with reading(source_of(peer, kept)) as reader:
        await reader.until(lambda: len(reader.values("temperature")) >= 2)
        assert reader.values("temperature") == [(now, 1.0), (now + 1, 2.0)]


async def test_unavailable_is_a_bad_status_and_no_value(peer: MtconnectPeer) -> None:
    async with reading(source_of(peer)) as reader:
        await hears(peer, reader, 1.0)
        peer.send("temperature", WallClock().now(), "UNAVAILABLE")
        await hears(peer, reader, 2.0)
    status = np.concatenate([batch.status for batch in reader.batches])
    values = np.concatenate([batch.value for batch in reader.batches])
    assert np.isnan(values[status == BAD_NO_COMMUNICATION]).tolist() == [True]
    assert "temperature" not in {item.signal for item in reader.quarantined}


async def test_states_conditions_and_time_series_are_read_and_data_sets_are_refused(peer: MtconnectPeer) -> None:
    addresses = {"temperature": "trace", "pressure": "cooling", "serial": "vars"}
    async with reading(source_of(peer, addresses=addresses)) as reader:
        now = WallClock().now() // 1_000_000_000 * 1_000_000_000
        peer.observe("exec", now - 1, "STOPPED")
        await reader.until(lambda: bool(reader.values("running")))
        peer.observe("trace", now, "1.5 2.5 3.5", 'sampleCount="3" sampleRate="10"')
        peer.observe("cooling", now, "NORMAL")
        peer.observe("cooling", now + 1, "FAULT")
        peer.observe("exec", now, "ACTIVE")
        peer.observe("exec", now + 1, "READY")
        peer.observe("vars", now, "1")
        await reader.until(lambda: "nested_value" in reasons(reader))
        await reader.until(lambda: len(reader.values("running")) >= 3)
    assert reader.values("temperature") == [(now - 200_000_000, 1.5), (now - 100_000_000, 2.5), (now, 3.5)]
    assert reader.values("pressure") == [(now, 0.0), (now + 1, 2.0)]
    assert reader.values("running") == [(now - 1, 0.0), (now, 1.0), (now + 1, 0.0)]


async def test_an_item_that_the_agent_does_not_have_and_a_unit_that_differs_are_reported_once(
    peer: MtconnectPeer,
) -> None:
    async with reading(source_of(peer, addresses={"serial": "nowhere"})) as reader:
        await hears(peer, reader, 1.0)
        await hears(peer, reader, 2.0)
    found = {item.signal: item for item in reader.quarantined}
    assert found["serial"].reason == "unknown_node"
    assert "no data item nowhere" in found["serial"].detail
    assert found["pressure"].reason == "unit_differs"
    assert "PASCAL, the plan bar" in found["pressure"].detail
    assert sum(item.reason != "poll_late" for item in reader.quarantined) == 2


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"<html>Log in</html>", "malformed_xml"),
        (b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', "malformed_xml"),
        (b"<MTConnectStreams>" + b" " * (9 << 20), "message_too_large"),
        (b'<MTConnectError><Error errorCode="QUERY_ERROR">no</Error></MTConnectError>', "machine_exception"),
    ],
)
async def test_an_answer_that_is_no_document_is_quarantined_and_the_next_good_one_read(
    peer: MtconnectPeer, broken: bytes, reason: str
) -> None:
    async with reading(source_of(peer)) as reader:
        await hears(peer, reader, 1.0)
        peer.broken = broken
        await reader.until(lambda: reason in reasons(reader))
        peer.broken = b""
        await hears(peer, reader, 2.0)


@pytest.mark.parametrize("fault", ["hang", "cut", "reset"])
async def test_a_network_that_fails_is_reported_and_nothing_is_missed(peer: MtconnectPeer, fault: HttpFault) -> None:
    async with reading(source_of(peer)) as reader:
        await hears(peer, reader, 1.0)
        peer.http.fault = fault
        await reader.until(lambda: "connection_lost" in reasons(reader))
        now = WallClock().now()
        for number in range(30):
            peer.send("temperature", now + number, 100.0 + number)
        peer.http.fault = ""
        await hears(peer, reader, 2.0)
    assert len(reader.values("temperature")) == 32


def test_an_address_that_cannot_be_is_an_error_at_once() -> None:
    plan = plan_with_source({"kind": "mtconnect", "url": "mtconnect://127.0.0.1"})
    with pytest.raises(ConfigurationError):
        open_source(plan, plan.source_as(MtconnectSpec, "machine"), WallClock())
