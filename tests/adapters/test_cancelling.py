"""Whoever cancels a task that waits with a limit sees it end, also at the moment when what it waits for is there."""

from __future__ import annotations

import asyncio

import pytest

from lineside.adapters.cancelling import keep_cancellations, wait_for


def test_a_cancellation_that_meets_the_result_is_not_lost() -> None:
    async def cancelled_as_the_answer_comes() -> bool:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(asyncio.wait_for(answer, 60))
        await asyncio.sleep(0)
        answer.set_result(None)
        waiting.cancel()
        await asyncio.wait([waiting])
        return waiting.cancelled()

    keep_cancellations()
    assert asyncio.run(cancelled_as_the_answer_comes())


def test_what_is_there_in_time_is_returned() -> None:
    assert asyncio.run(wait_for(asyncio.sleep(0, "there"), 60)) == "there"


def test_without_a_limit_it_waits_for_as_long_as_it_takes() -> None:
    assert asyncio.run(wait_for(asyncio.sleep(0, "there"), None)) == "there"


@pytest.mark.parametrize("seconds", [0, 0.001])
def test_what_takes_too_long_is_cancelled_and_said(seconds: float) -> None:
    async def waits() -> asyncio.Future[None]:
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with pytest.raises(TimeoutError):
            await wait_for(never, seconds)
        return never

    assert asyncio.run(waits()).cancelled()
