"""The plans that gateways were given, and how each gateway stands with its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import configurations, placements


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredConfiguration:
    """A plan's text under its version; ``created`` is UTC ns."""

    version: int
    site: str
    line: str
    plan: str
    created: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """The version that a gateway shall run, the one it runs, and what came of the first (see `Outcome`)."""

    gateway: str
    version: int
    running: int = 0
    outcome: str = ""
    reason: str = ""
    changed: int = 0


class Configurations(Store):
    """Versions count up and are never used again."""

    async def add(self, site: str, line: str, plan: str, now: int) -> int:
        """Keep a plan, and return its version."""

        def work(connection: Connection) -> int:
            version = int(connection.execute(select(func.coalesce(func.max(configurations.c.version), 0))).scalar_one())
            values = {"version": version + 1, "site": site, "line": line, "plan": plan, "created": now}
            connection.execute(insert(configurations).values(values))
            return version + 1

        return await self._run(work)

    async def newest(self, site: str, line: str) -> StoredConfiguration | None:
        """Return the newest of a line, None where it has none."""
        mine = (configurations.c.site == site) & (configurations.c.line == line)
        wanted = select(configurations).where(mine).order_by(configurations.c.version.desc()).limit(1)
        return await self._one(wanted)

    async def version(self, version: int) -> StoredConfiguration | None:
        """Return the one of that version, None where there is none."""
        return await self._one(select(configurations).where(configurations.c.version == version))

    async def place(self, gateway: str, version: int, now: int) -> None:
        """Say that a gateway shall run a version; what it said of the one before is kept until it says more."""

        def work(connection: Connection) -> None:
            known = connection.execute(select(placements).where(placements.c.gateway == gateway)).one_or_none()
            running = 0 if known is None else known.running
            connection.execute(delete(placements).where(placements.c.gateway == gateway))
            connection.execute(
                insert(placements).values(
                    gateway=gateway, version=version, running=running, outcome="", reason="", changed=now
                )
            )

        await self._run(work)

    async def said(self, placement: Placement) -> None:
        """Note what a gateway says of its configuration."""
        values = {
            "running": placement.running,
            "outcome": placement.outcome,
            "reason": placement.reason,
            "changed": placement.changed,
        }
        mine = placements.c.gateway == placement.gateway
        await self._run(lambda connection: connection.execute(update(placements).where(mine).values(values)))

    async def placements(self) -> dict[str, Placement]:
        """Return how every gateway that was given a configuration stands, by name."""
        wanted = select(placements).order_by(placements.c.gateway)
        rows = await self._run(lambda connection: connection.execute(wanted).all())
        return {row.gateway: Placement(**row._asdict()) for row in rows}

    async def _one(self, wanted: Any) -> StoredConfiguration | None:
        row: Row[Any] | None = await self._run(lambda connection: connection.execute(wanted).one_or_none())
        return None if row is None else StoredConfiguration(**row._asdict())
