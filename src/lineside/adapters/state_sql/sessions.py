"""Sessions, known devices and attempts to log in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from lineside.adapters.state_sql.accounts import account_of
from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import accounts, devices, failures, sessions
from lineside.domain.access import Session


class Sessions(Store):
    """Who is logged in; only hashes of what browsers hold are kept."""

    async def add(self, token_hash: str, account_id: str, now: int) -> None:
        """Keep a new session."""
        values = {"token_hash": token_hash, "account_id": account_id, "created": now, "used": now}
        await self._run(lambda connection: connection.execute(insert(sessions).values(values)))

    async def get(self, token_hash: str) -> Session | None:
        """Return the session with its account as it is now; None where it has ended or the account is disabled."""

        def work(connection: Connection) -> Session | None:
            wanted = (
                select(accounts, sessions.c.created.label("began"), sessions.c.used)
                .join(sessions, sessions.c.account_id == accounts.c.id)
                .where((sessions.c.token_hash == token_hash) & accounts.c.disabled.is_(False))
            )
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return None
            return Session(token_hash=token_hash, account=account_of(row), created=row.began, used=row.used)

        return await self._run(work)

    async def touch(self, token_hash: str, now: int) -> None:
        """Note that a session was used."""
        await self._run(
            lambda connection: connection.execute(
                update(sessions).where(sessions.c.token_hash == token_hash).values(used=now)
            )
        )

    async def end(self, token_hash: str) -> None:
        """End a session."""
        await self._run(
            lambda connection: connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))
        )

    async def end_older(self, created_before: int, used_before: int) -> int:
        """End the sessions that began or were last used before these times; return how many."""
        old = (sessions.c.created < created_before) | (sessions.c.used < used_before)
        return await self._run(lambda connection: connection.execute(delete(sessions).where(old)).rowcount)

    async def holding(self, token_hashes: Sequence[str], created_after: int, used_after: int) -> frozenset[str]:
        """Return those of the sessions that still hold."""
        wanted = (
            select(sessions.c.token_hash)
            .join(accounts, sessions.c.account_id == accounts.c.id)
            .where(
                sessions.c.token_hash.in_(tuple(token_hashes))
                & accounts.c.disabled.is_(False)
                & (sessions.c.created >= created_after)
                & (sessions.c.used >= used_after)
            )
        )
        return await self._run(lambda connection: frozenset(connection.execute(wanted).scalars()))

    async def know_device(self, device_hash: str, account_id: str, now: int) -> None:
        """Remember that a browser has logged into an account."""
        values = {"device_hash": device_hash, "account_id": account_id, "created": now}
        await self._run(lambda connection: connection.execute(insert(devices).values(values)))

    async def knows_device(self, device_hash: str, account_id: str) -> bool:
        """Return whether a browser has logged into this account before."""
        wanted = select(func.count()).where(
            (devices.c.device_hash == device_hash) & (devices.c.account_id == account_id)
        )
        return await self._run(lambda connection: connection.execute(wanted).scalar_one() > 0)


class Attempts(Store):
    """Attempts to log in that have failed of late, or are under way, by what they are counted against."""

    async def begin(self, about: Sequence[str], now: int, *, since: int, most: int) -> tuple[int, ...]:
        """Count an attempt against each of the names, unless one of them has reached ``most`` since a time.

        Counting before trying keeps many attempts at once within the same limit as one after the other.

        Returns:
            The numbers to `forgive` where it succeeds; nothing where it must not be made.
        """
        counts = select(func.count()).where(failures.c.about.in_(tuple(about)) & (failures.c.time > since))

        def work(connection: Connection) -> tuple[int, ...]:
            connection.execute(delete(failures).where(failures.c.time <= since))
            if max(connection.execute(counts.group_by(failures.c.about)).scalars(), default=0) >= most:
                return ()
            added = [connection.execute(insert(failures).values(about=name, time=now)) for name in about]
            return tuple(int(item.inserted_primary_key[0]) for item in added if item.inserted_primary_key is not None)

        return await self._run(work)

    async def forgive(self, numbers: Sequence[int]) -> None:
        """Forget attempts: they succeeded."""
        await self._run(lambda connection: connection.execute(delete(failures).where(failures.c.number.in_(numbers))))
