"""The edge of the rig: commits records of readings to an outbox for ever and forwards them, as a gateway does.

Run as ``python -m lineside.testing.faults.edge FOLDER SERVER``. Each commit that returned is printed, as
``acked <epoch> <sequence>``: what stands there is accepted and must never be lost. A commit that failed is printed as
``refused <why>`` and tried again with the same readings.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path
from typing import Final

from lineside.adapters.clocks import SystemClock
from lineside.adapters.durable_files import load_key
from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.apps.gateway.salvaging import check_outbox, forward_saved, leave_receipt
from lineside.domain.errors import StorageError
from lineside.flows.forward import Forwarder, Origin
from lineside.ports import Outbox
from lineside.testing.records import CATALOGUE, a_readings_body
from lineside.wire.codecs import encode_catalogue
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects

BATCH: Final = 50
"""Readings in a record."""
WRITER: Final = "gw"
SUBJECTS: Final = Subjects("site", "line")
_PAUSE: Final = 0.01
_AGAIN: Final = 0.1


async def run(folder: Path, server: str) -> None:
    """Commit and forward until the process is ended."""
    saved = await check_outbox(folder / "outbox.db", writer=WRITER, site="site", line="line", clock=SystemClock())
    if saved is not None:
        print(f"salvaged {saved.saved} unreadable {saved.unreadable}: {saved.damage}", flush=True)
    outbox = await _opened(folder)
    if saved is not None:
        await leave_receipt(outbox, saved, SystemClock().now())
    bus = await NatsBus.open(NatsAddress(url=server, lab=True), name=WRITER)
    origin = Origin(writer=WRITER, holder=secrets.token_hex(8), subjects=SUBJECTS)

    def forwarder_of(outbox: Outbox) -> Forwarder:
        return Forwarder(outbox=outbox, bus=bus, origin=origin, key=load_key(folder / "watermark.key"))

    forwarding = asyncio.create_task(forwarder_of(outbox).run())
    saving = asyncio.create_task(forward_saved(folder, forwarder_of, _outbox_at))
    while not forwarding.done():
        await _commit(outbox)
        await asyncio.sleep(_PAUSE)
    saving.cancel()
    print(f"stopped {forwarding.exception()}", flush=True)


async def _outbox_at(path: Path) -> SqliteOutbox:
    return await SqliteOutbox.open(path, writer=WRITER, site="site", line="line", clock=SystemClock())


async def _opened(folder: Path) -> SqliteOutbox:
    while True:
        try:
            outbox = await _outbox_at(folder / "outbox.db")
            await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
        except StorageError as error:
            print(f"refused {error}", flush=True)
            await asyncio.sleep(_AGAIN)
        else:
            return outbox


async def _commit(outbox: SqliteOutbox) -> None:
    """Commit one record; its readings' values follow from its sequence, so that each can be found again."""
    sequence = outbox.last + 1
    try:
        await outbox.commit([(RecordKind.READINGS, a_readings_body(sequence * BATCH, BATCH), BATCH)])
    except StorageError as error:
        print(f"refused {error}", flush=True)
        await asyncio.sleep(_AGAIN)
    else:
        print(f"acked {outbox.epoch} {sequence}", flush=True)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))
