"""What loads a model that is code: a program of its own, run by its path, that imports nothing of Lineside.

It reads one request from its standard input, shuts itself in, loads the model, answers once, and ends. Shut in means:
the kernel refuses every system call that opens a file for writing, changes the file system, opens a socket, starts a
program or process, or looks into another process (seccomp filters, Linux 3.5; a filter cannot be taken off again).
Memory, processor time and time are limited by who starts it (`lineside.adapters.child_process`).

A request is four bytes of length, JSON, and arrays of float32 behind it; so is the answer, of float64. What the model
prints goes to standard error.
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import json
import os
import platform
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CALLS: dict[str, dict[str, int]] = {
    "x86_64": {
        "creat": 85, "rename": 82, "renameat": 264, "renameat2": 316, "unlink": 87, "unlinkat": 263, "mkdir": 83,
        "mkdirat": 258, "rmdir": 84, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266, "mknod": 133,
        "mknodat": 259, "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452, "chown": 92, "fchown": 93,
        "lchown": 94, "fchownat": 260, "truncate": 76, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
        "utime": 132, "utimes": 235, "utimensat": 280, "socket": 41, "socketpair": 53, "connect": 42, "bind": 49,
        "sendto": 44, "execve": 59, "execveat": 322, "fork": 57, "vfork": 58, "ptrace": 101, "kill": 62, "tkill": 200,
        "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_open": 434, "pidfd_getfd": 438, "unshare": 272,
        "setns": 308, "mount": 165, "umount2": 166, "chroot": 161, "bpf": 321, "perf_event_open": 298, "keyctl": 250,
        "add_key": 248, "request_key": 249, "io_uring_setup": 425, "userfaultfd": 323, "shmget": 29, "msgget": 68,
        "mq_open": 240, "setrlimit": 160,
    },
    "aarch64": {
        "renameat": 38, "renameat2": 276, "unlinkat": 35, "mkdirat": 34, "linkat": 37, "symlinkat": 36, "mknodat": 33,
        "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54, "truncate": 45, "setxattr": 5,
        "lsetxattr": 6, "fsetxattr": 7, "utimensat": 88, "socket": 198, "socketpair": 199, "connect": 203, "bind": 200,
        "sendto": 206, "execve": 221, "execveat": 281, "ptrace": 117, "kill": 129, "tkill": 130,
        "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_open": 434, "pidfd_getfd": 438, "unshare": 97,
        "setns": 268, "mount": 40, "umount2": 39, "chroot": 51, "bpf": 280, "perf_event_open": 241, "keyctl": 219,
        "add_key": 217, "request_key": 218, "io_uring_setup": 425, "userfaultfd": 282, "shmget": 194, "msgget": 186,
        "mq_open": 180, "setrlimit": 164,
    },
}  # fmt: skip
"""Refused outright, by number (the kernel's tables of system calls)."""
_OPEN = {"x86_64": {2: 1, 257: 2}, "aarch64": {56: 2}}
"""``open`` and ``openat``: refused where the flags, at this argument, ask for more than reading."""
_NOT_THERE = {"x86_64": (437, 435), "aarch64": (437, 435)}
"""``openat2`` and ``clone3``, whose arguments no filter can read: as if the kernel had none."""
_CLONE = {"x86_64": 56, "aarch64": 220}
_LIMITS = {"x86_64": 302, "aarch64": 261}
"""``prlimit64``: refused where it would set a limit (its third argument is not null)."""
_THREAD = 0x00010000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _ANY, _RETURN = 0x20, 0x15, 0x45, 0x06
_KNOWN = ("sklearn.", "numpy.", "scipy.")
"""Libraries whose types a skops file may hold: skops itself asks about trees, which every forest has."""
_TINY = 1e-6
_TIMED = 50


class _Line(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.POINTER(_Line)))


def shut_in() -> None:
    """Give up writing, the network and other processes, for good.

    Raises:
        OSError: this kernel or processor cannot do that.
    """
    machine = platform.machine()
    if machine not in _AUDIT or not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, f"no filter is known for {sys.platform} on {machine}")
    lines = _filter(machine)
    program = _Program(len(lines), (_Line * len(lines))(*lines))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


