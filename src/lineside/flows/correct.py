"""Late data corrects history: parts that were made without readings that came too late are made and judged again.

For each station, in this order:

1. read the notes of late readings that gateways left, and wait until the history holds all that was recorded with them;
2. for each stretch of time that they name, make the parts again from all readings of the history;
3. land what differs as new revisions, with their judgements, and containment alerts for what is now in alarm;
4. keep how far the notes are done.

A crash between 3 and 4 does a stretch again, which then finds nothing that differs. Nothing here is ever live: alerts
are marked late, and a part that was in alarm before raises none.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Final, Protocol

from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertEvent
from lineside.domain.corrections import Corrected, LeftAlone, corrected, named_twice, newest_revisions
from lineside.domain.cycles.assembler import CycleAssembler, longest_cycle
from lineside.domain.cycles.late_log import LateSpan, merged
from lineside.domain.errors import LinesideError
from lineside.domain.late_readings import Note
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import CycleByRows, Plan, Station
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.silence import ContextGate
from lineside.domain.units import DAY, HOUR, MINUTE
from lineside.ports import AuditLog, Clock, Judge
from lineside.wire.records import RecordKind

EVERY_SECONDS: Final = 20.0
MOST_READINGS: Final = 5_000_000
"""Readings that parts of one stretch are made again from, at most."""
PIECE_CYCLES: Final = 20
"""A long stretch is taken in pieces of as many of the longest cycles, an hour each at most."""
GRACE: Final = MINUTE
"""How long after the longest cycle a station that makes no more parts is believed to have ended the last."""
MOST_HELD: Final = DAY
"""How long after a late value of a signal that has said nothing since, parts are made again for it."""
_BEFORE: Final = 200
"""Parts before a stretch from which a judge learns what was usual."""
_FOREVER: Final = 2**63 - 1
_LOG: Final = logging.getLogger(__name__)

Submit = Callable[[RecordKind, Sequence[Any]], Awaitable[None]]


class Past(Protocol):
    """What the corrector asks of the history; all of it may take its time and is called in a thread."""

    def notes(self) -> Sequence[Note]:
        """Return the notes of late readings that are not done, oldest first."""

    def done(self, notes: Sequence[Note]) -> None:
        """Keep durably that notes are done."""

    def newest_start(self, station: str) -> int:
        """Return when the newest cycle of a station began, UTC ns; 0 where there is none."""

    def newest_times(self, writer: str, signals: Sequence[str], since: int) -> tuple[int, int]:
        """Return the newest source and receive time of signals since a time; that where there is none."""

    def starts(self, station: str, before: int, most: int) -> Sequence[int]:
        """Return when the last cycles of a station that began at or before a time began, newest first."""

    def next_start(self, station: str, after: int) -> int | None:
        """Return when the first cycle of a station after a time began."""

    def revisions(self, station: str, since: int, until: int) -> Sequence[PartRecord]:
        """Return all revisions of the parts that began between two times."""

    def predictions(self, cycles: Iterable[str]) -> Sequence[Prediction]:
        """Return the newest judgements of cycles."""

    def parts_before(self, station: str, ended: int, most: int) -> Sequence[PartRecord]:
        """Return the last parts that ended before a time, by end."""

    def count(self, writer: str, signals: Sequence[str], since: int, until: int) -> int:
        """Return how many readings a stretch holds."""

    def readings(
        self, writer: str, catalogue: Catalogue, signals: Sequence[str], since: int, until: int
    ) -> ReadingBatch:
        """Return the readings of a stretch, ends included, and of each signal the last one before it."""

    def holds_until(self, writer: str, signals: Sequence[str], first: int, last: int) -> int | None:
        """Return until when what signals said in a stretch held: the next reading of each; None where it still holds.

        ``last`` where they said nothing.
        """


JudgeOf = Callable[[str, str, str], Judge | None]
"""Returns a fresh judge of a station by a model's name (empty: the one in service) for a characteristic."""
Open = Callable[[str], Iterable[AlertEvent]]
"""Returns the events of a station's containment alerts that the plant raised and nobody has closed."""


