"""Compare both ends: once an hour, and when asked, what the gateway accepted with what the plant's history holds.

In this order:

1. take the stretches that are complete, confirmed by the plant's watermark, and not yet found equal;
2. ask the plant what its history holds of them;
3. audit what differs, and show it until it no longer does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, Protocol

from lineside.domain.errors import IntegrityError, StorageError, UnavailableError
from lineside.domain.reconciling import STRETCH, Difference, Stretch, compare
from lineside.flows.forward import Origin
from lineside.ports import AuditLog, Bus
from lineside.wire.claims import Claim, encode_claim, read_answer

EVERY_SECONDS: Final = 3600.0
FIRST_SECONDS: Final = 60.0
WITHIN_SECONDS: Final = 30.0
MOST_STRETCHES: Final = 256
_RETRY_SECONDS: Final = 60.0


class Accounts(Protocol):
    """The part of an outbox that knows what was accepted."""

    @property
    def epoch(self) -> str:
        """The random name of the outbox."""

    async def stretches(self, after: int, most: int) -> tuple[Stretch, ...]:
        """Return the newest stretches behind a number that the plant has confirmed to their end, ascending."""


@dataclass(slots=True)
class ReconcileStatus:
    """How both ends compared: ``compared`` stretches were found equal so far, ``differences`` stand."""

    compared: int = 0
    rounds: int = 0
    differences: tuple[Difference, ...] = field(default=())
    problem: str = ""


class Reconciler:
    """Compares one outbox with the plant's history; what differs goes into ``audit``, where one is given."""

    def __init__(self, *, outbox: Accounts, bus: Bus, origin: Origin, key: bytes, audit: AuditLog | None) -> None:
        self._outbox = outbox
        self._bus = bus
        self._origin = origin
        self._key = key
        self._audit = audit
        self._equal_to = -1
        self._audited: set[int] = set()
        self._epoch = ""
        self.status = ReconcileStatus()

    async def run(self) -> None:
        """Compare until cancelled."""
        pause = FIRST_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = EVERY_SECONDS
            try:
                await self.compare_now()
            except (UnavailableError, IntegrityError, StorageError) as error:
                self.status.problem = str(error)
                pause = _RETRY_SECONDS

    async def compare_now(self) -> ReconcileStatus:
        """Compare once and return how it went.

        Raises:
            UnavailableError: the plant does not answer.
            IntegrityError: its answer cannot be trusted, or it says why it has none.
            StorageError: the outbox cannot be read, or what differs cannot be audited.
        """
        if self._epoch != self._outbox.epoch:
            self._epoch, self._equal_to = self._outbox.epoch, -1
        claimed = await self._outbox.stretches(self._equal_to, MOST_STRETCHES)
        differences: tuple[Difference, ...] = ()
        if claimed:
            differences = compare(claimed, await self._held(claimed))
            await self._audit_new(differences)
        self.status.compared += len(claimed) - len(differences)
        self.status.differences, self.status.problem = differences, ""
        self.status.rounds += 1
        unequal = {item.number for item in differences}
        self._equal_to = min(unequal) - 1 if unequal else max((item.number for item in claimed), default=self._equal_to)
        return self.status

    async def _held(self, claimed: tuple[Stretch, ...]) -> dict[int, Stretch]:
        subjects = self._origin.subjects
        claim = Claim(self._origin.writer, self._epoch, subjects.site, subjects.line, claimed)
        reply = await self._bus.request(subjects.ingest, encode_claim(claim), WITHIN_SECONDS)
        return read_answer(reply, self._epoch, self._key)

    async def _audit_new(self, differences: tuple[Difference, ...]) -> None:
        for item in differences:
            if self._audit is not None and item.number not in self._audited:
                content = {"epoch": self._epoch, "stretch": item.number, "of": STRETCH, "what": item.words}
                await self._audit.append("record.differs", content)
                self._audited.add(item.number)
