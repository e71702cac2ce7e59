"""The site of the rig: lands what arrives and moves it into the history, as a plant does.

Run as ``python -m lineside.testing.faults.site FOLDER SERVER``. Prints ``ready``, then ``held <position>`` whenever
the history has come further.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from lineside.adapters.clocks import SystemClock
from lineside.adapters.durable_files import load_key
from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.apps.plant.stores import open_stores
from lineside.flows.compact import Compactor
from lineside.flows.ingest import Ingest, serve_ingest
from lineside.testing.faults.edge import SUBJECTS

_EVERY: Final = 0.3


async def run(folder: Path, server: str) -> None:
    """Land and compact until the process is ended."""
    stores = await open_stores(folder / "landing.db", folder / "history")
    landing, history = stores.landing, stores.history
    for what in stores.mended:
        print(f"mended {what}", flush=True)
    bus = await NatsBus.open(NatsAddress(url=server, lab=True), name="site")
    key = load_key(folder / "watermark.key")
    ingest = Ingest(landing=landing, key=key, site=SUBJECTS.site, lines=[SUBJECTS.line], clock=SystemClock())
    await serve_ingest(bus, ingest, SUBJECTS.site, [SUBJECTS.line])
    compactor = Compactor(landing=landing, history=history, every=_EVERY, keep=10_000)
    compacting = asyncio.create_task(compactor.run())
    print("ready", flush=True)
    held = -1
    while not compacting.done():
        if compactor.status.position != held:
            held = compactor.status.position
            print(f"held {held}", flush=True)
        await asyncio.sleep(_EVERY)
    compacting.result()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))
