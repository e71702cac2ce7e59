"""Telling people: messages are kept, then sent, each target at its own pace, by one process at a time.

1. `Teller.tell` puts a message before every target whose route wants it; a message that was put before is not again.
2. `Teller.run` sends what is due while it holds the lease: oldest first, for each alert in order. What a target cannot
   take now is tried again after a growing pause; what it never takes, or not in nearly a day, is given up and listed.
3. When many alerts wait for one target, they are told in one message, and the others are noted as folded into it.

A crash between a target's answer and our note of it sends the message once more, under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from lineside.domain.errors import StorageError
from lineside.domain.notifying.delivery import FOLD_FROM, Deferred, Delivered, Outcome, next_attempt
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.notifying.routing import Target
from lineside.domain.units import DAY, MINUTE, SECOND
from lineside.ports import Clock, Notifier

LEASE: Final = "notify"
RECORD: Final = "audit record"
"""Stands in the place of a target for what is only recorded."""
LEASE_TIME: Final = 15 * SECOND
_LOOK_SECONDS: Final = 0.5
_KEPT: Final = 30 * DAY


class Item(Protocol):
    """A message on its way to a target."""

    @property
    def target(self) -> str:
        """The target's id."""

    @property
    def message(self) -> Message:
        """What is told."""

    @property
    def attempts(self) -> int:
        """How often it has been tried."""


class Queue(Protocol):
    """Where messages are kept until they are sent."""

    async def add(self, target: str, message: Message, now: int, *, state: str = "waiting") -> bool:
        """Put a message before a target, or note it as settled by another state; return whether it was new."""

    async def due(self, now: int) -> Sequence[Item]:
        """Return what is due."""

    async def settle(
        self, target: str, message: str, now: int, *, state: str, attempts: int, reason: str = "", due: int = 0
    ) -> None:
        """Note what became of a message."""

    async def sent_since(self, target: str, since: int) -> int:
        """Return how many messages a target has been sent since a time."""

    async def forget(self, before: int) -> None:
        """Forget what was settled before a time."""

    async def hold(self, name: str, holder: str, now: int, until: int) -> bool:
        """Take or renew a lease."""

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back."""


Audit = Callable[[str, Mapping[str, object]], Awaitable[object]]


@dataclass(slots=True)
class Teller:
    """Keeps and sends messages.

    Args:
        queue: where they are kept.
        targets: where they go, each with its notifier.
        clock: wall time.
        holder: who sends, if more than one process could.
        audit: takes what was sent and what was given up.
    """

    queue: Queue
    targets: Mapping[str, tuple[Target, Notifier]]
    clock: Clock
    holder: str
    audit: Audit
    jitter: Callable[[], float] = random.random
    new: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, message: Message) -> int:
        """Put a message before every target that wants it; return how many had not got it before."""
        added = 0
        for target, _ in self.targets.values():
            if target.route.wants(message):
                added += await self.queue.add(target.id, message, self.clock.now())
        if added:
            self.new.set()
        return added

    async def record(self, message: Message) -> None:
        """Put an escalation into the audit record, once, whether or not anybody is told of it."""
        if await self.queue.add(RECORD, message, self.clock.now(), state="sent"):
            await self.audit("alert.escalated", {"alert": message.alert, "to": message.role, "message": message.id})

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                self.new.clear()
                with contextlib.suppress(StorageError):
                    await self.step()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self.new.wait()
        finally:
            with contextlib.suppress(StorageError):
                await self.queue.release(LEASE, self.holder)

    async def step(self) -> int:
        """Send what is due, if the lease is ours; return how many messages were tried."""
        now = self.clock.now()
        if not self.targets or not await self.queue.hold(LEASE, self.holder, now, now + LEASE_TIME):
            return 0
        await self.queue.forget(now - _KEPT)
        waiting: dict[str, list[Item]] = {}
        for item in await self.queue.due(now):
            waiting.setdefault(item.target, []).append(item)
        tried = await asyncio.gather(*(self._send(name, items) for name, items in waiting.items()))
        return sum(tried)

    async def _send(self, name: str, items: list[Item]) -> int:
        """Send what is due to one target, as fast as it may be sent, until the lease has to be renewed."""
        known, now = self.targets.get(name), self.clock.now()
        if known is None:
            for item in items:
                await self._note(item, state="dropped", reason="the target is not configured any more")
            return 0
        target, notifier = known
        room = target.per_minute - await self.queue.sent_since(name, now - MINUTE)
        tried = 0
        for item in await self._folded(items):
            if tried >= room or self.clock.now() - now > LEASE_TIME // 2:
                break
            tried += 1
            await self._settle(item, await notifier.deliver(item.message))
        return tried

    async def _folded(self, items: list[Item]) -> list[Item]:
        """Return what is sent of waiting items: of many new alerts one, which stands for the others."""
        new = [item for item in items if item.message.occasion is Occasion.RAISED and not item.attempts]
        if len(new) < FOLD_FROM:
            return items
        first, *others = new
        for item in others:
            await self._note(item, state="folded", reason=f"told in {first.message.id}")
        told = _One(first.target, replace(first.message, folded=len(others)), first.attempts)
        return [told, *(item for item in items if item not in new)]

    async def _settle(self, item: Item, outcome: Outcome) -> None:
        now, attempts = self.clock.now(), item.attempts + 1
        said = {"target": item.target, "message": item.message.id, "attempts": attempts}
        if isinstance(outcome, Delivered):
            await self.audit("notify.sent", said)
            await self._note(item, state="sent", reason=outcome.reference, tried=1)
            return
        again = None
        if isinstance(outcome, Deferred):
            again = next_attempt(attempts, now, outcome.pause, self.jitter())
        if again is None:
            await self.audit("notify.given_up", {**said, "reason": outcome.reason})
        state = "dead" if again is None else "waiting"
        await self._note(item, state=state, reason=outcome.reason, tried=1, due=again or 0)

    async def _note(self, item: Item, *, state: str, reason: str, tried: int = 0, due: int = 0) -> None:
        attempts = item.attempts + tried
        await self.queue.settle(
            item.target, item.message.id, self.clock.now(), state=state, attempts=attempts, reason=reason, due=due
        )


@dataclass(frozen=True, slots=True)
class _One:
    """A message that stands for others."""

    target: str
    message: Message
    attempts: int
