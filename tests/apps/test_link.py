"""The link relays until it is cut, and again once it is mended."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lineside.apps.link import Link


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(100):
            writer.write(data)
    except OSError:
        pass
    writer.close()


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link("127.0.0.1", server.sockets[0].getsockname()[1])
    await link.start()
    yield link
    await link.stop()
    server.close()


async def ask(link: Link) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"hello")
    try:
        return await asyncio.wait_for(reader.read(100), 5)
    finally:
        writer.close()


async def test_bytes_pass_both_ways(link: Link) -> None:
    assert await ask(link) == b"hello"


async def test_a_cut_breaks_open_connections_and_refuses_new_ones(link: Link) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"hello")
    assert await reader.read(100) == b"hello"
    link.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    with pytest.raises((ConnectionError, AssertionError)):
        assert await ask(link) == b"hello"


async def test_a_mended_link_relays_again(link: Link) -> None:
    link.cut()
    assert link.is_cut
    link.mend()
    assert await ask(link) == b"hello"


async def test_a_link_whose_far_end_is_away_refuses() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    link = Link("127.0.0.1", port)
    await link.start()
    with pytest.raises((ConnectionError, AssertionError)):
        assert await ask(link) == b"hello"
    await link.stop()


async def test_a_link_that_hangs_keeps_connections_open_and_goes_on_where_it_was(link: Link) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    link.hang()
    assert link.is_cut
    writer.write(b"hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), 0.2)
    link.mend()
    assert await asyncio.wait_for(reader.read(100), 5) == b"hello"
    writer.close()
