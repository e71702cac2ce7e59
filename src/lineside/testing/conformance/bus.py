"""What every `lineside.ports.Bus` keeps to. Subclass, and give the ``bus`` fixture (two ends may share it)."""

from __future__ import annotations

import asyncio

import pytest

from lineside.domain.errors import DataError, UnavailableError
from lineside.ports import Bus


class BusConformance:
    """The suite; fixture: ``bus``, connected, with a largest message of at most 2 MiB."""

    async def test_a_request_gets_its_own_reply(self, bus: Bus) -> None:
        """Also when many are under way at once."""

        async def double(data: bytes) -> bytes:
            await asyncio.sleep(0)
            return data * 2

        await bus.serve("lineside.t.double", double, "q")
        replies = await asyncio.gather(*(bus.request("lineside.t.double", b"%d" % n, 5.0) for n in range(50)))
        assert replies == [b"%d%d" % (n, n) for n in range(50)]

    async def test_a_request_that_nobody_serves_is_unavailable(self, bus: Bus) -> None:
        """At once, not only after the time given."""
        async with asyncio.timeout(5):
            with pytest.raises(UnavailableError) as caught:
                await bus.request("lineside.t.nobody", b"", 60.0)
        assert caught.value.retry

    async def test_a_reply_that_takes_too_long_is_unavailable(self, bus: Bus) -> None:
        """Whoever asked goes on after the time given."""
        release = asyncio.Event()

        async def wait(data: bytes) -> bytes:
            await release.wait()
            return data

        await bus.serve("lineside.t.slow", wait, "q")
        with pytest.raises(UnavailableError):
            await bus.request("lineside.t.slow", b"", 0.05)
        release.set()

    async def test_a_handler_that_fails_gives_no_reply_and_goes_on_serving(self, bus: Bus) -> None:
        """The next request is answered."""

        async def fail_on_bad(data: bytes) -> bytes:
            if data == b"bad":
                raise ValueError("bad")
            return data

        await bus.serve("lineside.t.fail", fail_on_bad, "q")
        with pytest.raises(UnavailableError):
            await bus.request("lineside.t.fail", b"bad", 0.2)
        assert await bus.request("lineside.t.fail", b"good", 5.0) == b"good"

    async def test_one_handler_can_serve_every_subject_of_a_pattern(self, bus: Bus) -> None:
        """It is told on which of them the request came."""

        async def say(subject: str, data: bytes) -> bytes:
            return subject.rpartition(".")[2].encode() + data

        await bus.serve_each("lineside.t.each.*", say, "q")
        assert await bus.request("lineside.t.each.a", b"1", 5.0) == b"a1"
        assert await bus.request("lineside.t.each.b", b"2", 5.0) == b"b2"

    async def test_what_is_too_large_is_wrong_for_ever(self, bus: Bus) -> None:
        """It is no matter of trying again."""
        with pytest.raises(DataError) as caught:
            await bus.request("lineside.t.large", bytes(3 * 1024 * 1024), 5.0)
        assert not caught.value.retry

    async def test_messages_reach_those_whose_pattern_fits(self, bus: Bus) -> None:
        """With the wildcards of NATS."""
        got: list[tuple[str, bytes]] = []
        done = asyncio.Event()

        async def listen(subject: str, data: bytes) -> None:
            got.append((subject, data))
            if subject.endswith("end"):
                done.set()

        await bus.subscribe("lineside.live.*", listen)
        await bus.publish("lineside.live.a", b"1")
        await bus.publish("lineside.other.a", b"2")
        await bus.publish("lineside.live.a.b", b"3")
        await bus.publish("lineside.live.end", b"4")
        await asyncio.wait_for(done.wait(), 5)
        assert got == [("lineside.live.a", b"1"), ("lineside.live.end", b"4")]
