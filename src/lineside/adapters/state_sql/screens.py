"""Screens of other systems that may show some stations, and answer links that were used."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, select, update

from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import screens, spent_links


@dataclass(frozen=True, kw_only=True, slots=True)
class Screen:
    """A screen of another system: which stations it may show (empty: all), on pages of which origins, until when.

    Times are UTC ns; ``revoked`` is 0 while the token holds.
    """

    id: str
    label: str
    stations: tuple[str, ...]
    origins: tuple[str, ...]
    created: int
    expires: int
    revoked: int = 0

    def holds(self, now: int) -> bool:
        """Return whether its token still holds."""
        return not self.revoked and now < self.expires

    def may_show(self, station: str) -> bool:
        """Return whether it may show a station."""
        return not self.stations or station in self.stations


class Screens(Store):
    """Screens by the hash of their tokens, and the marks of spent links."""

    async def add(self, screen: Screen, token_hash: str) -> None:
        """Keep a screen."""
        values = {
            "id": screen.id, "token_hash": token_hash, "label": screen.label, "stations": " ".join(screen.stations),
            "origins": " ".join(screen.origins), "created": screen.created, "expires": screen.expires, "revoked": None,
        }  # fmt: skip
        await self._run(lambda connection: connection.execute(screens.insert().values(values)))

    async def by_token(self, token_hash: str) -> Screen | None:
        """Return the screen of a token, None where there is none."""
        wanted = select(screens).where(screens.c.token_hash == token_hash)
        row = await self._run(lambda connection: connection.execute(wanted).one_or_none())
        return None if row is None else _screen(row)

    async def all(self) -> tuple[Screen, ...]:
        """Return every screen, also those whose tokens are over."""
        wanted = select(screens).order_by(screens.c.created)
        return await self._run(lambda connection: tuple(_screen(row) for row in connection.execute(wanted)))

    async def revoke(self, screen: str, now: int) -> bool:
        """End a screen's token; return whether it held until now."""
        wanted = update(screens).where((screens.c.id == screen) & screens.c.revoked.is_(None)).values(revoked=now)
        return await self._run(lambda connection: connection.execute(wanted).rowcount == 1)

    async def is_spent(self, mark: str) -> bool:
        """Return whether a link was used."""
        wanted = select(spent_links.c.mark).where(spent_links.c.mark == mark)
        return await self._run(lambda connection: connection.execute(wanted).first() is not None)

    async def spend(self, mark: str, expires: int, now: int) -> bool:
        """Note that a link is used; return whether it was not before."""

        def work(connection: Connection) -> bool:
            connection.execute(delete(spent_links).where(spent_links.c.expires < now))
            if connection.execute(select(spent_links.c.mark).where(spent_links.c.mark == mark)).first() is not None:
                return False
            connection.execute(spent_links.insert().values(mark=mark, expires=expires))
            return True

        return await self._run(work)


def _screen(row: Row[tuple[object, ...]]) -> Screen:
    return Screen(
        id=row.id,
        label=row.label,
        stations=tuple(row.stations.split()),
        origins=tuple(row.origins.split()),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked or 0,
    )
