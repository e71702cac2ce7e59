import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.nats_server import EmbeddedNats
from lineside.domain.errors import DataError, UnavailableError
from lineside.testing.conformance.bus import BusConformance
from lineside.testing.fakes.bus import FakeBus


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedNats]:
    server = EmbeddedNats(tmp_path / "nats")
    await server.start()
    yield server
    await server.stop()


class TestNatsBus(BusConformance):
    @pytest.fixture
    async def bus(self, server: EmbeddedNats) -> AsyncIterator[NatsBus]:
        bus = await NatsBus.open(server.address, name="test", within=5)
        yield bus
        await bus.close()


class TestFakeBus(BusConformance):
    @pytest.fixture
    def bus(self) -> FakeBus:
        return FakeBus()


async def echo(data: bytes) -> bytes:
    return data


async def answered(bus: NatsBus, within: float = 15.0) -> bytes:
    """Ask until there is an answer."""
    async with asyncio.timeout(within):
        while True:
            try:
                return await bus.request("lineside.echo", b"x", 1.0)
            except UnavailableError:
                await asyncio.sleep(0.05)


async def test_a_bus_without_a_server_says_so_at_once_and_connects_when_it_comes(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path / "nats")
    address = await server.start()
    await server.stop()
    bus = await NatsBus.open(address, name="early")
    await bus.serve("lineside.echo", echo, "q")
    with pytest.raises(UnavailableError, match="no connection"):
        await bus.request("lineside.echo", b"x", 60.0)
    with pytest.raises(UnavailableError):
        await bus.publish("lineside.echo", b"x")
    await server.start()
    assert await answered(bus) == b"x"
    await bus.close()
    await server.stop()


async def test_both_ends_find_each_other_again_when_the_server_is_killed(server: EmbeddedNats) -> None:
    ends = [await NatsBus.open(server.address, name=name, within=5) for name in ("asks", "answers")]
    await ends[1].serve("lineside.echo", echo, "q")
    assert await answered(ends[0]) == b"x"
    for times in (1, 2):
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(15):
            while server.restarts < times:  # noqa: ASYNC110 - what is waited for is plain state
                await asyncio.sleep(0.02)
        assert await answered(ends[0]) == b"x"
    for end in ends:
        await end.close()


async def test_a_wrong_password_is_refused_and_tried_again_for_ever(server: EmbeddedNats) -> None:
    address = server.address
    stranger = NatsAddress(url=address.url, user=address.user, password="wrong")
    bus = await NatsBus.open(stranger, name="stranger", within=0.5)
    assert not bus.is_connected
    with pytest.raises(UnavailableError):
        await bus.request("lineside.echo", b"x", 0.2)
    assert bus._keeper is not None
    assert not bus._keeper.done()
    await bus.close()


async def test_requests_are_shared_by_a_queue_group(server: EmbeddedNats) -> None:
    ends = [await NatsBus.open(server.address, name=f"end{n}", within=5) for n in range(3)]
    served = [0, 0, 0]

    def counting(number: int) -> Callable[[bytes], Awaitable[bytes]]:
        async def handle(data: bytes) -> bytes:
            served[number] += 1
            return data

        return handle

    for number, end in enumerate(ends):
        await end.serve("lineside.shared", counting(number), "q")
    for _ in range(60):
        await ends[0].request("lineside.shared", b"x", 5.0)
    assert sum(served) == 60
    assert all(served)
    for end in ends:
        await end.close()


async def test_the_largest_message_is_the_servers(server: EmbeddedNats) -> None:
    bus = await NatsBus.open(server.address, name="t", within=5)
    await bus.serve("lineside.echo", echo, "q")
    assert len(await bus.request("lineside.echo", bytes(1024 * 1024), 5.0)) == 1024 * 1024
    with pytest.raises(DataError, match="at most"):
        await bus.publish("lineside.echo", bytes(1024 * 1024 + 1))
    await bus.close()


def test_an_address_does_not_show_its_password() -> None:
    assert "secret" not in repr(NatsAddress(url="tls://h:1", user="u", password="secret"))
