"""A unit that the board no longer remembers, brought back from the history with what was usual around it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from lineside.adapters.history_query import HistoryQuery
from lineside.apps.plant.floor import Floor
from lineside.domain.plan.model import Plan
from lineside.wire.records import RecordKind

BEFORE: Final = 200
"""Parts of each station before the unit's, by which the board says what was usual."""


class Archive:
    """Answers the board's question for a unit of any age, one at a time: each goes through the whole history.

    Args:
        history: the folder of the history.
        plan: the control plan.
    """

    def __init__(self, history: Path, plan: Plan) -> None:
        self._history = history
        self._plan = plan
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, unit: str) -> Floor | None:
        """Return a floor that remembers a unit and what was made before it; None where the history has no part of it.

        Raises:
            LinesideError: the history cannot be read.
        """
        async with self._turn:
            return await asyncio.to_thread(self._read, unit)

    def _read(self, unit: str) -> Floor | None:
        if not (self._history / "parts").is_dir():
            return None
        query = HistoryQuery(self._history)
        parts = query.of_unit(RecordKind.PARTS, unit)
        known = {station.id for station in self._plan.stations}
        parts = tuple(part for part in parts if part.station in known)
        if not parts:
            return None
        floor = Floor(self._plan)
        for part in parts:
            floor.apply_parts(query.parts_before(part.station, part.ended, BEFORE))
        floor.apply_parts(parts)
        floor.apply_predictions(query.of_unit(RecordKind.PREDICTIONS, unit))
        floor.apply_outcomes(query.of_unit(RecordKind.OUTCOMES, unit))
        floor.apply_alerts(query.alerts_about(unit), shown=True)
        return floor
