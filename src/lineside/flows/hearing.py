"""What is heard of the sources beside their readings: when each signal last spoke, and how their clocks stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lineside.domain.health.clocks import SHOWN_FOR, ClockEstimate, SourceClock
from lineside.domain.health.sources import silence_of
from lineside.domain.intake.reasons import Reason
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Catalogue, Int64
from lineside.domain.units import SECOND
from lineside.ports import SourceDelivery


@dataclass(slots=True)
class Heard:
    """What has come of a source since the start: accepted readings, repeated ones, and what was refused."""

    readings: int = 0
    duplicates: int = 0
    refused: int = 0


class Hearing:
    """Listens to every delivery of a line's sources; costs some microseconds each."""

    def __init__(self, plan: Plan, catalogue: Catalogue) -> None:
        codes = catalogue.codes()
        self._clocks = {spec.id: SourceClock() for spec in plan.sources}
        self._last: Int64 = np.zeros(len(catalogue.signals), dtype=np.int64)
        self.counts: Mapping[str, Heard] = {spec.id: Heard() for spec in plan.sources}
        self._ahead = {spec.id: (0, 0) for spec in plan.sources}
        self._set_back: dict[str, int] = {}
        self._rated: Mapping[str, tuple[tuple[str, int, int], ...]] = {
            spec.id: tuple(
                (signal.id, codes[signal.id], silence_of(signal.rate))
                for signal in plan.signals
                if signal.source == spec.id and signal.rate is not None
            )
            for spec in plan.sources
        }

    def hear(self, source: str, delivery: SourceDelivery, now: int) -> None:
        """Take note of a delivery at the time ``now`` (UTC ns); history tells nothing of clocks."""
        for item in delivery.quarantined:
            if item.reason == Reason.TIME_AHEAD:
                since, count = self._ahead[source]
                self._ahead[source] = (now, count + item.count if now - since <= SHOWN_FOR else item.count)
            elif item.reason == Reason.CLOCK_AHEAD:
                self._set_back[source] = now
        batch, counts = delivery.readings, self.counts[source]
        counts.readings += 0 if batch is None else len(batch)
        counts.duplicates += delivery.duplicates
        counts.refused += sum(item.count for item in delivery.quarantined if item.reason != Reason.CLOCK_AHEAD)
        if batch is None or delivery.replayed:
            return
        self._clocks[source].hear(batch.source_time, batch.receive_time)
        self._last[batch.signal] = batch.receive_time

    def clock(self, source: str) -> ClockEstimate | None:
        """Return how a source's clock stands to ours."""
        return self._clocks[source].estimate()

    def refused_ahead(self, source: str, now: int) -> int:
        """Return how many of its readings were refused of late because they lay in the future."""
        since, count = self._ahead[source]
        return count if since and abs(now - since) <= SHOWN_FOR else 0

    def sets_back(self, source: str, now: int) -> bool:
        """Return whether a source's readings are kept with their times set back, because its clock is ahead."""
        return abs(now - self._set_back.get(source, 0)) <= SHOWN_FOR

    def silent(self, source: str, since: int, now: int) -> Iterator[tuple[str, str]]:
        """Yield the signals of a source that say nothing although the plan expects a rate, each with for how long.

        ``since`` is when the source was connected.
        """
        for signal, code, allowed in self._rated[source]:
            told = max(int(self._last[code]), since)
            if now - told > allowed:
                yield signal, f"nothing for {(now - told) / SECOND:.0f} s"
