"""From readings to judged parts and alert events: the same steps at the gateway, in a backtest and in a demo.

`LineJudge` holds, for each station, the assembler, the judge and the alert engine, and passes parts from one
to the next in the order in which they close. It does no I/O: the flows around it store and publish. Parts that a
station's seats have kept because there was no model are judged before the next parts, or with the next tick, after it
came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import Alert, AlertEvent, Verdict
from lineside.domain.answers import agreement
from lineside.domain.cycles.assembler import AssemblyCounts, CycleAssembler
from lineside.domain.cycles.routing import NEVER, Routes
from lineside.domain.late_readings import LateReadings
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import CycleByRows, Plan
from lineside.domain.predictions import Prediction
from lineside.domain.readings import Catalogue, Int64, ReadingBatch, concatenate
from lineside.domain.silence import ContextGate
from lineside.flows.seats import StationSeats
from lineside.ports import Judge, Judgement


@dataclass(frozen=True, slots=True)
class StationCount:
    """Parts of a station since the start, the newest of them, and whether a model judges them."""

    parts: int = 0
    last: PartRecord | None = None
    judged: bool = False


JudgeFactory = Callable[[str], Judge | None]
"""Gives the judge of a station, or None where it has no model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What came of some readings: closed parts, their predictions, and the alert events of these.

    ``late`` notes readings that came too late for parts that were made before.
    """

    parts: tuple[PartRecord, ...] = field(default=())
    predictions: tuple[Prediction, ...] = field(default=())
    events: tuple[AlertEvent, ...] = field(default=())
    late: tuple[LateReadings, ...] = field(default=())

    def __bool__(self) -> bool:
        """Whether anything came of them."""
        return bool(self.parts or self.predictions)


class LineJudge:
    """Assembles, judges and alerts for all stations of a line.

    Args:
        plan: the control plan.
        catalogue: what the signal codes of the batches mean.
        judge_for: gives each station's judge.
        writer: who writes the alert events: the gateway's name.
        never_live: stations whose parts are known too late by nature: all their alerts contain.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        judge_for: JudgeFactory,
        writer: str,
        *,
        never_live: Collection[str] = frozenset(),
    ) -> None:
        self._never_live = never_live
        self._live_within = {station.id: station.live_within for station in plan.stations}
        self._assemblers = {
            station.id: CycleAssembler(plan, station.id, catalogue)
            for station in plan.stations
            if not isinstance(station.cycle, CycleByRows)
        }
        self._stations = tuple(self._assemblers.values())
        self._routes = Routes(
            catalogue,
            [assembler.signals for assembler in self._stations],
            [assembler.delimiter for assembler in self._stations],
        )
        self._put_off: dict[int, list[tuple[ReadingBatch, slice]]] = {}
        self._taken_to: Int64 = np.full(len(self._stations), NEVER)
        self._judges = {station.id: judge_for(station.id) for station in plan.stations}
        self._engines = {station.id: AlertEngine(plan, station.id, writer) for station in plan.stations}
        self._gates = {station.id: ContextGate(station.silence) for station in plan.stations}
        self._known: frozenset[str] = frozenset()
        self._parts = dict.fromkeys(self._judges, 0)
        self._newest: dict[str, PartRecord] = {}

    def take_plan(self, plan: Plan) -> None:
        """Take texts, priorities and limits of time from a plan that judges alike (the same judging digest)."""
        self._live_within = {station.id: station.live_within for station in plan.stations}
        for engine in self._engines.values():
            engine.take_plan(plan)
        for station in plan.stations:
            self._gates[station.id].take_rules(station.silence)

    def restore(self, events: Sequence[AlertEvent], predictions: Sequence[Prediction] = ()) -> None:
        """Take up the alerts where past events, and the predictions that brought them about, have left them."""
        for engine in self._engines.values():
            engine.restore(events, predictions)

    def hear(self, alert: Alert) -> None:
        """Learn that people have closed an alert, and from what they found of its parts once two of them agree."""
        if alert.station in self._engines:
            self._engines[alert.station].hear(alert)
        judge = self._judges.get(alert.station)
        second = agreement(alert)
        verdict = None if second is None else second.verdict
        if isinstance(judge, StationSeats) and verdict in {Verdict.CONFIRMED, Verdict.NO_DEFECT}:
            judge.found(alert.characteristic, alert.suspects, good=verdict is Verdict.NO_DEFECT)

    def resume(
        self,
        batches: Iterable[ReadingBatch],
        known: Collection[str],
        now: int,
        *,
        words: Iterable[ReadingBatch] = (),
    ) -> Judged:
        """Take up the stream where a crash cut it, from readings that were accepted before.

        ``words`` are from before these: what signals said last that holds until they say otherwise.
        Cycles in ``known`` were recorded then: they only bring assemblers and judges back to where they were, now or
        later: a cycle that passing time had closed stays open here until more comes.
        What the crash kept from being recorded is returned.
        """
        self._known = frozenset(known)
        for said in words:
            for assembler in self._assemblers.values():
                assembler.recall(said)
        closed = [part for batch in batches for part in self._pushed(batch)]
        return self.judge([part for part in self._new(closed, now) if not part.incomplete], now)

    def _new(self, closed: Iterable[PartRecord], now: int) -> list[PartRecord]:
        """Return the parts that were not recorded before a restart; the judges remember the others."""
        new: list[PartRecord] = []
        for part in closed:
            judge = self._judges[part.station]
            if part.cycle_id not in self._known:
                new.append(part)
                continue
            self._gates[part.station].see(part)
            if isinstance(judge, StationSeats):
                judge.remember(part)
            elif judge is not None:
                judge.judge(part, now)
        return new

    def _deal(self, batch: ReadingBatch) -> None:
        """Lay out readings for the stations that have any among them."""
        for number, span in enumerate(self._routes.spans(batch)):
            if span is not None:
                self._put_off.setdefault(number, []).append((batch, span))

    def _ending(self) -> list[int]:
        """Return the numbers of the stations whose cycle what is laid out for them may end."""
        turned: list[int] = np.flatnonzero(self._routes.turned() > self._taken_to).tolist()
        return [number for number in turned if number in self._put_off]

    def _assembled(self, numbers: Iterable[int]) -> list[PartRecord]:
        """Hand stations what is laid out for them; return the parts this closes."""
        closed: list[PartRecord] = []
        for number in numbers:
            assembler = self._stations[number]
            closed += assembler.push(concatenate(batch.take(span) for batch, span in self._put_off.pop(number)))
            self._taken_to[number] = assembler.taken_to
        return closed

    def _all_assembled(self) -> list[PartRecord]:
        """Return the parts that all that was put off closes."""
        return self._assembled(list(self._put_off))

    def _pushed(self, batch: ReadingBatch) -> list[PartRecord]:
        self._deal(batch)
        return self._all_assembled()

    def wait(self, parts: Iterable[PartRecord], predicted: Collection[tuple[str, str]]) -> None:
        """Keep recorded parts for the models that have not judged them: ``predicted`` has cycle and characteristic."""
        done: dict[str, list[str]] = {}
        for cycle, characteristic in predicted:
            done.setdefault(cycle, []).append(characteristic)
        for part in parts:
            judge = self._judges.get(part.station)
            if isinstance(judge, StationSeats):
                judge.wait(part, done.get(part.cycle_id, ()))

    def push(self, batch: ReadingBatch, now: int, *, replayed: bool = False) -> Judged:
        """Take readings in; return what has come of them, and of all that was put off, at the time ``now`` (UTC ns)."""
        before = self._new(self._all_assembled(), now)
        closed = self._new(self._pushed(batch), now)
        if replayed:
            closed = [replace(part, late=True) for part in closed]
        return self.judge(before + closed, now, late=self._late(now, now))

    def push_ending(self, batch: ReadingBatch, now: int) -> Judged:
        """Take readings in, and return what comes of those that may end a cycle; the others' stations are put off.

        They are taken with the next `push`, `advance` or `flush`, or when their own may end.
        """
        self._deal(batch)
        return self.judge(self._new(self._assembled(self._ending()), now), now)

    @property
    def puts_off(self) -> bool:
        """Whether stations are put off."""
        return bool(self._put_off)

    def advance(self, now: int) -> Judged:
        """Let time pass without readings; return what has come of it, and of all that was put off."""
        closed = self._all_assembled()
        closed += [part for assembler in self._assemblers.values() for part in assembler.advance(now)]
        return self.judge(self._new(closed, now), now, late=self._late(now, now))

    def _late(self, now: int, at: int | None = None) -> tuple[LateReadings, ...]:
        """Return the notes of late readings that are due at a time (``at``; None: all that is noted)."""
        return tuple(
            LateReadings(station=station, first=span.first, last=span.last, count=span.count, recorded=now)
            for station, assembler in self._assemblers.items()
            for span in (assembler.late() if at is None else assembler.late(at))
        )

    def flush(self, now: int) -> Judged:
        """End of data: return what comes of all that was held."""
        closed = self._all_assembled()
        closed += [part for assembler in self._assemblers.values() for part in assembler.flush()]
        return self.judge(self._new(closed, now), now, late=self._late(now))

    def judge(
        self, parts: Iterable[PartRecord], now: int, *, replayed: bool = False, late: tuple[LateReadings, ...] = ()
    ) -> Judged:
        """Judge finished parts at the time ``now``; a part too old to be live is marked late first.

        ``late`` are notes of late readings that go with what comes of it.
        """
        records: list[PartRecord] = []
        predictions: list[Prediction] = []
        events: list[AlertEvent] = []
        for waited in self._caught_up(now):  # they were made before
            silence = self._gates[waited.part.station].reason(waited.part.cycle_id)
            self._tell(waited, now, silence, predictions, events)
        for part in parts:
            is_late = replayed or part.late or part.station in self._never_live
            is_late = is_late or now - part.ended > self._live_within[part.station]
            record = replace(part, late=is_late) if is_late != part.late else part
            records.append(record)
            self._parts[part.station] += 1
            self._newest[part.station] = record
            silence = self._gates[part.station].see(record)
            judge = self._judges[part.station]
            if judge is None:
                continue
            self._tell(judge.judge(record, now), now, silence, predictions, events)
        return Judged(parts=tuple(records), predictions=tuple(predictions), events=tuple(events), late=late)

    def _tell(
        self, judged: Judgement, now: int, silence: str, predictions: list[Prediction], events: list[AlertEvent]
    ) -> None:
        """Tell the station's alerts of a judgement; add its predictions, and the events that come of them."""
        for prediction in judged.predictions:
            marked = _marked(prediction, judged.part)
            predictions.append(marked)
            events += self._engines[judged.part.station].observe(marked, now, silence)

    def _caught_up(self, now: int) -> Iterable[Judgement]:
        """Return the judgements of parts that were recorded before there was a model for them, if there is one now."""
        for station, judge in self._judges.items():
            if isinstance(judge, StationSeats):
                yield from judge.catch_up(now, self._live_within[station])

    @property
    def stations(self) -> Mapping[str, StationCount]:
        """How many parts each station has had, the newest, and whether a model judges them."""
        return {
            station: StationCount(count, self._newest.get(station), _judges(self._judges[station]))
            for station, count in self._parts.items()
        }

    @property
    def counts(self) -> Mapping[str, AssemblyCounts]:
        """What became of the readings of each station so far."""
        return {station: assembler.counts for station, assembler in self._assemblers.items()}


def _marked(prediction: Prediction, part: PartRecord) -> Prediction:
    """Return a prediction that says what the part lacked."""
    if not part.missing:
        return prediction
    reason = f"judged without {', '.join(part.missing)}"
    return replace(prediction, reason=f"{prediction.reason}; {reason}" if prediction.reason else reason)


def _judges(judge: Judge | None) -> bool:
    """Return whether a judge has a model to judge by."""
    if isinstance(judge, StationSeats):
        return any(seat.model is not None for seat in judge.seats)
    return judge is not None
