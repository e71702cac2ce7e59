"""Which gateways the plant knows, and the tokens with which new ones may enrol."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import gateways, tokens
from lineside.domain.enrolment import Applicant, Gateway, TokenRecord, why_refused
from lineside.domain.errors import InputError


class Gateways(Store):
    """Gateways and enrolment tokens; what is spent or revoked stays, so that reasons can be given."""

    async def add_token(self, token: TokenRecord) -> None:
        """Keep a token; those that are still open for the same gateway end."""

        def work(connection: Connection) -> None:
            connection.execute(delete(tokens).where((tokens.c.gateway == token.gateway) & (tokens.c.used_by == "")))
            connection.execute(insert(tokens).values(asdict(token)))

        await self._run(work)

    async def token(self, token_id: str) -> TokenRecord | None:
        """Return the token of that id, None where there is none."""
        return await self._run(lambda connection: _token(connection, token_id))

    async def tokens(self) -> tuple[TokenRecord, ...]:
        """Return every token, also those that are spent or over."""
        wanted = select(tokens).order_by(tokens.c.id)
        return await self._run(lambda connection: tuple(_token_of(row) for row in connection.execute(wanted)))

    async def forget_tokens(self, before: int) -> None:
        """Forget the tokens that ended before a time."""
        await self._run(lambda connection: connection.execute(delete(tokens).where(tokens.c.expires < before)))

    async def enrol(self, applicant: Applicant, now: int) -> str:
        """Spend a token and take its gateway in, in one step; return why not, ``""`` where it is done.

        The gateway's earlier keys end. The same applicant may ask again.
        """

        def work(connection: Connection) -> str:
            if refused := why_refused(_token(connection, applicant.token), applicant, now):
                return refused
            taken = connection.execute(
                select(gateways.c.name).where(
                    (gateways.c.key == applicant.key) & (gateways.c.name != applicant.gateway)
                )
            ).scalar_one_or_none()
            if taken is not None:
                return f"the device's key is that of the gateway {taken}: every gateway has a key of its own"
            connection.execute(update(tokens).where(tokens.c.id == applicant.token).values(used_by=applicant.key))
            connection.execute(delete(gateways).where(gateways.c.name == applicant.gateway))
            connection.execute(
                insert(gateways).values(
                    name=applicant.gateway,
                    site=applicant.site,
                    line=applicant.line,
                    key=applicant.key,
                    exchange=applicant.exchange,
                    enrolled=now,
                )
            )
            return ""

        return await self._run(work)

    async def all(self) -> tuple[Gateway, ...]:
        """Return every gateway by name, revoked ones included."""
        wanted = select(gateways).order_by(gateways.c.name)
        return await self._run(lambda connection: tuple(_gateway_of(row) for row in connection.execute(wanted)))

    async def named(self, name: str) -> Gateway:
        """Return the gateway of that name.

        Raises:
            InputError: there is none.
        """
        every = await self.all()
        for gateway in every:
            if gateway.name == name:
                return gateway
        raise InputError("no such gateway", field="gateway", value=name, choices=[item.name for item in every])

    async def revoke(self, name: str, now: int) -> None:
        """Take a gateway's rights away, and its open tokens.

        Raises:
            InputError: there is no such gateway.
        """
        await self.named(name)

        def work(connection: Connection) -> None:
            still = (gateways.c.name == name) & gateways.c.revoked.is_(None)
            connection.execute(update(gateways).where(still).values(revoked=now))
            connection.execute(delete(tokens).where(tokens.c.gateway == name))

        await self._run(work)

    async def rotate(self, name: str, old: str, new: str) -> bool:
        """Put a gateway's new key in the place of the old one; return whether the old one was its key."""

        def work(connection: Connection) -> bool:
            known = (gateways.c.name == name) & (gateways.c.key == old) & gateways.c.revoked.is_(None)
            return connection.execute(update(gateways).where(known).values(key=new)).rowcount == 1

        return await self._run(work)


def _token(connection: Connection, token_id: str) -> TokenRecord | None:
    row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
    return None if row is None else _token_of(row)


def _token_of(row: Row[Any]) -> TokenRecord:
    return TokenRecord(**row._asdict())


def _gateway_of(row: Row[Any]) -> Gateway:
    return Gateway(**row._asdict())
