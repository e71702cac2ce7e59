"""A process that watches a folder is killed again and again: every row is recorded exactly once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

WATCHER = """
import asyncio, os, sys
from pathlib import Path
from lineside.adapters.files.source import FileOptions, open_source
from lineside.domain.plan.model import FilesSpec
from lineside.testing.clocks import WallClock
from lineside.testing.plans import plan_with_source

root = Path(sys.argv[1])
record = open(root / "record", "ab", buffering=0)
known = frozenset((root / "record").read_text().split())
plan = plan_with_source({"kind": "files", "path": "drop", "time_column": "time"}, cycle={"by": "rows"})
options = FileOptions(follow=True, state=root / "files.db", block_rows=3, recorded=known)

async def main():
    spec = plan.source_as(FilesSpec, "machine")
    source = open_source(
        plan, spec, WallClock(), root=root, options=options, sleep=lambda seconds: asyncio.sleep(seconds / 50)
    )
    async for delivery in source.deliveries():
        record.write("".join(f"{row.cycle_id}\\n" for row in delivery.rows).encode())
        os.fsync(record.fileno())
        await asyncio.sleep(0.002)
        await source.acknowledge(delivery.token)

asyncio.run(main())
"""
FILES, ROWS = 12, 40


def test_a_watcher_that_is_killed_again_and_again_records_every_row_once(tmp_path: Path) -> None:
    drop, record = tmp_path / "drop", tmp_path / "record"
    drop.mkdir()
    record.touch()
    start = time.time_ns() - 3_600 * 10**9
    for file in range(FILES):
        rows = "".join(f"{start + (file * ROWS + row) * 10**9},{row}\n" for row in range(ROWS))
        (drop / f"{file:02}.csv").write_text(f"time,temperature\n{rows}")
    kills, deadline = 0, time.monotonic() + 90
    while len(record.read_text().split()) < FILES * ROWS:
        before = len(record.read_text().split())
        process = subprocess.Popen([sys.executable, "-c", WATCHER, str(tmp_path)], env=os.environ)
        while process.poll() is None and time.monotonic() < deadline:
            recorded = len(record.read_text().split())
            if recorded >= FILES * ROWS or recorded >= before + 110:
                break
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        assert time.monotonic() < deadline, record.read_text()
    lines = record.read_text().split()
    assert sorted(lines) == sorted(f"press:{file:02}:{row}" for file in range(FILES) for row in range(1, ROWS + 1))
    assert kills >= 4
