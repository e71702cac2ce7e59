"""A source that is exchanged while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lineside.domain.errors import ConfigurationError, UnavailableError
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.readings import Catalogue
from lineside.flows.replaceable import ReplaceableSource
from lineside.ports import SourceDelivery


class Numbered:
    """Delivers its name and a number, as often as it is let, and notes what is done to it."""

    def __init__(self, name: str, most: int = 10_000) -> None:
        self.name = name
        self.most = most
        self.acknowledged: list[object] = []
        self.closed = False

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(("a",), frozenset())

    @property
    def condition(self) -> SourceCondition:
        return SourceRecord().condition

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        for number in range(self.most):
            await asyncio.sleep(0)
            yield SourceDelivery(token=(self.name, number))

    async def acknowledge(self, token: object) -> None:
        assert not self.closed
        self.acknowledged.append(token)

    async def close(self) -> None:
        self.closed = True


async def test_the_old_one_is_closed_when_all_of_it_is_durable_and_the_new_one_read_on() -> None:
    old, new = Numbered("old"), Numbered("new", most=3)
    source = ReplaceableSource(lambda: old)
    waiting: list[SourceDelivery] = []

    async def read() -> None:
        async for delivery in source.deliveries():
            waiting.append(delivery)  # noqa: PERF401 - the list is looked at meanwhile

    reading = asyncio.create_task(read())
    while len(waiting) < 5:  # noqa: ASYNC110 - what is waited for is plain state
        await asyncio.sleep(0)
    exchanging = asyncio.create_task(source.exchange(lambda: new))
    await asyncio.sleep(0.02)
    handed = len(waiting)
    assert (old.closed, exchanging.done()) == (False, False)
    for delivery in waiting[:handed]:
        await source.acknowledge(delivery.token)
    await exchanging
    assert old.closed
    await reading
    assert [item.token for item in waiting[handed:]] == [("new", number) for number in range(3)]
    assert len(old.acknowledged) == handed
    await source.close()
    assert new.closed


async def test_what_cannot_be_opened_leaves_the_old_one_read() -> None:
    opened: list[Numbered] = []

    def old() -> Numbered:
        opened.append(Numbered(f"old {len(opened)}", most=2))
        return opened[-1]

    def broken() -> Numbered:
        raise ConfigurationError("a secret that the plan names is not there")

    source = ReplaceableSource(old)
    with pytest.raises(ConfigurationError):
        await source.exchange(broken)
    assert [item.token async for item in source.deliveries()] == [("old 1", 0), ("old 1", 1)]


async def test_a_source_whose_readings_do_not_become_durable_is_not_exchanged() -> None:
    old = Numbered("old")
    source = ReplaceableSource(lambda: old)
    stream = aiter(source.deliveries())
    await anext(stream)
    with pytest.raises(UnavailableError, match="not durable yet"):
        await source.exchange(lambda: Numbered("new"), within=0.05)
    assert not old.closed
    await anext(stream)


async def test_a_source_that_has_nothing_to_say_is_left_too() -> None:
    class Silent(Numbered):
        async def deliveries(self) -> AsyncIterator[SourceDelivery]:
            await asyncio.Event().wait()
            yield SourceDelivery()

    old = Silent("old")
    source = ReplaceableSource(lambda: old)
    reading = asyncio.ensure_future(anext(aiter(source.deliveries())))
    await asyncio.sleep(0.01)
    await source.exchange(lambda: Numbered("new"))
    assert (await reading).token == ("new", 0)
    assert old.closed


async def test_who_stops_reading_stops_the_source() -> None:
    class Noted(Numbered):
        ended = False

        async def deliveries(self) -> AsyncIterator[SourceDelivery]:
            try:
                await asyncio.Event().wait()
                yield SourceDelivery()
            finally:
                self.ended = True

    noted = Noted("old")
    source = ReplaceableSource(lambda: noted)
    reading = asyncio.ensure_future(anext(aiter(source.deliveries())))
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert noted.ended
