"""Cancellation that is never lost: `asyncio.wait_for` before Python 3.12 swallows one that meets its result.

A library that waits so (nats-py and pymodbus do) then goes on as if nobody had asked it to end, and who cancelled it
waits for ever: a plant that does not stop. Python 3.12 mended it (https://github.com/python/cpython/issues/86296).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import Final, TypeVar

_Result = TypeVar("_Result")
_BUILT_IN: Final = asyncio.wait_for


async def wait_for(awaited: Awaitable[_Result], timeout: float | None) -> _Result:  # noqa: ASYNC109 - as asyncio has it
    """Await with a limit in seconds, as `asyncio.wait_for` of Python 3.12 and later does.

    Raises:
        TimeoutError: it took longer; what was awaited is cancelled.
    """
    if timeout is None or timeout <= 0:
        return await _BUILT_IN(awaited, timeout)
    async with asyncio.timeout(timeout):
        return await awaited


def keep_cancellations() -> None:
    """Let every library of this process wait so; does nothing where Python does it by itself."""
    if sys.version_info < (3, 12):
        asyncio.wait_for = asyncio.tasks.wait_for = wait_for  # type: ignore[assignment]
