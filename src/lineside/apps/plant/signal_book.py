"""How each signal of a line does: its newest reading, and what the readings of the last hour were like.

Theory of operation. Every record of readings that has become durable is looked at once, in columns; a signal's newest
reading is kept as long as the process lives, and counts are kept a minute of receipt at a time for `KEPT` minutes. A
reading is *late* when it took longer than its station's ``lateness``, beyond what its source's clock is off by. What
was refused is counted by source, signal and reason since `SignalBook.begun`. Nothing here is durable: the history is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.errors import IntegrityError
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import BAD, GOOD, SEVERITY, Float64, Int64, ReadingBatch
from lineside.domain.units import MINUTE, SECOND
from lineside.wire.codecs import decode_readings

KEPT: Final = 60
"""Minutes over which readings are counted."""
_COUNT, _BAD, _UNCERTAIN, _LATE = range(4)
_QUALITIES: Final[Mapping[int, str]] = {GOOD: "good", BAD: "bad"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalView:
    """One signal. Times are UTC ns, 0 and an empty ``quality`` where there was no reading yet.

    ``value`` is a number or a text. ``readings`` counts those of the last hour, ``bad``, ``uncertain`` and ``late`` are
    shares of them, None where there are none. ``rate`` and ``expected`` are readings per second.
    """

    id: str
    station: str
    source: str
    unit: str
    value: float | str | None
    measured: int
    received: int
    quality: str
    readings: int
    rate: float
    expected: float | None
    bad: float | None
    uncertain: float | None
    late: float | None

    @property
    def slow(self) -> bool:
        """Whether it says less than half of what the plan expects."""
        return self.expected is not None and self.rate < self.expected / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """How many inputs of a source were refused for one reason; ``signal`` is empty where none could be told."""

    source: str
    signal: str
    reason: str
    count: int


class SignalBook:
    """Takes in what has become durable of a line's readings and refusals."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._catalogue = catalogue_for(plan)
        size = len(self._catalogue.signals)
        self._known: Int64 = np.zeros((2, size), dtype=np.int64)
        """Source and receive time of each signal's newest reading."""
        self._values: Float64 = np.full(size, np.nan)
        self._texts: dict[int, str] = {}
        self._status = np.zeros(size, dtype=np.uint32)
        self._minutes: dict[int, Int64] = {}
        self._refused: Counter[tuple[str, str, str]] = Counter()
        sources = np.array([signal.source for signal in plan.signals])
        self._of_source = {source.id: np.flatnonzero(sources == source.id) for source in plan.sources}
        self._lateness: Int64 = np.array(
            [plan.station(signal.station).lateness for signal in plan.signals], dtype=np.int64
        )
        self._offsets: Int64 = np.zeros(size, dtype=np.int64)
        self.begun = 0

    def readings(self, body: bytes) -> None:
        """Take in a record of readings; those of another plan's catalogue concern another revision."""
        try:
            batch = decode_readings(body, self._catalogue)
        except IntegrityError:
            return
        if len(batch):
            self._remember(batch)
            self._count(batch)

    def refused(self, items: Iterable[Quarantined]) -> None:
        """Take in what was refused."""
        for item in items:
            self._refused[item.source, item.signal, item.reason] += item.count

    def clock(self, source: str, offset: int) -> None:
        """Take note of how far (ns) a source's clock is behind."""
        self._offsets[self._of_source[source]] = offset

    def views(self, now: int) -> tuple[SignalView, ...]:
        """Return every signal in the plan's order, as it stands at ``now`` (UTC ns)."""
        oldest = now // MINUTE - KEPT
        kept = [counts for minute, counts in self._minutes.items() if minute > oldest]
        size = len(self._catalogue.signals)
        total = np.sum(kept, axis=0) if kept else np.zeros((4, size), dtype=np.int64)
        seconds = max(1.0, min(KEPT * MINUTE, now - self.begun) / SECOND) if self.begun else float(KEPT * 60)
        return tuple(self._view(place, total[:, place].tolist(), seconds) for place in range(size))

    def refusals(self) -> tuple[Refused, ...]:
        """Return what was refused, the most first."""
        return tuple(
            Refused(source=source, signal=signal, reason=reason, count=count)
            for (source, signal, reason), count in self._refused.most_common()
        )

    def _view(self, place: int, counts: list[int], seconds: float) -> SignalView:
        signal, count = self._plan.signals[place], counts[_COUNT]
        measured, received = self._known[:, place].tolist()
        severity = int(self._status[place] & SEVERITY)
        return SignalView(
            id=signal.id,
            station=signal.station,
            source=signal.source,
            unit=signal.unit,
            value=self._texts.get(place, float(self._values[place])) if received else None,
            measured=measured,
            received=received,
            quality=_QUALITIES.get(severity, "uncertain") if received else "",
            readings=count,
            rate=count / seconds,
            expected=signal.rate,
            bad=counts[_BAD] / count if count else None,
            uncertain=counts[_UNCERTAIN] / count if count else None,
            late=counts[_LATE] / count if count else None,
        )

    def _remember(self, batch: ReadingBatch) -> None:
        """Keep each signal's newest reading of the batch, where it is newer than what is known."""
        order = np.argsort(batch.source_time, kind="stable")
        last = np.full(len(self._status), -1, dtype=np.int64)
        last[batch.signal[order]] = order  # the last of each signal wins
        rows = last[last >= 0]
        rows = rows[batch.source_time[rows] >= self._known[0, batch.signal[rows]]]
        places = batch.signal[rows]
        self._known[:, places] = batch.source_time[rows], batch.receive_time[rows]
        self._status[places] = batch.status[rows]
        self._values[places] = batch.value[rows]
        for row in rows[self._catalogue.text_mask()[places]].tolist():
            said = batch.value[row]
            self._texts[int(batch.signal[row])] = "" if np.isnan(said) else batch.texts[int(said)]

    def _count(self, batch: ReadingBatch) -> None:
        """Count the batch in the minute in which it came; minutes that are too old go."""
        size = len(self._catalogue.signals)
        severity = batch.status & np.uint32(SEVERITY)
        took = batch.receive_time - batch.source_time - self._offsets[batch.signal]
        masks = (None, severity == BAD, (severity != BAD) & (severity != GOOD), took > self._lateness[batch.signal])
        counts = [np.bincount(batch.signal if mask is None else batch.signal[mask], minlength=size) for mask in masks]
        newest = int(batch.receive_time.max())
        minute = newest // MINUTE
        self.begun = self.begun or int(batch.receive_time.min())
        self._minutes[minute] = self._minutes.get(minute, np.zeros((4, size), dtype=np.int64)) + np.stack(counts)
        oldest = max(self._minutes) - KEPT
        self._minutes = {key: value for key, value in self._minutes.items() if key > oldest}
