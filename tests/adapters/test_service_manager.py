"""The service manager's protocol, over a real socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.adapters.service_manager import READY, keep_watchdog_calm, tell_manager, watchdog_pause

PROCESS = """
import asyncio, time
from lineside.adapters.service_manager import READY, tell_manager
from lineside.apps.running import until_interrupted
async def work():
    tell_manager(READY)
    await asyncio.sleep(0.5)
    {then}
    await asyncio.sleep(60)
asyncio.run(until_interrupted(work()))
"""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(20)
        yield listener


def environment(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.getsockname(), **more}


def start(manager: socket.socket, then: str = "") -> subprocess.Popen[bytes]:
    told = environment(manager, WATCHDOG_USEC="300000")
    return subprocess.Popen([sys.executable, "-c", PROCESS.format(then=then)], env=os.environ | told)


def test_a_manager_is_told_and_none_is_missed(manager: socket.socket) -> None:
    assert tell_manager(READY, environment(manager))
    assert manager.recv(64) == b"READY=1"
    assert not tell_manager(READY, {})
    assert not tell_manager(READY, {"NOTIFY_SOCKET": "/nowhere/at/all"})
    assert not tell_manager(READY, {"NOTIFY_SOCKET": "relative"})


def test_a_manager_in_the_abstract_namespace_is_told() -> None:
    name = f"lineside-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        assert tell_manager(READY, {"NOTIFY_SOCKET": "@" + name})
        assert listener.recv(64) == b"READY=1"


def test_the_watchdog_is_told_three_times_within_its_patience_and_only_by_whom_it_means() -> None:
    assert watchdog_pause({"WATCHDOG_USEC": "30000000"}) == pytest.approx(10)
    assert watchdog_pause({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, pid=7) == pytest.approx(10)
    assert watchdog_pause({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, pid=8) is None
    assert [watchdog_pause({"WATCHDOG_USEC": value}) for value in ("", "0", "soon")] == [None] * 3


async def test_without_a_watchdog_nothing_is_said(manager: socket.socket) -> None:
    await asyncio.wait_for(keep_watchdog_calm(environment(manager)), 5)


def test_a_process_says_that_it_is_ready_alive_and_ending(manager: socket.socket) -> None:
    process = start(manager)
    heard = {manager.recv(64) for _ in range(4)}
    assert heard == {b"READY=1", b"WATCHDOG=1"}
    process.send_signal(signal.SIGTERM)
    while (last := manager.recv(64)) == b"WATCHDOG=1":
        pass
    assert last == b"STOPPING=1"
    assert process.wait(timeout=20) == 0


def test_a_process_whose_event_loop_no_longer_turns_is_not_alive(manager: socket.socket) -> None:
    process = start(manager, then="time.sleep(60)")
    try:
        while True:
            manager.recv(64)
            manager.settimeout(3)  # ten times the patience of this watchdog
    except TimeoutError:
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
