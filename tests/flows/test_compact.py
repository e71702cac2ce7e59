import asyncio

import pytest

from lineside.domain.errors import StorageError
from lineside.flows.compact import Compactor
from lineside.testing.fakes.history import FakeHistory
from lineside.testing.fakes.landing import FakeLanding
from lineside.testing.records import a_record
from lineside.wire.records import Record


class Store:
    def __init__(self, keep: int = 2, tidy_rounds: int = 3) -> None:
        self.landing = FakeLanding()
        self.history = FakeHistory()
        self.followed: list[Record] = []
        self.tidied = 0
        self.compactor = Compactor(
            landing=self.landing, history=self.history, every=0.01, tidy=self._tidy, tidy_rounds=tidy_rounds,
            follow=self._follow, keep=keep,
        )  # fmt: skip

    async def _tidy(self) -> None:
        self.tidied += 1

    async def _follow(self, record: Record) -> None:
        self.followed.append(record)

    def positions(self) -> list[int]:
        return [entry.position for entry in self.history.held]


async def test_what_has_landed_moves_once_and_a_stretch_stays_behind() -> None:
    store = Store(keep=2)
    await store.landing.land([a_record(n) for n in range(1, 8)])
    await store.compactor.round()
    await store.compactor.round()
    assert store.positions() == [1, 2, 3, 4, 5, 6, 7]
    assert [entry.position for entry in store.landing.landed] == [6, 7]
    assert [record.header.sequence for record in store.followed] == [1, 2, 3, 4, 5, 6, 7]


async def test_nothing_is_forgotten_that_the_history_did_not_take() -> None:
    store = Store(keep=0)
    await store.landing.land([a_record(1), a_record(2)])
    store.history.broken = True
    with pytest.raises(StorageError):
        await store.compactor.round()
    assert len(store.landing.landed) == 2
    store.history.broken = False
    await store.compactor.round()
    assert store.positions() == [1, 2]
    assert store.landing.landed == []


async def test_a_history_that_fails_is_tried_again_and_said_so() -> None:
    store = Store()
    await store.landing.land([a_record(1)])
    store.history.broken = True
    running = asyncio.create_task(store.compactor.run())
    async with asyncio.timeout(5):
        while not store.compactor.status.problem:  # noqa: ASYNC110 - what is waited for is plain state
            await asyncio.sleep(0.005)
        store.history.broken = False
        while store.compactor.status.problem or not store.positions():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert store.compactor.status.position == 1


async def test_small_files_are_joined_after_rounds_that_moved_something() -> None:
    store = Store(tidy_rounds=3)
    running = asyncio.create_task(store.compactor.run())
    async with asyncio.timeout(5):
        for sequence in range(1, 4):
            assert store.tidied == 0
            await store.landing.land([a_record(sequence)])
            while len(store.positions()) < sequence:  # noqa: ASYNC110 - what is waited for is plain state
                await asyncio.sleep(0.005)
        while not store.tidied:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