@dataclass(slots=True)
class CorrectionCounts:
    """What was done since the start: late readings looked at, parts by what became of them, and reasons for nothing."""

    readings: int = 0
    revised: int = 0
    made: int = 0
    withdrawn: int = 0
    left_alone: Counter[LeftAlone] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch that is made again: parts that began in ``kept_from`` .. ``until`` are compared.

    Readings are taken from ``since`` to ``closed``.
    """

    since: int
    kept_from: int
    until: int
    closed: int


class Corrector:
    """Corrects the history of one line.

    Args:
        plan: the control plan.
        past: the history.
        caught_up: returns once the history holds all that has landed until now.
        judge_of: makes judges.
        open_alerts: the containment alerts that are to be extended and not raised anew.
        submit: lands records.
        audit: the plant's audit record.
        clock: the time of the line.
        writer: who writes the alert events.
    """

    def __init__(  # noqa: PLR0913 - what it is joined to, by name
        self,
        *,
        plan: Plan,
        past: Past,
        caught_up: Callable[[], Awaitable[None]],
        judge_of: JudgeOf,
        open_alerts: Open,
        submit: Submit,
        audit: AuditLog,
        clock: Clock,
        writer: str = "plant",
    ) -> None:
        self._plan = plan
        self._past = past
        self._caught_up = caught_up
        self._judge_of = judge_of
        self._open_alerts = open_alerts
        self._submit = submit
        self._audit = audit
        self._clock = clock
        self._writer = writer
        self._catalogue = catalogue_for(plan)
        self._stations = {item.id: item for item in plan.stations if not isinstance(item.cycle, CycleByRows)}
        assemblers = {name: CycleAssembler(plan, name, self._catalogue) for name in self._stations}
        self._signals = {name: item.signals for name, item in assemblers.items()}
        self._held_over = {name: item.held_over for name, item in assemblers.items()}
        self._reached: dict[Note, int] = {}
        self.counts = CorrectionCounts()

    async def run(self) -> None:
        """Look until cancelled; a look that fails is said and tried again."""
        while True:
            try:
                await self.look()
            except LinesideError:
                _LOG.exception("late readings could not be taken into the history yet")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Take in all notes that are due.

        Raises:
            LinesideError: the history cannot be read, or a revision is not durable; nothing is lost by that.
        """
        notes = await asyncio.to_thread(self._past.notes)
        if not notes:
            return
        await self._caught_up()
        for station, writer in dict.fromkeys((note.late.station, note.writer) for note in notes):
            mine = due = [note for note in notes if (note.late.station, note.writer) == (station, writer)]
            # Notes of another plan's stations are done: there is nothing to make parts by.
            if station in self._stations:
                due = await asyncio.to_thread(self._due, station, mine)
                await self._correct(self._stations[station], writer, due)
            done = _whole_records(takewhile(lambda note: self._reached.get(note, _FOREVER) == _FOREVER, due), mine)
            await asyncio.to_thread(self._past.done, done)
            for note in done:
                self._reached.pop(note, None)

    def _due(self, station: str, notes: Sequence[Note]) -> list[Note]:
        """Return the first notes of a station, as far as the parts that they concern are made."""
        newest, silent = self._past.newest_start(station), self._silent(self._stations[station])
        return list(takewhile(lambda note: note.late.last < newest or note.late.recorded < silent, notes))

    def _newest(self, station: Station, writer: str) -> int:
        """Return up to when cycles may begin whose end is recorded: those before the newest, all once it is silent."""
        newest = self._past.newest_start(station.id)
        return newest if self._present(station, writer, newest) == _FOREVER else newest - 1

    def _silent(self, station: Station) -> int:
        """Return the time such that a station which has said nothing since makes no more of what it said before."""
        return self._clock.now() - longest_cycle(station) - GRACE

    async def _correct(self, station: Station, writer: str, notes: Sequence[Note]) -> None:
        """Correct what notes name and, where a late value goes on to hold, the parts that have been made since."""
        newest = await asyncio.to_thread(self._newest, station, writer)
        fresh = [note for note in notes if note not in self._reached]
        self.counts.readings += sum(note.late.count for note in fresh)
        for span in merged((_span(note) for note in fresh), longest_cycle(station)):
            until = await self._correct_span(station, writer, span, span.first, newest)
            self._reached |= {note: until for note in fresh if span.first <= note.late.first <= span.last}
        for note in [note for note in notes if self._reached[note] < newest]:
            self._reached[note] = await self._correct_span(station, writer, _span(note), self._reached[note], newest)

    async def _correct_span(self, station: Station, writer: str, span: LateSpan, first: int, newest: int) -> int:
        """Correct the parts that a span of late readings concerns, from a time on; return how far that is done.

        It is not done for good while a late value still holds: parts to come lack it too. Cycles that began after
        ``newest`` are left to the gateway, which has them open.
        """
        holds = await asyncio.to_thread(
            self._past.holds_until, writer, self._held_over[station.id], span.first, span.last
        )
        last = max(span.last, newest if holds is None else min(holds, newest))
        length = min(PIECE_CYCLES * longest_cycle(station), HOUR)
        begins, reached = True, first
        while begins or reached <= last:
            piece = await asyncio.to_thread(self._piece, station, writer, reached, min(last, reached + length), begins)
            await self._keep(station, await asyncio.to_thread(self._again, station, writer, piece), piece)
            reached, begins = piece.until + 1, False
        settled = holds is not None and max(span.last, holds) <= newest
        return _FOREVER if settled or self._clock.now() - span.last > MOST_HELD else newest

    def _piece(self, station: Station, writer: str, first: int, until: int, begins: bool) -> _Piece:  # noqa: FBT001 - which piece
        """Return the stretch around a piece: from a cycle before it to the start of the one behind, if there is one."""
        longest = longest_cycle(station)
        starts = self._past.starts(station.id, first, 2)
        kept_from = (starts[0] if starts else first - longest) if begins else first
        following = self._past.next_start(station.id, until)
        return _Piece(
            since=min(starts[-1] if starts else first - longest, kept_from, first),
            kept_from=min(kept_from, first),
            until=until,
            closed=min(until + longest, self._present(station, writer, until)) if following is None else following,
        )

    def _present(self, station: Station, writer: str, since: int) -> int:
        """Return up to when a station's readings are known; what is silent for long enough says nothing more."""
        source, received = self._past.newest_times(writer, self._signals[station.id], since)
        return _FOREVER if received < self._silent(station) else source

    def _again(self, station: Station, writer: str, piece: _Piece) -> Corrected:
        """Make the parts of a piece again, and hold them against the record."""
        assembler = CycleAssembler(self._plan, station.id, self._catalogue)
        signals = self._signals[station.id]
        if self._past.count(writer, signals, piece.since, piece.closed) > MOST_READINGS:
            return Corrected(left_alone=LeftAlone.TOO_MANY)
        readings = self._past.readings(writer, self._catalogue, signals, piece.since, piece.closed)
        again = [part for part in assembler.settle(readings, piece.closed) if _begins_in(part, piece)]
        revisions = self._past.revisions(station.id, piece.kept_from, piece.until)
        if named_twice(revisions) or named_twice(again):
            return Corrected(left_alone=LeftAlone.NAMED_TWICE)
        return corrected(newest_revisions(revisions), again, readings, assembler.recipe, piece.closed)

    async def _keep(self, station: Station, found: Corrected, piece: _Piece) -> None:
        """Land what has changed: parts, judgements, alerts; then say so in the audit record."""
        if found.left_alone is not None:
            self.counts.left_alone[found.left_alone] += 1
        if not found.parts:
            return
        predictions, events = await asyncio.to_thread(self._judged, station, found)
        await self._submit(RecordKind.PARTS, found.parts)
        for event in events:  # nothing is shown that the audit record does not hold
            await self._audit.append(
                f"alert.{event.kind}", {"event": event.id, "alert": event.alert_id, "unit": event.unit, "late": True}
            )
        for kind, items in ((RecordKind.PREDICTIONS, predictions), (RecordKind.ALERTS, events)):
            if items:
                await self._submit(kind, items)
        said = {name: len(getattr(found, name)) for name in ("revised", "made", "withdrawn")}
        await self._audit.append(
            "history.corrected", {"station": station.id, "since": piece.kept_from, "until": piece.until, **said}
        )
        self.counts.revised += len(found.revised)
        self.counts.made += len(found.made)
        self.counts.withdrawn += len(found.withdrawn)

    def _judged(self, station: Station, found: Corrected) -> tuple[list[Prediction], list[AlertEvent]]:
        """Judge corrected parts by the models that judged them before; raise what is in alarm and was not."""
        before = _by_part(self._past.predictions([part.cycle_id for part in found.parts]))
        now = self._clock.now()
        predictions, events = list[Prediction](), list[AlertEvent]()
        engine = AlertEngine(self._plan, station.id, self._writer)
        engine.restore(self._open_alerts(station.id))
        judges, gate = _Judges(self._past, self._judge_of, station.id), ContextGate(station.silence)
        for part in found.parts:
            silence = gate.see(part)
            for item in self._plan.characteristics_at(station.id):
                known = before.get((part.cycle_id, item.id))
                if part.withdrawn:
                    predictions += [] if known is None else [_withdrawn(known, part, now)]
                    continue
                said = judges.judge(part, item.id, "" if known is None else known.model, now)
                if said is None:
                    continue
                said = replace(said, late=True, revision=part.revision)
                predictions.append(said)
                if said.state is JudgementState.ALARM and (known is None or known.state is not JudgementState.ALARM):
                    events += engine.observe(said, now, silence)
        return predictions, events


