"""Settings by name, and what is known of the bundles that were released."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, update

from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import releases, settings


class Settings(Store):
    """Small values by name."""

    async def get(self, name: str) -> str | None:
        """Return the value of that name, None where there is none."""
        wanted = select(settings.c.value).where(settings.c.name == name)
        return await self._run(lambda connection: connection.execute(wanted).scalar_one_or_none())

    async def put(self, name: str, value: str, now: int) -> None:
        """Set the value of that name."""

        def work(connection: Connection) -> None:
            connection.execute(delete(settings).where(settings.c.name == name))
            connection.execute(insert(settings).values(name=name, value=value, changed=now))

        await self._run(work)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseRecord:
    """A bundle's metadata: ``id`` is the digest that predictions carry as ``model``, ``state`` as in design.

    ``detail`` holds what the bundle's manifest says (family, plan, data and code version, metrics), as JSON values.
    """

    id: str
    station: str
    characteristic: str
    state: str
    created: int
    detail: Mapping[str, object] = field(default_factory=dict)


class Releases(Store):
    """Which bundles there are, and in which state."""

    async def add(self, release: ReleaseRecord) -> None:
        """Keep a release; the same one again replaces what was known of it."""
        values = {
            "id": release.id,
            "station": release.station,
            "characteristic": release.characteristic,
            "state": release.state,
            "created": release.created,
            "detail": json.dumps(dict(release.detail), sort_keys=True),
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(releases).where(releases.c.id == release.id))
            connection.execute(insert(releases).values(values))

        await self._run(work)

    async def set_state(self, release_id: str, state: str) -> None:
        """Set the state of a release."""
        await self._run(
            lambda connection: connection.execute(
                update(releases).where(releases.c.id == release_id).values(state=state)
            )
        )

    async def all(self) -> tuple[ReleaseRecord, ...]:
        """Return every release, newest first."""

        def work(connection: Connection) -> tuple[ReleaseRecord, ...]:
            rows = connection.execute(select(releases).order_by(releases.c.created.desc(), releases.c.id))
            return tuple(
                ReleaseRecord(
                    id=row.id,
                    station=row.station,
                    characteristic=row.characteristic,
                    state=row.state,
                    created=row.created,
                    detail=json.loads(row.detail),
                )
                for row in rows
            )

        return await self._run(work)
