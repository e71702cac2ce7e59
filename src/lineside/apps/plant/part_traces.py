"""A part's curves, read from the history: its own, and those of earlier parts that nothing speaks against."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from lineside.adapters.delta_history.tables import day_of
from lineside.adapters.history_query import HistoryQuery
from lineside.apps.plant.board import Trace, build_traces
from lineside.apps.plant.floor import Floor
from lineside.domain.features.recipe import signals_of
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan, SignalType
from lineside.domain.readings import ReadingBatch, make_batch

EARLIER: Final = 20
"""Earlier parts that make the usual band."""


class PartTraces:
    """Answers the board's question for a part's curves."""

    def __init__(self, root: Path, floor: Floor, plan: Plan) -> None:
        self._query = HistoryQuery(root)
        self._floor = floor
        self._plan = plan
        self._catalogue = catalogue_for(plan)

    async def __call__(self, part: PartRecord) -> Sequence[Trace]:
        """Return the curves of a part; none while the history does not hold its readings yet."""
        earlier = self._floor.good_parts_before(part, EARLIER)
        first = min((item.started for item in earlier), default=part.started)
        readings = await asyncio.to_thread(self._read, part, min(first, part.started), part.ended)
        return build_traces(self._plan, part, readings, [(item, readings) for item in earlier])

    def _read(self, part: PartRecord, first: int, last: int) -> ReadingBatch:
        """Return the station's readings between two source times.

        Receive days bound the files that are looked at: a reading is received on the day it was measured, or later.
        """
        codes = self._catalogue.codes()
        numbers = [item for item in signals_of(self._plan, part.station) if item.type is SignalType.NUMBER]
        names = ", ".join(f"'{item.id}'" for item in numbers)  # ids are letters, digits and '_' by the plan's schema
        found: pa.Table = self._query.sql(
            f"SELECT signal, source_time, value, status FROM readings WHERE day >= '{day_of(first)}' "  # noqa: S608 - as above, and numbers
            f"AND source_time BETWEEN {int(first)} AND {int(last)} AND signal IN ({names})"
        )
        return make_batch(
            self._catalogue,
            np.array([codes[name] for name in found.column("signal").to_pylist()], dtype=np.int32),
            found.column("source_time").to_numpy(),
            found.column("value").to_numpy(),
            status=found.column("status").to_numpy().astype(np.uint32),
        )