class _Judges:
    """The judges of one station's stretch, each opened once and brought to where the parts before had left it."""

    def __init__(self, past: Past, judge_of: JudgeOf, station: str) -> None:
        self._past = past
        self._judge_of = judge_of
        self._station = station
        self._known: dict[tuple[str, str], Judge | None] = {}

    def judge(self, part: PartRecord, characteristic: str, model: str, now: int) -> Prediction | None:
        """Return the judgement of a part; None where its model is gone, or cannot say yet what it said before."""
        key = model, characteristic
        if key not in self._known:
            self._known[key] = self._opened(part, characteristic, model, now)
        judge = self._known[key]
        said = () if judge is None else judge.judge(part, now).predictions
        found = next((item for item in said if item.characteristic == characteristic), None)
        return None if found is None or found.state is JudgementState.WARMING_UP else found

    def _opened(self, part: PartRecord, characteristic: str, model: str, now: int) -> Judge | None:
        judge = self._judge_of(self._station, model, characteristic)
        if judge is not None:
            for before in self._past.parts_before(self._station, part.ended, _BEFORE):
                if before.started < part.started:
                    judge.judge(before, now)
        return judge


def _begins_in(part: PartRecord, piece: _Piece) -> bool:
    return piece.kept_from <= part.started <= piece.until


def _withdrawn(known: Prediction, part: PartRecord, now: int) -> Prediction:
    """Return the judgement of a cycle that late readings show to be none."""
    return replace(
        known,
        judged=now,
        state=JudgementState.BAD_DATA,
        late=True,
        revision=part.revision,
        reason="late readings show that there was no such cycle",
        contributions=(),
    )


def _by_part(predictions: Iterable[Prediction]) -> Mapping[tuple[str, str], Prediction]:
    return {(item.cycle_id, item.characteristic): item for item in predictions}


def _whole_records(done: Iterable[Note], notes: Sequence[Note]) -> list[Note]:
    """Return the notes that are done, but for those of whose record another is not: it is kept by record."""
    finished = dict.fromkeys(done)
    waiting = {(note.epoch, note.sequence) for note in notes if note not in finished}
    return [note for note in finished if (note.epoch, note.sequence) not in waiting]


def _span(note: Note) -> LateSpan:
    return LateSpan(note.late.first, note.late.last, note.late.count)
