"""Messages on their way to targets: kept before they are sent, so that none is lost and none is told twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, Row, delete, select, update

from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import deliveries, leases
from lineside.domain.notifying.messages import Message

WAITING, SENT, FOLDED, DEAD, DROPPED = "waiting", "sent", "folded", "dead", "dropped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message on its way to one target; times are UTC ns."""

    target: str
    message: Message
    created: int
    due: int
    attempts: int
    state: str
    reason: str
    changed: int


class Deliveries(Store):
    """The queue of messages, and the lease of who sends."""

    async def add(self, target: str, message: Message, now: int, *, state: str = WAITING) -> bool:
        """Put a message before a target, or note it as settled by another state; return whether it was new."""
        values = {
            "target": target, "message": message.id, "alert": message.alert, "created": now, "due": now, "attempts": 0,
            "state": state, "reason": "", "changed": now, "body": msgspec.json.encode(message).decode(),
        }  # fmt: skip
        same = (deliveries.c.target == target) & (deliveries.c.message == message.id)

        def work(connection: Connection) -> bool:
            if connection.execute(select(deliveries.c.message).where(same)).first() is not None:
                return False
            connection.execute(deliveries.insert().values(values))
            return True

        return await self._run(work)

    async def due(self, now: int, most: int = 500) -> tuple[Delivery, ...]:
        """Return what is due, oldest first: of each alert and target the oldest message that waits."""
        wanted = (
            select(deliveries)
            .where(deliveries.c.state == WAITING)
            .order_by(deliveries.c.created, deliveries.c.message)
            .limit(most * 4)
        )

        def work(connection: Connection) -> tuple[Delivery, ...]:
            heads: dict[tuple[str, str], Delivery] = {}
            for row in connection.execute(wanted):
                heads.setdefault((row.target, row.alert), _delivery(row))
            return tuple(item for item in heads.values() if item.due <= now)[:most]

        return await self._run(work)

    async def settle(
        self, target: str, message: str, now: int, *, state: str, attempts: int, reason: str = "", due: int = 0
    ) -> None:
        """Note what became of a message."""
        wanted = (
            update(deliveries)
            .where((deliveries.c.target == target) & (deliveries.c.message == message))
            .values(state=state, reason=reason[:500], changed=now, due=due or now, attempts=attempts)
        )
        await self._run(lambda connection: connection.execute(wanted))

    async def listed(self, states: Sequence[str] = (), most: int = 200) -> tuple[Delivery, ...]:
        """Return the latest messages, those of some states or all."""
        wanted = select(deliveries).order_by(deliveries.c.changed.desc()).limit(most)
        if states:
            wanted = wanted.where(deliveries.c.state.in_(states))
        return await self._run(lambda connection: tuple(_delivery(row) for row in connection.execute(wanted)))

    async def sent_since(self, target: str, since: int) -> int:
        """Return how many messages a target has been sent since a time."""
        wanted = select(deliveries.c.message).where(
            (deliveries.c.target == target) & (deliveries.c.state == SENT) & (deliveries.c.changed >= since)
        )
        return await self._run(lambda connection: len(connection.execute(wanted).all()))

    async def again(self, target: str, message: str, now: int) -> bool:
        """Let a message that was given up be tried again; return whether there was one."""
        wanted = (
            update(deliveries)
            .where((deliveries.c.target == target) & (deliveries.c.message == message) & (deliveries.c.state == DEAD))
            .values(state=WAITING, due=now, attempts=0, reason="", changed=now)
        )
        return await self._run(lambda connection: connection.execute(wanted).rowcount == 1)

    async def forget(self, before: int) -> None:
        """Forget what was settled before a time; what waits stays."""
        wanted = delete(deliveries).where((deliveries.c.state != WAITING) & (deliveries.c.changed < before))
        await self._run(lambda connection: connection.execute(wanted))

    async def hold(self, name: str, holder: str, now: int, until: int) -> bool:
        """Take or renew a lease; return whether ``holder`` has it."""

        def work(connection: Connection) -> bool:
            row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            if row is not None and row.holder != holder and row.until > now:
                return False
            connection.execute(delete(leases).where(leases.c.name == name))
            connection.execute(leases.insert().values(name=name, holder=holder, until=until))
            return True

        return await self._run(work)

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back."""
        wanted = delete(leases).where((leases.c.name == name) & (leases.c.holder == holder))
        await self._run(lambda connection: connection.execute(wanted))


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        target=row.target,
        message=msgspec.json.decode(row.body, type=Message),
        created=row.created,
        due=row.due,
        attempts=row.attempts,
        state=row.state,
        reason=row.reason,
        changed=row.changed,
    )
