"""Child processes: that never outlive their parent, and that cannot take more than they are given."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_MOST_SAID: Final = 8 << 20
"""Bytes of output that are taken from a limited child."""


def die_with_parent(parent: int) -> None:
    """In a new child, before it becomes another program: ask the kernel to kill it when its parent dies.

    The kernel watches the *thread* that made the child: start children from the main thread. Elsewhere than on
    Linux nothing is asked, and a child may outlive a parent that is killed.
    """
    if not hasattr(os, "uname") or os.uname().sysname != "Linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a child may use: seconds of processor time, of the clock, bytes of address space, bytes of a file."""

    cpu: int
    seconds: float
    memory: int
    file: int = 64 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a limited child ended: exit code (below 0: the signal that ended it), its output, and why in words."""

    code: int
    output: bytes
    errors: bytes
    why: str


async def run_limited(
    command: Sequence[str], data: bytes, limits: Limits, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a command with ``data`` on its standard input and within limits, with the least priority.

    ``environment`` stands in for that of this process (None: it is passed on). Call it from the main thread's loop. It
    never waits longer than the limits say, and leaves no process behind.
    """
    parent = os.getpid()
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={
            **(os.environ if environment is None else environment),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        },
        preexec_fn=lambda: become_limited(parent, limits),
    )
    try:
        async with asyncio.timeout(limits.seconds):
            output, errors = await process.communicate(data)
        why = why_ended(process.returncode, limits)
    except TimeoutError:
        output, errors, why = b"", b"", f"it took more than {limits.seconds:g} s"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    code = process.returncode if process.returncode is not None else -1
    return Ended(code=code, output=output[:_MOST_SAID], errors=errors[-2000:], why=why)


def limit_memory(more: int) -> None:
    """In a child: allow so many bytes of address space beyond what is in use now, and no more."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + more
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard),) * 2)


def become_limited(parent: int, limits: Limits) -> None:
    """In a new child, before it becomes another program: die with its parent, and take no more than it is given."""
    die_with_parent(parent)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file, limits.file))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)


def why_ended(code: int | None, limits: Limits) -> str:
    """Return why a limited child ended with an exit code (below 0: by that signal); empty where all is well."""
    if code == 0:
        return ""
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return f"it used more than {limits.cpu} s of processor time, or was killed"
    if code is not None and code < 0:
        return f"it crashed ({signal.Signals(-code).name})"
    return f"it ended with exit code {code}"
