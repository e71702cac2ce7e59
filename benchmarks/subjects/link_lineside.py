"""Lineside at `link`: an outbox with a backlog, the forwarder, an embedded NATS server, and ingest with its landing.

The plant's side is a process of its own, as it is in use. Every record is fsynced there before its watermark is
signed; timed from the first request to the watermark that covers the last record.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.nats_server import EmbeddedNats
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.flows.forward import Forwarder, Origin
from lineside.flows.ingest import Ingest, serve_ingest
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects
from subjects.frames import frames_of
from subjects.plans import line_of
from subjects.workload import PER_CYCLE

ROOT = Path(__file__).resolve().parent.parent
KEY = b"k" * 32


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that fills an outbox and drains it into a landing table."""
    frames, size = frames_of(line_of(int(work["signals"])), work), int(work["batch"])
    count = int(work["signals"]) * int(work["cycles"]) * PER_CYCLE

    def run() -> dict[str, object]:
        folder = Path(tempfile.mkdtemp(dir=ROOT))
        try:
            seconds = asyncio.run(_drain(folder, [(RecordKind.READINGS, frame, size) for frame in frames]))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {"value": count / seconds, "wall_s": seconds}

    return run


async def _drain(folder: Path, items: list[tuple[RecordKind, bytes, int]]) -> float:
    outbox = await SqliteOutbox.open(folder / "outbox.db", writer="g", site="site", line="line", clock=SystemClock())
    await outbox.commit(items)
    server = EmbeddedNats(folder / "nats")
    address = await server.start()
    code = f"import subjects.link_lineside as link; link.plant({address.url!r}, {address.user!r}, "
    plant = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{code}{address.password!r}, {str(folder)!r})", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert plant.stdout is not None
    await plant.stdout.readline()
    bus = await NatsBus.open(address, name="g", within=5.0)
    forwarder = Forwarder(
        outbox=outbox, bus=bus, origin=Origin(writer="g", holder="bench", subjects=Subjects("site", "line")), key=KEY
    )
    started = time.perf_counter()
    forwarding = asyncio.create_task(forwarder.run())
    await forwarder.drained()
    seconds = time.perf_counter() - started
    forwarding.cancel()
    await asyncio.gather(forwarding, return_exceptions=True)
    plant.kill()
    await plant.wait()
    await bus.close()
    await server.stop()
    await outbox.close()
    return seconds


def plant(url: str, user: str, password: str, folder: str) -> None:
    """Be the plant's side: answer ingest requests until killed."""
    asyncio.run(_plant(NatsAddress(url=url, user=user, password=password), Path(folder) / "landing.db"))


async def _plant(address: NatsAddress, path: Path) -> None:
    bus = await NatsBus.open(address, name="plant", within=5.0)
    landing = await SqliteLanding.open(path)
    await serve_ingest(
        bus, Ingest(landing=landing, key=KEY, site="site", lines=["line"], clock=SystemClock()), "site", ["line"]
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()
