"""A history in memory, as corrections ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from lineside.domain.corrections import newest_revisions
from lineside.domain.late_readings import LateReadings, Note
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.readings import Catalogue, Int64, ReadingBatch, concatenate


class FakePast:
    """Implements `lineside.flows.correct.Past` for one writer.

    ``readings``, ``parts`` (all revisions) and ``predictions`` are added to as a history is.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._notes: list[Note] = []
        self._done = 0
        self._records = 0
        self.held = catalogue.nothing()
        self.all_parts: list[PartRecord] = []
        self.judgements: list[Prediction] = []

    def add(self, readings: ReadingBatch) -> None:
        """Keep readings."""
        self.held = concatenate([self.held, readings])

    def note(self, late: Iterable[LateReadings]) -> None:
        """Keep notes of late readings."""
        self._records += 1
        self._notes += [
            Note(writer="g", epoch="e", sequence=self._records, item=place, late=item)
            for place, item in enumerate(late)
        ]

    @property
    def newest(self) -> tuple[PartRecord, ...]:
        """The newest revisions of all parts but those withdrawn, by start."""
        standing = [part for part in newest_revisions(self.all_parts).values() if not part.withdrawn]
        return tuple(sorted(standing, key=lambda part: part.started))

    def notes(self) -> tuple[Note, ...]:
        """Return the notes that are not done."""
        return tuple(note for note in self._notes if note.sequence > self._done)

    def done(self, notes: Sequence[Note]) -> None:
        """Keep that notes are done."""
        self._done = max([self._done, *(note.sequence for note in notes)])

    def newest_start(self, station: str) -> int:
        """Return when the newest cycle of a station began."""
        return max((part.started for part in self._of(station)), default=0)

    def newest_times(self, writer: str, signals: Sequence[str], since: int) -> tuple[int, int]:
        """Return the newest source time and the newest receive time of signals since a time."""
        del writer
        rows = self._stretch(signals, since, np.iinfo(np.int64).max)
        source, received = self.held.source_time[rows], self.held.receive_time[rows]
        return int(source.max(initial=since)), int(received.max(initial=since))

    def starts(self, station: str, before: int, most: int) -> tuple[int, ...]:
        """Return when the last cycles that began at or before a time began, newest first."""
        found = sorted({part.started for part in self._of(station) if part.started <= before}, reverse=True)
        return tuple(found[:most])

    def next_start(self, station: str, after: int) -> int | None:
        """Return when the first cycle after a time began."""
        return min((part.started for part in self._of(station) if part.started > after), default=None)

    def revisions(self, station: str, since: int, until: int) -> tuple[PartRecord, ...]:
        """Return all revisions of the parts that began between two times."""
        return tuple(part for part in self.all_parts if part.station == station and since <= part.started <= until)

    def predictions(self, cycles: Iterable[str]) -> tuple[Prediction, ...]:
        """Return the newest judgements of cycles."""
        asked = set(cycles)
        newest: dict[tuple[str, str], Prediction] = {}
        for item in self.judgements:
            key = item.cycle_id, item.characteristic
            if item.cycle_id in asked and (key not in newest or item.revision >= newest[key].revision):
                newest[key] = item
        return tuple(newest.values())

    def parts_before(self, station: str, ended: int, most: int) -> tuple[PartRecord, ...]:
        """Return the last parts that ended before a time, by end."""
        found = sorted((part for part in self._of(station) if part.ended < ended), key=lambda part: part.ended)
        return tuple(found[-most:])

    def count(self, writer: str, signals: Sequence[str], since: int, until: int) -> int:
        """Return how many readings a stretch holds; all are one writer's."""
        del writer
        return len(self._stretch(signals, since, until))

    def readings(
        self, writer: str, catalogue: Catalogue, signals: Sequence[str], since: int, until: int
    ) -> ReadingBatch:
        """Return the readings of a stretch, and of each signal the last before it."""
        del writer, catalogue
        rows = [self._stretch(signals, since, until)]
        for name in signals:
            older = self._stretch([name], 0, since - 1)
            if len(older):
                times = self.held.source_time[older]
                rows.append(older[times == times.max()])
        return self.held.take(np.concatenate(rows))

    def holds_until(self, writer: str, signals: Sequence[str], first: int, last: int) -> int | None:
        """Return until when what signals said in a stretch held; None where it still does."""
        del writer
        ends = [last]
        for name in signals:
            if len(self._stretch([name], first, last)):
                later = self._stretch([name], last + 1, np.iinfo(np.int64).max)
                if not len(later):
                    return None
                ends.append(int(self.held.source_time[later].min()))
        return max(ends)

    def _of(self, station: str) -> list[PartRecord]:
        return [part for part in self.newest if part.station == station]

    def _stretch(self, signals: Sequence[str], since: int, until: int) -> Int64:
        codes = [code for name, code in self._catalogue.codes().items() if name in signals]
        times = self.held.source_time
        return np.flatnonzero(np.isin(self.held.signal, codes) & (times >= since) & (times <= until))
