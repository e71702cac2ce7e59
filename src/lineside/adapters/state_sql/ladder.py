"""What happened to releases, in order; nothing is ever changed or taken out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, Row, func, insert, select

from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import release_events
from lineside.domain.errors import InputError
from lineside.domain.releases.ladder import LadderEvent
from lineside.domain.releases.table import Step
from lineside.domain.said import say


class LadderEvents(Store):
    """The events of the release ladder."""

    async def all(self) -> tuple[LadderEvent, ...]:
        """Return every event, in the order in which they were kept."""
        wanted = select(release_events).order_by(release_events.c.number)
        return await self._run(lambda connection: tuple(_event(row) for row in connection.execute(wanted)))

    async def append(self, events: Sequence[LadderEvent], after: int) -> None:
        """Keep events behind the ``after`` that whoever decided them has seen.

        Raises:
            InputError: somebody else has kept events in the meantime: look again, and decide anew.
        """
        rows = [_row(after + place, event) for place, event in enumerate(events, 1)]

        def work(connection: Connection) -> None:
            there = connection.execute(select(func.count()).select_from(release_events)).scalar_one()
            if there != after:
                raise InputError(say("somebody else was faster"), next_step=say("look how the release stands now"))
            connection.execute(insert(release_events), rows)

        if rows:
            await self._run(work)


def _row(number: int, event: LadderEvent) -> dict[str, object]:
    return {
        "number": number,
        "release": event.release,
        "place": event.place,
        "step": event.step.value,
        "actor": event.actor,
        "role": event.role,
        "time": event.time,
        "reason": event.reason,
        "detail": json.dumps(dict(event.detail), sort_keys=True),
    }


def _event(row: Row[tuple[object, ...]]) -> LadderEvent:
    return LadderEvent(
        release=row.release,
        place=row.place,
        step=Step(row.step),
        actor=row.actor,
        role=row.role,
        time=row.time,
        reason=row.reason,
        detail=json.loads(row.detail),
    )
