"""Disks that lose power, are small, or turn read-only. They need root, loop devices and XFS, and say so.

A power cut without a machine to cut: the folder lies on an inner ext4 whose image is a file on an outer XFS. What a
program wrote and never synced is in the inner file system's page cache alone, not in the image; a reflink copy of the
image is atomic, so it is what the disk would hold had the power gone at that moment. Mounting the copy replays the
journal. It cannot show disks that lie about a flush, or torn sectors.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_WRITEBACK: Final = {
    "dirty_writeback_centisecs": "0",
    "dirty_expire_centisecs": "360000",
    "dirty_background_ratio": "60",
    "dirty_ratio": "80",
}
"""The kernel's own writeback is put off, so that a cut finds the most that could be lost."""
_TOOLS: Final = ("mkfs.xfs", "mkfs.ext4", "mount", "umount", "losetup")


def missing() -> str:
    """Return what is missing to use these disks; empty where nothing is."""
    if os.geteuid() != 0:
        return "root is needed to mount disks"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: xfsprogs, e2fsprogs, mount)"
    return "" if Path("/dev/loop-control").exists() else "no loop devices"


@contextlib.contextmanager
def power_cut_disk(root: Path, size_mb: int = 256) -> Iterator[PowerCutDisk]:
    """Give a disk whose power can be cut, below a folder; it is unmounted and removed afterwards."""
    outer, mounted = root / "outer", root / "disk"
    outer.mkdir(parents=True)
    mounted.mkdir()
    backing, image = root / "outer.img", outer / "disk.img"
    _truncate(backing, size_mb * 8 + 512)
    _run("mkfs.xfs", "-q", "-f", "-m", "reflink=1", str(backing))
    with contextlib.ExitStack() as stack:
        stack.enter_context(_mounted(backing, outer))
        _truncate(image, size_mb)
        _run("mkfs.ext4", "-q", "-F", str(image))
        stack.enter_context(_mounted(image, mounted))
        _run("sync", "-f", str(mounted))
        stack.enter_context(_no_writeback())
        yield PowerCutDisk(mounted, image)


class PowerCutDisk:
    """A mounted folder whose disk can be copied as a power cut would leave it; made by `power_cut_disk`."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder = folder
        self._image = image

    def cut(self) -> Path:
        """Return the disk as it would be had the power gone now; whoever writes to it may go on."""
        copy = self._image.with_name(f"cut-{uuid.uuid4().hex[:8]}.img")
        _run("cp", "--reflink=always", str(self._image), str(copy))
        return copy

    @contextlib.contextmanager
    def booted(self, cut: Path) -> Iterator[Path]:
        """Mount what a cut left, as at the next start of the machine; give its folder."""
        folder = cut.with_suffix("")
        folder.mkdir()
        with _mounted(cut, folder):
            yield folder
        cut.unlink()


@contextlib.contextmanager
def small_disk(folder: Path, size_mb: int, inodes: int = 0) -> Iterator[Path]:
    """Give a folder on a disk (in memory) of that size, and at most so many files."""
    folder.mkdir(parents=True)
    limit = f",nr_inodes={inodes}" if inodes else ""
    _run("mount", "-t", "tmpfs", "-o", f"size={size_mb}m{limit}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


@contextlib.contextmanager
def failing_disk(root: Path, size_mb: int = 64) -> Iterator[Path]:
    """Give a folder on an ext4 of its own, which `turn_read_only` treats as the kernel does after an I/O error."""
    image, folder = root / "failing.img", root / "failing"
    folder.mkdir(parents=True)
    _truncate(image, size_mb)
    _run("mkfs.ext4", "-q", "-F", str(image))
    with _mounted(image, folder):
        yield folder


def turn_read_only(folder: Path) -> None:
    """Make a mounted file system read-only under open files, as the kernel does after an I/O error."""
    _run("mount", "-o", "remount,abort", str(folder))


@contextlib.contextmanager
def mounted_again(folder: Path) -> Iterator[None]:
    """Mount the disk of `failing_disk` anew, as after a restart of the machine; its journal is replayed."""
    _unmount(folder)
    with _mounted(folder.with_suffix(".img"), folder):
        yield


def fill(folder: Path) -> None:
    """Write until the disk below a folder is full."""
    for name, chunk in ((".filler", 1 << 16), (".filler2", 1)):
        with contextlib.suppress(OSError), (folder / name).open("wb", buffering=0) as file:
            while file.write(b"\0" * chunk):
                pass


def use_up_inodes(folder: Path) -> None:
    """Make empty files until the disk below a folder takes no more."""
    with contextlib.suppress(OSError):
        for number in range(1_000_000):
            (folder / f".inode{number}").touch()


def free(folder: Path) -> None:
    """Take away what `fill` and `use_up_inodes` left."""
    for path in [*folder.glob(".filler*"), *folder.glob(".inode*")]:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _mounted(image: Path, folder: Path) -> Iterator[None]:
    _run("mount", "-o", "loop", str(image), str(folder))
    try:
        yield
    finally:
        _unmount(folder)


@contextlib.contextmanager
def _no_writeback() -> Iterator[None]:
    settings = Path("/proc/sys/vm")
    before = {name: (settings / name).read_text() for name in _WRITEBACK}
    try:
        for name, value in _WRITEBACK.items():
            (settings / name).write_text(value)
        yield
    finally:
        for name, value in before.items():
            (settings / name).write_text(value)


def _unmount(folder: Path) -> None:
    if subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def _truncate(path: Path, size_mb: int) -> None:
    with path.open("wb") as file:
        file.truncate(size_mb << 20)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
