"""Takes a champion back by itself when its damage is certain, where the plan wants that.

Never to one that missed the very level when it was replaced, by a release that was better beyond doubt: that would be
worse, and a release that was let off that level would be taken back at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.domain.errors import InputError
from lineside.domain.performance.report import PerformanceReport
from lineside.domain.plan.model import Plan
from lineside.domain.releases.deciding import Person
from lineside.domain.releases.table import Step
from lineside.ports import AuditLog

_LEVELS: Final = {"recall": "recall, in service", "performance loss": "performance loss"}
"""The service level of a readiness report (`lineside.domain.readiness`) that damage is measured by."""


@dataclass(frozen=True, slots=True)
class AutomaticRollback:
    """Rolls a place back to the champion before, in the system's name; what there is none to go back to stays."""

    plan: Plan
    ladder: ReleaseLadder
    audit: AuditLog

    async def __call__(self, report: PerformanceReport) -> None:
        """Act on damage that was not there at the last look."""
        broken = report.of_the_model
        if not self.plan.service_levels.roll_back or not broken:
            return
        place = f"{report.station}/{report.characteristic}"
        ladder = await self.ladder.ladder()
        champion, before = ladder.champion(place), ladder.called_back(place)
        if champion is None or champion.release != report.model:
            return  # it has been taken back already
        worse = frozenset() if before is None else before.missed
        mended = [item for item in broken if _LEVELS.get(item.what) not in worse]
        if before is not None and not mended:
            why = f"{before.release} missed {', '.join(sorted(worse))} when it was replaced"
            await self.audit.append("rollback.none", {"place": place, "model": report.model, "why": why})
            return
        reason = f"service levels are broken: {mended[0].text}"
        try:
            events = await self.ladder.roll_back(place, Person(), reason)
            if all(event.step is Step.STEPPED_BACK for event in events):  # a canary stood in the way
                await self.ladder.roll_back(place, Person(), reason)
        except InputError as error:
            await self.audit.append("rollback.none", {"place": place, "model": report.model, "why": str(error)})