def _filter(machine: str) -> list[_Line]:
    """Return the filter as a program: refuse another architecture, then what is on the lists, allow the rest."""
    refuse = _Line(_RETURN, 0, 0, _ERRNO | errno.EACCES)
    lines = [_Line(_LOAD, 0, 0, 4), _Line(_EQUAL, 1, 0, _AUDIT[machine]), refuse, _Line(_LOAD, 0, 0, 0)]
    if machine == "x86_64":  # calls of the x32 form carry this bit
        lines += [_Line(_ANY, 0, 1, 0x40000000), refuse]
    for number in _NOT_THERE[machine]:
        lines += [_Line(_EQUAL, 0, 1, number), _Line(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    for number in _CALLS[machine].values():
        lines += [_Line(_EQUAL, 0, 1, number), refuse]
    for number, argument in _OPEN[machine].items():
        read = _Line(_LOAD, 0, 0, 16 + 8 * argument)
        lines += [_Line(_EQUAL, 0, 4, number), read, _Line(_ANY, 0, 1, _WRITING), refuse, _Line(_RETURN, 0, 0, _ALLOW)]
    setting = [_Line(_LOAD, 0, 0, 32), _Line(_EQUAL, 1, 0, 0), refuse, _Line(_RETURN, 0, 0, _ALLOW)]
    lines += [_Line(_EQUAL, 0, 4, _LIMITS[machine]), *setting]
    lines += [_Line(_EQUAL, 0, 3, _CLONE[machine]), _Line(_LOAD, 0, 0, 16), _Line(_ANY, 1, 0, _THREAD), refuse]
    return [*lines, _Line(_RETURN, 0, 0, _ALLOW)]


# -- the model --------------------------------------------------------------------------------------------


def load(request: dict[str, Any]) -> Any:
    """Return the model that a request names."""
    path, kind = request["path"], request["kind"]
    if kind == "skops":
        skops = importlib.import_module("skops.io")
        asked = skops.get_untrusted_types(file=path)
        strange = [name for name in asked if not name.startswith(_KNOWN)]
        if strange:
            raise ValueError(f"it holds types of neither scikit-learn nor NumPy nor SciPy: {', '.join(strange[:5])}")
        return skops.load(path, trusted=asked)
    if kind == "pickle":
        return importlib.import_module("joblib").load(path)
    sys.path.insert(0, str(Path(path).parent))
    spec = importlib.util.spec_from_file_location("prototype", path)
    if spec is None or spec.loader is None:
        raise ValueError("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["prototype"] = module
    spec.loader.exec_module(module)
    return getattr(module, request["name"])()


def answer(model: Any, rows: Any) -> Any:
    """Return raw answers ``(n, outputs)``: log-odds, logarithms per class, or what the model gives."""
    if hasattr(model, "predict_proba"):
        return _raw(np.asarray(model.predict_proba(rows), dtype=np.float64))
    if hasattr(model, "decision_function"):
        given = np.asarray(model.decision_function(rows), dtype=np.float64)
        outlier = getattr(model, "_estimator_type", "") == "outlier_detector"
        return (-given if outlier else given).reshape(len(rows), -1)
    given = np.asarray(model.predict(rows), dtype=np.float64)
    return _raw(given) if given.ndim == 2 and given.shape[1] > 1 else given.reshape(len(rows), 1)


def _raw(given: Any) -> Any:
    if given.ndim == 1 or given.shape[1] == 1:
        return given.reshape(-1, 1)
    held = np.clip(given, _TINY, 1.0 - _TINY)
    return np.log(held[:, 1:] / (1.0 - held[:, 1:])) if held.shape[1] == 2 else np.log(held)


def _describe(model: Any, request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    del request, arrays
    names = getattr(model, "inputs", None)
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    steps = [model, *(step for _, step in getattr(model, "steps", []))]
    width = next((int(step.n_features_in_) for step in steps if hasattr(step, "n_features_in_")), 0)
    said = {
        "class": type(steps[-1]).__name__,
        "inputs": [str(name) for name in names] if names is not None else [],
        "width": width,
        "fits": hasattr(model, "fit"),
        "predicts": any(hasattr(model, name) for name in ("predict_proba", "decision_function", "predict")),
        "steps": [type(step).__name__ for step in steps],
    }
    return said, []


def _answer(model: Any, request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    del request
    given = answer(model, arrays[0])
    taken = []
    for row in arrays[0][:_TIMED]:
        began = time.process_time()
        answer(model, row[None, :])
        taken.append(time.process_time() - began)
    return {"taken": taken}, [given]


def _refit(model: Any, request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    rows, labels, later = arrays
    wanted = labels[:, 0].astype(np.int64) if request["classes"] else labels[:, 0]
    fresh = model
    if request["kind"] != "python":
        from sklearn.base import clone  # noqa: PLC0415

        fresh = clone(model)
    fresh.fit(rows, wanted)
    return {}, [answer(fresh, later)]


_TASKS: dict[str, Callable[..., tuple[dict[str, Any], list[Any]]]] = {
    "describe": _describe,
    "answer": _answer,
    "refit": _refit,
}


# -- the pipe ---------------------------------------------------------------------------------------------


def read_message(stream: BinaryIO, kind: str) -> tuple[dict[str, Any], list[Any]]:
    """Return what a message says, and its arrays."""
    (length,) = struct.unpack("<I", stream.read(4))
    said = json.loads(stream.read(length))
    size = np.dtype(kind).itemsize
    arrays = []
    for rows, columns in said["shapes"]:
        data = stream.read(rows * columns * size)
        arrays.append(np.frombuffer(data, dtype=kind).reshape(rows, columns))
    return said, arrays


def write_message(said: dict[str, Any], arrays: list[Any], kind: str) -> bytes:
    """Return a message as bytes."""
    plain = [np.ascontiguousarray(array, dtype=kind) for array in arrays]
    text = json.dumps({**said, "shapes": [array.shape for array in plain]}).encode()
    return b"".join([struct.pack("<I", len(text)), text, *(array.tobytes() for array in plain)])


def main() -> None:
    """Serve one request."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request, arrays = read_message(sys.stdin.buffer, "<f4")
    try:
        shut_in()
    except OSError as error:
        said: dict[str, Any] = {"problem": f"this system cannot shut a model in: {error.strerror}"}
        out.write(write_message(said, [], "<f8"))
        out.flush()
        return
    try:
        said, given = _TASKS[request["task"]](load(request), request, [array.copy() for array in arrays])
    except ModuleNotFoundError as error:
        said, given = {"missing": error.name, "problem": str(error)}, []
    except BaseException as error:  # noqa: BLE001 - a foreign model may fail in any way, and each is told to who asked
        said, given = {"problem": f"{type(error).__name__}: {error}"[:500]}, []
    out.write(write_message(said, given, "<f8"))
    out.flush()


if __name__ == "__main__":
    main()
