"""Fixtures of tests of the board: one over a state file of its own, and somebody before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from board_client import BoardClient, client_of
from lineside.domain.access import AccessRole
from lineside.testing.boards import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A board with a busy floor and nobody in it."""
    bench = make_bench(tmp_path)
    yield bench
    bench.state.close()


@pytest.fixture
async def stranger(bench: Bench) -> AsyncIterator[BoardClient]:
    """Somebody who is not logged in."""
    async with client_of(bench) as client:
        yield client


@pytest.fixture
async def operator(bench: Bench, stranger: BoardClient) -> BoardClient:
    """An operator who is logged in."""
    await bench.account(AccessRole.OPERATOR)
    answer = await stranger.log_in("operator")
    assert answer.status_code == 303
    return stranger


@pytest.fixture
async def engineer(bench: Bench, stranger: BoardClient) -> BoardClient:
    """An engineer who is logged in."""
    await bench.account(AccessRole.ENGINEER)
    answer = await stranger.log_in("engineer")
    assert answer.status_code == 303
    return stranger


@pytest.fixture
async def admin(bench: Bench, stranger: BoardClient) -> BoardClient:
    """An admin who is logged in."""
    await bench.account(AccessRole.ADMIN)
    answer = await stranger.log_in("admin")
    assert answer.status_code == 303
    return stranger
