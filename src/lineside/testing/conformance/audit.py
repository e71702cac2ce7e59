"""What every audit record keeps to. Each check takes a new, empty one."""

from __future__ import annotations

import asyncio

from lineside.domain.audit import verify_chain
from lineside.ports import AuditLog


async def check_entries_come_back_in_order(audit: AuditLog) -> None:
    """What is added is there, in order, numbered from one."""
    added = [await audit.append("login", {"account": number}) for number in range(5)]
    assert await audit.entries() == tuple(added)
    assert [entry.sequence for entry in added] == [1, 2, 3, 4, 5]
    assert await audit.entries(after=3) == tuple(added[3:])


async def check_entries_form_a_sound_chain(audit: AuditLog) -> None:
    """The chain verifies, also when many add at once."""
    await asyncio.gather(*(audit.append("response", {"number": number}) for number in range(50)))
    entries = await audit.entries()
    assert len(entries) == 50
    assert verify_chain(entries) == ()


CHECKS = (check_entries_come_back_in_order, check_entries_form_a_sound_chain)
