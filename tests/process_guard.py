"""A test run leaves no process behind: whatever it starts is marked, and looked for at the end.

The mark is an environment variable that children inherit, so that a grandchild whose parent was killed is found
as well. What is found is named, with the test after which it was first seen, stopped, and fails the run.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

MARK: Final = "LINESIDE_TEST_RUN"
GRACE_SECONDS: Final = 10.0
"""How long a process may take to end after the last test let go of it."""
_OF_THE_RUN_ITSELF: Final = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


class ProcessGuard:
    """Pytest plugin that fails the run when processes outlive it."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self.first_seen: dict[int, str] = {}
        self.left: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Mark this process, and with it everything that it starts, workers among it."""
        os.environ[MARK] = self.mark

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note after which test each child was first seen."""
        for pid in _children():
            self.first_seen.setdefault(pid, nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Wait for the last to end, then stop and name those that do not."""
        deadline = time.monotonic() + GRACE_SECONDS
        while (alive := list(self._alive())) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid, command in alive:
            after = self.first_seen.get(pid, "a test of a worker: run it with -n 0")
            self.left.append(f"{pid}  {command}  (first seen after {after})")
            _kill(pid)
        if self.left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what was left behind."""
        if self.left:
            terminalreporter.section("processes left behind (a failure)", red=True)
            for line in self.left:
                terminalreporter.line(line)

    def _alive(self) -> Iterator[tuple[int, str]]:
        needle = f"{MARK}={self.mark}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            pid = int(folder.name)
            if pid == os.getpid():
                continue
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                marked = needle in (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended, or belongs to somebody else
            if marked and not any(name in command for name in _OF_THE_RUN_ITSELF):
                yield pid, command


def _children() -> list[int]:
    """Return the children of this process; nothing where the kernel does not list them."""
    found: list[int] = []
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            found += [int(pid) for pid in listing.read_text().split()]
        except OSError:
            continue  # the thread has ended
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
