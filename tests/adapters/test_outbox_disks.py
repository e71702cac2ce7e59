"""What a disk can do to an outbox: fill up, run out of inodes, turn read-only, fail to sync."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lineside.adapters.clocks import SystemClock
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.errors import StorageError
from lineside.wire.records import RecordKind

ITEM = [(RecordKind.EVENTS, bytes(20_000), 1)]
COMMITS = """
import asyncio, json, sys
from pathlib import Path
from lineside.adapters.clocks import SystemClock
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.errors import StorageError
from lineside.wire.records import RecordKind

async def main():
    outbox = await SqliteOutbox.open(Path(sys.argv[1]), writer="g", site="s", line="l", clock=SystemClock())
    kept, refused = [], 0
    for place in range(30):
        try:
            kept += await outbox.commit([(RecordKind.EVENTS, b"%d" % place, 1)])
        except StorageError:
            refused += 1
    print(json.dumps({"kept": kept, "refused": refused}))
    await outbox.close()

asyncio.run(main())
"""


async def an_outbox(path: Path) -> SqliteOutbox:
    return await SqliteOutbox.open(path, writer="g", site="s", line="l", clock=SystemClock())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB with few inodes, which may be mounted in another way meanwhile."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=3m,nr_inodes=8", "tmpfs", str(disk)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("nobody may mount a disk here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_a_full_disk_refuses_and_goes_on_unaided_once_there_is_space(small_disk: Path) -> None:
    outbox = await an_outbox(small_disk / "o.db")
    first = await outbox.commit(ITEM)
    fill(small_disk)
    for _ in range(3):
        with pytest.raises(StorageError):
            await outbox.commit(ITEM * 20)
    (small_disk / "ballast").unlink()
    second = await outbox.commit(ITEM)
    assert (first, second) == ((1,), (2,))
    assert [item.header.sequence for item in await outbox.unsent(0, 1 << 30)] == [1, 2]
    await outbox.close()


async def test_without_inodes_nothing_accepted_is_lost_and_it_goes_on_unaided(small_disk: Path) -> None:
    outbox = await an_outbox(small_disk / "o.db")
    await outbox.commit(ITEM)
    await outbox.close()  # the journal goes, and needs an inode to come back
    taken = take_inodes(small_disk)
    with pytest.raises(StorageError):
        await an_outbox(small_disk / "o.db")
    for path in taken:
        path.unlink()
    outbox = await an_outbox(small_disk / "o.db")
    assert await outbox.commit(ITEM) == (2,)
    await outbox.close()


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace here")
@pytest.mark.parametrize(
    ("calls", "error"), [("fdatasync,fsync", "EIO"), ("pwrite64", "EROFS"), ("pwrite64", "ENOSPC"), ("pwrite64", "EIO")]
)
async def test_what_a_disk_fails_to_keep_is_refused_and_the_file_is_opened_anew(
    tmp_path: Path, calls: str, error: str
) -> None:
    """Never tried again as if nothing had been: the pages in memory prove nothing after that."""
    trace = tmp_path / "trace"
    answer = await asyncio.to_thread(commits_while, trace, f"{calls}:error={error}:when=30..36", tmp_path / "o.db")
    failed = trace.read_text().index(f" {error} ")
    assert answer["refused"] >= 1
    assert 'o.db", O_RDWR' in trace.read_text()[failed:], "the file was not opened anew"
    outbox = await an_outbox(tmp_path / "o.db")
    found = [item.header.sequence for item in await outbox.unsent(0, 1 << 30)]
    assert set(answer["kept"]) <= set(found)
    assert found == list(range(1, len(found) + 1))
    assert answer["kept"][-1] == found[-1], "it did not go on unaided"
    await outbox.close()


def commits_while(trace: Path, fault: str, path: Path) -> dict[str, Any]:
    """Commit thirty times in a process whose system calls fail now and then; return what it was told."""
    command = [
        "strace",
        "-f",
        "-o",
        str(trace),
        "-e",
        f"trace={fault.partition(':')[0]},openat",
        "-e",
        f"inject={fault}",
    ]
    command += [sys.executable, "-c", COMMITS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip("nobody may trace here")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def fill(disk: Path) -> None:
    """Write until nothing more can be written."""
    with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def take_inodes(disk: Path) -> list[Path]:
    """Make files until no more can be made."""
    taken = []
    with contextlib.suppress(OSError):
        for place in range(50):
            path = disk / f"i{place}"
            path.touch()
            taken.append(path)
    return taken
