"""For the board: what the models in service have learned from, and how often the line is elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.adapters.bundle_folder import BundleFolder
from lineside.apps.conditions import history_record
from lineside.domain.coverage.facts import Coverage
from lineside.domain.coverage.gaps import Finding, findings
from lineside.domain.coverage.record import ConditionRecord
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, MINUTE
from lineside.ports import Clock
from lineside.wire.bundle import Manifest

_LOOKED_BACK: Final = 400 * DAY
"""A year and a little of the history's readings tell how often the line is in a gap."""
_KEPT: Final = 10 * MINUTE
"""Reading them takes a while, so that the answer is kept so long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageView:
    """A model in service, what it has learned from (None: its bundle does not say), the gaps and its worst regimes."""

    station: str
    characteristic: str
    model: str
    coverage: Coverage | None
    found: tuple[Finding, ...]
    regimes: tuple[str, ...]


class ModelCoverages:
    """Answers the board's question for the coverage of the models in service."""

    def __init__(self, folder: BundleFolder, plan: Plan, history: Path, clock: Clock) -> None:
        self._folder = folder
        self._plan = plan
        self._history = history
        self._clock = clock
        self._record: ConditionRecord | None = None
        self._read = 0
        self._reading = asyncio.Lock()

    async def __call__(self) -> Sequence[CoverageView]:
        """Return the models in service, in the plan's order of stations."""
        record = await self._recent()
        return await asyncio.to_thread(self._views, record)

    async def _recent(self) -> ConditionRecord | None:
        async with self._reading:
            now = self._clock.now()
            if not self._read or now - self._read > _KEPT:
                since = max(now - _LOOKED_BACK, 0)
                self._record = await asyncio.to_thread(history_record, self._plan, self._history, since)
                self._read = now
            return self._record

    def _views(self, record: ConditionRecord | None) -> list[CoverageView]:
        found = [item.bundle for station in self._plan.stations for item in self._folder.in_service(station.id)]
        return [coverage_view(bundle.name, bundle.manifest, record) for bundle in found]


def coverage_view(model: str, manifest: Manifest, record: ConditionRecord | None) -> CoverageView:
    """Return what a page shows of a model."""
    coverage = manifest.training.coverage
    return CoverageView(
        station=manifest.station,
        characteristic=manifest.characteristic,
        model=model,
        coverage=coverage,
        found=() if coverage is None else findings(coverage, record),
        regimes=manifest.training.regimes,
    )
