"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


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
