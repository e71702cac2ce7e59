"""A process from which the memory is taken, until the kernel ends it. Needs root and a cgroup that limits memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")
_OLD: Final = _ROOT / "memory"
"""Where the first version of cgroups keeps memory apart."""

_MOST: Final = 32 << 20
_EATS: Final = """
import sys, time
open("/proc/self/oom_score_adj", "w").write("-1000")
open(sys.argv[1], "w").write("0")
eaten = []
for _ in range(int(sys.argv[2]) >> 20):
    try:
        eaten.append(bytearray(b"x" * (1 << 20)))
    except MemoryError:
        pass
    time.sleep(0.01)
time.sleep(600)
"""


def missing() -> str:
    """Return what is missing to limit memory by a cgroup; empty where nothing is."""
    if os.geteuid() != 0:
        return "root is needed to make a cgroup"
    there = _OLD.is_dir() or "memory" in _read(_ROOT / "cgroup.subtree_control").split()
    return "" if there else "no cgroup of this machine limits memory (needed: the memory controller at /sys/fs/cgroup)"


@contextmanager
def taken_from(pid: int) -> Iterator[None]:
    """Take the memory away from a process: a neighbour eats what both may have, and the kernel ends the process for it.

    The neighbour itself is one that the kernel may not end.
    """
    folder = (_OLD if _OLD.is_dir() else _ROOT) / f"lineside-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    neighbour = None
    try:
        for name in ("memory.limit_in_bytes", "memory.max"):
            if (folder / name).exists():
                (folder / name).write_text(str(_MOST))
        (folder / "cgroup.procs").write_text(str(pid))
        command = [sys.executable, "-c", _EATS, str(folder / "cgroup.procs"), str(4 * _MOST)]
        neighbour = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        yield
    finally:
        if neighbour is not None:
            neighbour.kill()
            neighbour.wait()
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a cgroup once its processes are gone; those that live go back to the root."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        for pid in _read(folder / "cgroup.procs").split():
            try:
                (folder.parent / "cgroup.procs").write_text(pid)
            except OSError:
                continue  # it has just ended
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
