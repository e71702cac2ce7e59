"""The watch over models in service: looks again and again, remembers the last answer, and records what has changed.

A finding is for those who answer for the model: it is recorded and shown, and interrupts nobody at the line. Drift is
noted; damage is what is alarmed on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lineside.domain.drift.report import DriftReport
from lineside.domain.learning_again import Trigger
from lineside.domain.performance.report import PerformanceReport
from lineside.ports import AuditLog, Clock

EVERY_SECONDS: Final = 600.0
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What the last look found.

    ``at`` is when (UTC ns; 0: there was no look). There are reports per model, and what speaks for learning it again.
    """

    at: int = 0
    drift: Sequence[DriftReport] = ()
    performance: Sequence[PerformanceReport] = ()
    learn_again: Mapping[str, Sequence[Trigger]] = field(default_factory=dict)

    def doubtful(self, station: str) -> dict[str, str]:
        """Return the signals of a station whose sensors seem faulty, each with its fault."""
        found = [item for report in self.drift if report.station == station for item in report.sensors]
        return {item.signal: item.fault for item in found if item.signal}


@dataclass(slots=True)
class Watch:
    """Looks at the models in service.

    Args:
        drift: looks at their drift; like the others it is called in a thread.
        performance: looks at their performance at a moment of the line's time.
        learn_again: returns what speaks for learning a model again, and has it learned where the plan wants that.
        damaged: acts on damage of a model that was not there at the last look.
        audit: the plant's audit record, which gets an entry whenever other features have drifted than before, and
            whenever there is other damage than before.
        clock: the time of the line.
    """

    drift: Callable[[], Sequence[DriftReport]]
    performance: Callable[[int], Sequence[PerformanceReport]]
    learn_again: Callable[[PerformanceReport, int], Sequence[Trigger]]
    damaged: Callable[[PerformanceReport], Awaitable[None]]
    audit: AuditLog
    clock: Clock
    last: Watched = field(default_factory=Watched)
    _said: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    async def run(self) -> None:
        """Look until cancelled; a look that fails, whatever the reason, is said and tried again: it is advice."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - a figure that cannot be made must not stop the plant
                _LOG.exception("the models in service could not be looked at")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Look once."""
        now = self.clock.now()
        drift = tuple(await asyncio.to_thread(self.drift))
        reports = tuple(await asyncio.to_thread(self.performance, now))
        for report in drift:
            beside = {"model": report.model, "parts": report.parts, "last": report.last}
            await self._note("drift", report.model, {item.name: round(item.ks, 4) for item in report.drifted}, beside)
        for station, report in {report.station: report for report in drift}.items():
            faults = {item.signal or "process": f"{item.fault}: {item.why}" for item in report.sensors}
            await self._note("sensor", station, faults, {"station": station, "parts": report.parts})
        for item in reports:
            texts = {damage.what: str(damage.text) for damage in item.damage}
            beside = {"model": item.model, "parts": item.measured.parts}
            if await self._note("damage", item.model, texts, beside) and texts:
                await self.damaged(item)
        reasons = {item.model: await asyncio.to_thread(self.learn_again, item, now) for item in reports}
        for model, found in reasons.items():
            texts = {trigger.reason.value: str(trigger.text) for trigger in found}
            await self._note("learn_again", model, texts, {"model": model})
        self.last = Watched(at=now, drift=drift, performance=reports, learn_again=reasons)

    async def _note(self, kind: str, of: str, found: Mapping[str, object], beside: Mapping[str, object]) -> bool:
        """Record what was found of a model or station, where it is something else than before; return whether it is."""
        names = tuple(sorted(found))
        other = names != self._said.get((kind, of), ())
        if other:
            action = f"{kind}.found" if names else f"{kind}.over"
            await self.audit.append(action, {**beside, "found": dict(found)})
        self._said[kind, of] = names
        return other
