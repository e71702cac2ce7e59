"""Cycle assembly: readings go in, closed cycles come out as part records.

Theory of operation. The readings of a station are held (`Holding`) until the watermark has passed them: how far all
its sources have come, less the plan's lateness (`admission`). Then they are taken in canonical order. What delimits the
cycle (an edge, another serial number, the end of a window) stands in that same order, so which cycle a
reading belongs to is a matter of its source time alone: a cycle is the half-open span from one delimiter
to the next. Batches, and any order of arrival within the lateness, change nothing about the records.

The assembler does no I/O and reads no clock; its memory is bounded by the longest cycle that the plan allows
and by the number of readings that may be held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.cycles.holding import Holding
from lineside.domain.cycles.late_log import LateSpan
from lineside.domain.cycles.routing import Delimiter
from lineside.domain.errors import PlanError
from lineside.domain.features import kernels
from lineside.domain.features.accumulator import Accumulator
from lineside.domain.features.recipe import FeatureRecipe, recipe_for, signals_of
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import (
    CycleByRows,
    CycleBySerial,
    CycleByTrigger,
    CycleByWindow,
    Plan,
    Role,
    Signal,
    SignalType,
    Station,
)
from lineside.domain.readings import BAD, SEVERITY, Catalogue, Float64, Int32, ReadingBatch
from lineside.domain.units import DAY

_FOREVER: Final = np.iinfo(np.int64).max
_LONG_AGO: Final = np.iinfo(np.int64).min
_MOST_TEXTS: Final = 4096
_TAKEN, _BAD, _DUPLICATE, _CONFLICTING = range(4)  # columns of the kernel's counts


@dataclass(frozen=True, kw_only=True, slots=True)
class AssemblyCounts:
    """What became of a station's readings so far; ``outside`` came while no cycle was open."""

    taken: int
    late: int
    bad: int
    duplicate: int
    conflicting: int
    held: int


