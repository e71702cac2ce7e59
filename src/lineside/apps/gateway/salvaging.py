"""Forwarding what was saved of damaged outboxes, beside the outbox in use, until the plant has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from lineside.adapters.outbox_salvage import Salvage, damage_of, salvage
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.receipts import Receipt
from lineside.flows.forward import Forwarder
from lineside.ports import Clock, Outbox
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

_SAVED: Final = "*.salvaged.db"
MakeForwarder = Callable[[Outbox], Forwarder]


async def check_outbox(path: Path, *, writer: str, site: str, line: str, clock: Clock) -> Salvage | None:
    """Check an outbox file before it is opened; where it is damaged, set it aside and save what can be read.

    Raises:
        StorageError: what was saved cannot be made durable.
    """
    damage = await asyncio.to_thread(damage_of, path)
    if not damage:
        return None
    return await salvage(path, damage, writer=writer, site=site, line=line, clock=clock)


def evidence_of(saved: Salvage) -> dict[str, object]:
    """Return what the audit record keeps of a salvage."""
    return {"aside": saved.aside.name, "damage": saved.damage, "saved": saved.saved, "unreadable": saved.unreadable}


async def leave_receipt(outbox: Outbox, saved: Salvage, now: int) -> None:
    """Record in the new outbox that the old one was damaged, where nothing of it could be read.

    What was read in part needs none: each record that could not be read is quarantined in its place.
    """
    if saved.outbox is not None:
        return
    receipt = Receipt(
        id=f"damaged-{saved.aside.name}-{now}",
        source="outbox",
        reason="the outbox file was damaged and nothing of it can be read; how many readings it held is not known",
        signals=(),
        first=now,
        last=now,
        count=0,
        recorded=now,
    )
    await outbox.commit([(RecordKind.RECEIPTS, encode_items([receipt]), 1)])


async def forward_saved(
    folder: Path, make: MakeForwarder, open_outbox: Callable[[Path], Awaitable[SqliteOutbox]]
) -> None:
    """Forward every saved outbox of a folder, one after another, and remove each once the plant has all of it.

    Runs until cancelled, so that it can stand beside what runs for ever.
    """
    for path in sorted(await asyncio.to_thread(lambda: list(folder.glob(_SAVED)))):
        outbox = await open_outbox(path)
        forwarder = make(outbox)
        forwarding = asyncio.create_task(forwarder.run(), name=f"forward {path.name}")
        try:
            drained = asyncio.create_task(forwarder.drained())
            await asyncio.wait([drained, forwarding], return_when=asyncio.FIRST_COMPLETED)
            if forwarding.done():
                forwarding.result()
        finally:
            for task in (drained, forwarding):
                task.cancel()
            await asyncio.gather(drained, forwarding, return_exceptions=True)
            await outbox.close()
        await asyncio.to_thread(_remove, path)
    await asyncio.Event().wait()


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.stem}.lock"):
        path.with_name(name).unlink(missing_ok=True)
