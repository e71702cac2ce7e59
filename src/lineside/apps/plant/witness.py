"""The plant vouches for the gateways' audit chains: it notes in its own how far each has come."""

from __future__ import annotations

from typing import Final

from lineside.domain.audit import WITNESSED
from lineside.domain.units import MINUTE
from lineside.ports import AuditLog
from lineside.wire.status import GatewayStatus

EVERY: Final = MINUTE
"""Nanoseconds between two notes on one gateway, so that a cut of its chain's end shows within as long."""


class Witness:
    """Hears gateways' statuses and notes their chains in an audit record."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._noted: dict[str, tuple[int, int]] = {}

    async def hear(self, status: GatewayStatus, now: int) -> None:
        """Note a gateway's chain if it has grown and the last note is old enough; ``now`` is wall time.

        Raises:
            StorageError: it could not be noted.
        """
        when, sequence = self._noted.get(status.gateway, (0, 0))
        if status.audited <= sequence or now - when < EVERY:
            return
        content = {"writer": status.gateway, "sequence": status.audited, "hash": status.audit_hash}
        await self._audit.append(WITNESSED, content)
        self._noted[status.gateway] = (now, status.audited)