class CycleAssembler:
    """Assembles the cycles of one station of a plan.

    Args:
        plan: the control plan.
        station_id: the station; its cycle must not be ``rows``, whose parts arrive finished.
        catalogue: what the signal codes of the batches mean.
    """

    def __init__(self, plan: Plan, station_id: str, catalogue: Catalogue) -> None:
        station = plan.station(station_id)
        if isinstance(station.cycle, CycleByRows):
            raise PlanError("parts of this station arrive finished: nothing to assemble", field=station_id)
        self.recipe: FeatureRecipe = recipe_for(plan, station_id)
        self._station = station
        self._signals = _numbered(plan, station)
        self._number = {signal.id: index for index, signal in enumerate(self._signals)}
        local = np.array([self._number.get(name, -1) for name in catalogue.signals], dtype=np.int32)
        self._sums = Accumulator(self.recipe, station, tuple(self._number))
        self._counts = np.zeros(4, dtype=np.int64)
        self._texts: list[str] = []
        self._text_codes: dict[str, int] = {}
        self._text_mask = catalogue.text_mask() & (local >= 0)
        self._delimited = isinstance(station.cycle, CycleByTrigger | CycleBySerial)
        self._holding = Holding(
            local,
            *self._feeds(),
            station.lateness,
            longest_cycle(station),
            holds=np.array([holds(signal, station) for signal in self._signals], dtype=np.bool_),
            said_at=self._said_at,
        )
        self._special = sum(_is_special(signal, station) for signal in self._signals)
        self._said: dict[str, tuple[int, str]] = {}
        self._context = tuple(signal.id for signal in self._signals if signal.role is Role.CONTEXT)
        self._used_serial = ""
        self._on = False
        self._opened: int | None = None
        self._partial = False
        self._received = 0
        self._taken_before = 0

    def push(self, batch: ReadingBatch) -> list[PartRecord]:
        """Take readings in; return the records of the cycles that are now closed."""
        value, closed = self._recoded(batch), list[PartRecord]()
        row = self._holding.add(batch, value)
        while self._holding.stepped:
            closed += self._begin_anew()
            row = self._holding.add(batch, value, row)
        return closed + self._release()

    def advance(self, now: int) -> list[PartRecord]:
        """Let time pass without readings (``now``: the receiver's UTC ns); return the cycles this closes."""
        self._holding.advance(now)
        return self._release()

    def flush(self) -> list[PartRecord]:
        """End of data: take all that is held; a cycle still open is returned, marked incomplete."""
        self._holding.finish()
        closed = self._release()
        if self._opened is not None:
            closed += self._close(
                min(self._boundary(), self._holding.newest),
                incomplete=not isinstance(self._station.cycle, CycleByWindow),
            )
        return closed

    def recall(self, words: ReadingBatch) -> None:
        """Know from before what is pushed next what signals said last, where that holds until they say otherwise."""
        names = words.catalogue.signals
        for code, time, value in zip(words.signal, words.source_time.tolist(), words.value.tolist(), strict=True):
            number = self._number.get(names[code])
            if number is None or not holds(self._signals[number], self._station):
                continue
            if _is_special(self._signals[number], self._station):
                text = self._signals[number].type is SignalType.TEXT
                self._said[names[code]] = (time, words.texts[int(value)] if text else _plain(value))
            else:
                self._sums.hear(number, time, value)

    def settle(self, readings: ReadingBatch, until: int) -> list[PartRecord]:
        """Return the cycles that a stretch of readings, known whole, closes before or at a time (UTC ns).

        For an assembler that has taken nothing in: it makes parts again, in whatever order the readings once came.
        """
        self._holding.put(readings, self._recoded(readings))
        self._holding.release(until)
        return self._release()

    def late(self, now: int = _FOREVER) -> tuple[LateSpan, ...]:
        """Return, once, the spans of time whose parts late readings want made again (``now``: the receiver's UTC ns).

        Without a time all that is noted is returned: no more comes.
        """
        log = self._holding.late_log
        return log.take(now, self._holding.slow_feeds()) if log else ()

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that parts are made from."""
        return tuple(signal.id for signal in self._signals)

    @property
    def delimiter(self) -> Delimiter | None:
        """What ends the cycles; None where it is time alone."""
        cycle = self._station.cycle
        if isinstance(cycle, CycleByTrigger):
            return Delimiter(cycle.signal, cycle.threshold, above=cycle.ends == "next")
        return Delimiter(cycle.signal, math.nan, above=False) if isinstance(cycle, CycleBySerial) else None

    @property
    def taken_to(self) -> int:
        """The source time up to which readings have been taken, UTC ns; what delimits a cycle then is among them."""
        return self._holding.watermark

    @property
    def held_over(self) -> tuple[str, ...]:
        """The signals of which a reading holds until the next: all but what is measured of one cycle alone."""
        marks = {phase.signal for phase in self._station.phases}
        return tuple(signal.id for signal in self._signals if signal.role is not Role.PROCESS or signal.id in marks)

    @property
    def counts(self) -> AssemblyCounts:
        """What became of the readings so far."""
        taken, bad, duplicate, conflicting = (int(count) for count in self._counts)
        return AssemblyCounts(
            taken=taken,
            late=self._holding.late,
            bad=bad,
            duplicate=duplicate,
            conflicting=conflicting,
            held=self._holding.rows,
        )

    # -- taking what is ripe ------------------------------------------------------------------------------

    def _release(self) -> list[PartRecord]:
        closed: list[PartRecord] = []
        rows = self._ripe_rows()
        row = 0
        while row < rows:
            row = self._take(row, rows, closed)
        if self._opened is not None and self._boundary() <= self._holding.watermark:
            closed += self._reach_boundary()
        self._holding.drop(rows)
        return closed

    def _begin_anew(self) -> list[PartRecord]:
        """End what was going on: the clock of a source was set back, and its times begin anew from there."""
        closed = self.flush()
        self._holding.forget_clocks()
        self._holding.late_log.forget()
        self._sums.forget_times()
        self._on = False
        return closed

    def _feeds(self) -> tuple[Int32, int]:
        """Return the number of each signal's source, and that of the source that delimits the cycles."""
        sources = list(dict.fromkeys(signal.source for signal in self._signals))
        feed_of = np.array([sources.index(signal.source) for signal in self._signals], dtype=np.int32)
        return feed_of, int(feed_of[0]) if self._delimited else -1

    def _said_at(self, number: int) -> int:
        """Return the source time of what was last taken of a signal."""
        said = self._said.get(self._signals[number].id)
        return self._sums.said_time(number) if said is None else said[0]

    def _ripe_rows(self) -> int:
        """Return the rows that may be taken: those before the watermark, and a delimiter that stands on it."""
        held, rows = self._holding, self._holding.ripe()
        if self._delimited and rows < held.rows:
            most, watermark = held.rows, held.watermark
            while rows < most and held.time[rows] <= watermark and held.signal[rows] == 0:
                rows += 1
        return rows

    def _take(self, row: int, rows: int, closed: list[PartRecord]) -> int:
        """Take rows up to the next event, deal with it, and return the row to go on from."""
        held, sums, cycle = self._holding, self._sums, self._station.cycle
        by_trigger = isinstance(cycle, CycleByTrigger)
        at, why, newest = kernels.absorb(
            held.signal,
            held.time,
            held.received,
            held.value,
            held.status,
            row,
            rows,
            self._boundary(),
            0 if by_trigger else -1,
            cycle.threshold if isinstance(cycle, CycleByTrigger) else 0.0,
            self._on,
            self._opened is not None,
            self._opened or 0,
            self._special,
            sums.slot_of,
            sums.phase_signal,
            sums.phase_equals,
            sums.phase_after,
            sums.phase_until,
            sums.phase_on,
            sums.sums,
            sums.marks,
            sums.kept,
            sums.kept_times,
            sums.said_at,
            sums.said,
            self._counts,
        )
        self._received = max(self._received, newest)
        if why == kernels.EDGE:
            closed += self._pass_edge(int(held.time[at]), int(held.received[at]))
        elif why == kernels.TEXT:
            closed += self._hear(at)
            at += 1
        elif why == kernels.BOUNDARY:
            closed += self._reach_boundary()
            if isinstance(cycle, CycleByWindow):
                self._open(int(held.time[at]) // cycle.length * cycle.length)
        elif why == kernels.FULL:
            sums.widen()
        return int(at)

    # -- delimiters ---------------------------------------------------------------------------------------

    def _pass_edge(self, time: int, received: int) -> list[PartRecord]:
        cycle = self._station.cycle
        assert isinstance(cycle, CycleByTrigger)
        first_seen = not self._sums.heard_of(0)
        self._on = not self._on
        closed: list[PartRecord] = []
        if self._opened is not None and (self._on or cycle.ends == "falling"):
            self._received = max(self._received, received)
            closed = self._close(time)
        if self._on:
            self._open(time, partial=bool(first_seen))
        return closed

    def _hear(self, row: int) -> list[PartRecord]:
        """Note what a text (or number that serves as one) says; another serial number delimits a cycle."""
        held = self._holding
        signal, time = self._signals[held.signal[row]], int(held.time[row])
        code = held.value[row]
        if (held.status[row] & SEVERITY) == BAD or np.isnan(code):
            self._counts[_BAD] += 1
            return []
        said = self._texts[int(code)] if signal.type is SignalType.TEXT else _plain(float(code))
        before = self._said.get(signal.id)
        if before is not None and before[0] == time:
            self._counts[_DUPLICATE if before[1] == said else _CONFLICTING] += 1
            return []
        self._said[signal.id] = (time, said)
        cycle = self._station.cycle
        if not isinstance(cycle, CycleBySerial) or cycle.signal != signal.id or (before and before[1] == said):
            return []
        closed: list[PartRecord] = []
        if self._opened is not None:
            self._received = max(self._received, int(held.received[row]))
            closed = self._close(time, serial=before[1] if before else "")
        if said:
            self._open(time, partial=before is None)
        return closed

    def _boundary(self) -> int:
        """Return the time at which the open cycle ends in any case."""
        cycle = self._station.cycle
        if isinstance(cycle, CycleByWindow):
            return _LONG_AGO if self._opened is None else self._opened + cycle.length
        assert not isinstance(cycle, CycleByRows)
        return _FOREVER if self._opened is None else self._opened + cycle.longest

    def _reach_boundary(self) -> list[PartRecord]:
        if self._opened is None:
            return []
        window = isinstance(self._station.cycle, CycleByWindow)
        if window:
            self._holding.close(self._boundary())
        return self._close(self._boundary(), incomplete=not window)

    # -- the open cycle -----------------------------------------------------------------------------------

    def _open(self, time: int, *, partial: bool = False) -> None:
        self._opened = time
        self._partial = partial
        self._received = 0
        self._taken_before = int(self._counts[_TAKEN])
        self._sums.reset()

    def _close(self, time: int, *, incomplete: bool = False, serial: str | None = None) -> list[PartRecord]:
        assert self._opened is not None
        opened, self._opened = self._opened, None
        readings = int(self._counts[_TAKEN]) - self._taken_before
        if readings == 0 and isinstance(self._station.cycle, CycleByWindow):
            return []
        cycle_id = self._cycle_id(opened)
        return [
            PartRecord(
                cycle_id=cycle_id,
                unit=self._unit(cycle_id, serial),
                station=self._station.id,
                started=opened,
                ended=time,
                received=self._received or time,
                recipe=self.recipe.digest,
                features=self._sums.features(),
                context={name: self._said[name][1] for name in self._context if name in self._said},
                readings=readings,
                incomplete=incomplete or self._partial,
                missing=self._sums.missing(),
            )
        ]

    def _cycle_id(self, opened: int) -> str:
        """Name the cycle after the machine's counter (which may start again another day) or its start."""
        cycle = self._station.cycle
        if isinstance(cycle, CycleByTrigger) and cycle.counter is not None:
            count = self._sums.last_value(self._number[cycle.counter])
            if not math.isnan(count):
                return f"{self._station.id}-{opened // DAY}-{_plain(count)}"
        return f"{self._station.id}-{opened}"

    def _unit(self, cycle_id: str, serial: str | None) -> str:
        """Return the serial number that came for this cycle, else the cycle's own id."""
        if serial is None and self._station.serial is not None:
            serial = self._said.get(self._station.serial, (0, ""))[1]
            serial, self._used_serial = ("" if serial == self._used_serial else serial), serial
        return serial or cycle_id

    def _recoded(self, batch: ReadingBatch) -> Float64:
        """Return the batch's values with its texts numbered by the station's own table."""
        if not batch.texts:
            return batch.value
        if len(self._texts) >= _MOST_TEXTS:
            self._forget_texts()
        inside = (batch.signal >= 0) & (batch.signal < len(self._text_mask))
        rows = np.flatnonzero(inside & self._text_mask[np.where(inside, batch.signal, 0)] & ~np.isnan(batch.value))
        value = batch.value.copy()
        for row in rows:
            value[row] = self._text_code(batch.texts[int(value[row])])
        return value

    def _forget_texts(self) -> None:
        """Forget all texts but those of readings that are still held, and number these anew."""
        held = self._holding
        is_text = np.fromiter((signal.type is SignalType.TEXT for signal in self._signals), dtype=np.bool_)
        rows = np.flatnonzero(is_text[held.signal[: held.rows]] & ~np.isnan(held.value[: held.rows]))
        kept = [self._texts[int(held.value[row])] for row in rows]
        self._texts.clear()
        self._text_codes.clear()
        for row, text in zip(rows, kept, strict=True):
            held.value[row] = self._text_code(text)

    def _text_code(self, text: str) -> int:
        code = self._text_codes.get(text)
        if code is None:
            code = self._text_codes[text] = len(self._texts)
            self._texts.append(text)
        return code


def longest_cycle(station: Station) -> int:
    """Return how long a cycle of a station lasts at most, ns; 0 where parts arrive finished."""
    cycle = station.cycle
    if isinstance(cycle, CycleByRows):
        return 0
    return cycle.length if isinstance(cycle, CycleByWindow) else cycle.longest


def holds(signal: Signal, station: Station) -> bool:
    """Whether what a signal says is true until it says otherwise: not what delimits or names a single cycle."""
    cycle = station.cycle
    delimiter = cycle.signal if isinstance(cycle, CycleByTrigger | CycleBySerial) else None
    return signal.role in {Role.CONTEXT, Role.ENVIRONMENT} and signal.id not in {delimiter, station.serial}


def _numbered(plan: Plan, station: Station) -> tuple[Signal, ...]:
    """Return the station's signals in canonical order: delimiter, texts, phase markers, then as in the plan."""
    cycle = station.cycle
    delimiter = cycle.signal if isinstance(cycle, CycleByTrigger | CycleBySerial) else None
    markers = {phase.signal for phase in station.phases}

    def rank(signal: Signal) -> int:
        if signal.id == delimiter:
            return 0
        if _is_special(signal, station):
            return 1
        return 2 if signal.id in markers else 3

    return tuple(sorted(signals_of(plan, station.id), key=rank))


def _is_special(signal: Signal, station: Station) -> bool:
    """Whether a signal's values are read one by one, as texts: names, not measurements."""
    cycle = station.cycle
    names = {station.serial, cycle.signal if isinstance(cycle, CycleBySerial) else None}
    names |= {rule.signal for rule in station.silence}
    return signal.type is SignalType.TEXT or signal.id in names


def _plain(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)
