"""The seats of a station's models: one judges, its fallback stands by, and parts that nobody could judge wait.

A part is always judged by one model per characteristic: models are exchanged between two parts only. Where a model
raises, answers with no number, or is over its time, the fallback takes its place at once and judges that same part;
what happened is left in `Seat.faults` for whoever makes it durable. Parts that came while there was no model wait, and
are judged when there is one (marked late where they no longer count as live).

No I/O and no clock but the one that is passed in; `lineside.domain.model_service` has the states.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

from lineside.domain.errors import IntegrityError
from lineside.domain.judging.state import ModelState
from lineside.domain.model_service import SeatEvent, SeatState, Trouble, next_state
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.flows.trials import Trial
from lineside.ports import Judge, Judgement

WAITING_PARTS: Final = 5_000
"""Parts of a seat that wait for a model at most; the oldest go first, and are counted."""
WARM_PARTS: Final = 32
"""Newest parts that a model is shown before it takes its seat, so that its memory is filled."""
TIMED_PARTS: Final = 200
"""Newest parts whose judging time counts; a hundredth of them may take longer than the plan allows."""
_LEAST_SLOW: Final = 3


@runtime_checkable
class Learning(Protocol):
    """A judge whose models go on learning at the line."""

    @property
    def learns(self) -> bool:
        """Whether there is anything that a restart must not lose."""

    def state(self) -> Mapping[str, ModelState]:
        """Return what is remembered of earlier parts, by model name."""

    def suspect(self, units: Collection[str]) -> None:
        """Take parts out of what was learned: they are found nonconforming."""

    def clear(self, units: Collection[str]) -> None:
        """Take parts in that were suspected and are found good."""

    def measured(self, found: Iterable[tuple[str, float]]) -> None:
        """Take in what was measured of parts, by unit."""


class Mark(Protocol):
    """Says across a crash that a model was at work."""

    def enter(self) -> None:
        """Note that a model begins to work."""

    def leave(self) -> None:
        """Note that it came back."""


class NoMark:
    """Notes nothing."""

    def enter(self) -> None:
        """Note nothing."""

    def leave(self) -> None:
        """Note nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seated:
    """A model at its seat: the judge that was opened, the model's name, and the version of its offer."""

    judge: Judge
    name: str
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatFault:
    """A model gave way: which, why, and what judges now (empty: nothing)."""

    model: str
    version: int
    trouble: Trouble
    detail: str
    now: str


class Seat:
    """The place of one characteristic's model.

    Args:
        characteristic: whose model it is.
        budget: longest time for judging a part, ns, 99th percentile.
        mark: where it is noted that a model is at work.
        timer: a monotonic clock in ns.
    """

    def __init__(
        self,
        characteristic: str,
        budget: int,
        mark: Mark | None = None,
        timer: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.characteristic = characteristic
        self.state = SeatState.EMPTY
        self.faults: list[SeatFault] = []
        self.unjudged = 0
        self.corrections = 0
        self.trial: Trial | None = None
        self._budget = budget
        self._mark = mark or NoMark()
        self._timer = timer
        self._model: Seated | None = None
        self._fallback: Seated | None = None
        self._waiting: dict[str, PartRecord] = {}
        self._recent: deque[PartRecord] = deque(maxlen=WARM_PARTS)
        self._taken: deque[int] = deque(maxlen=TIMED_PARTS)

    @property
    def model(self) -> Seated | None:
        """What judges now."""
        return self._model

    @property
    def fallback(self) -> Seated | None:
        """What would judge if that failed."""
        return self._fallback

    @property
    def waiting(self) -> int:
        """How many parts wait for a model."""
        return len(self._waiting)

    def install(self, model: Seated, fallback: Seated | None = None, *, fallen: bool = False) -> None:
        """Put a model in, between two parts; ``fallen``: it is itself the fallback of one that failed before."""
        self._warm(model)
        self.state = next_state(self.state, SeatEvent.ACCEPTED)
        self._model, self._fallback = model, fallback
        if fallen:
            self.state, self._fallback = next_state(self.state, SeatEvent.FAILED), None
        self._taken.clear()

    def refuse(self) -> None:
        """Take note of an offer that was refused: the seat stays as it is."""
        self.state = next_state(self.state, SeatEvent.REFUSED)

    def roll_back(self, trouble: Trouble, detail: str) -> SeatFault | None:
        """Take the model out and its fallback in; return what happened, None where there was no model."""
        gone = self._model
        if gone is None:
            return None
        then, self._fallback = self._fallback, None
        self.state = next_state(self.state, SeatEvent.FAILED if then is not None else SeatEvent.FAILED_FOR_GOOD)
        self._model = then
        self._taken.clear()
        if then is not None:
            self._warm(then)
        fault = SeatFault(
            model=gone.name,
            version=gone.version,
            trouble=trouble,
            detail=detail,
            now="" if then is None else then.name,
        )
        self.faults.append(fault)
        return fault

    def judge(self, part: PartRecord, now: int) -> tuple[Prediction, ...]:
        """Return the predictions of a part; none where there is no model: the part waits.

        A canary answers for the parts that are its own; the model in service sees them too, for what it remembers.
        """
        tried = None if self.trial is None else self.trial.judge(part, now)
        if tried is not None and self._model is None:
            return tried
        found = self._judge(part, now)
        return found if tried is None else tried

    def _judge(self, part: PartRecord, now: int) -> tuple[Prediction, ...]:
        while self._model is not None:
            try:
                return self._ask(self._model, part, now)
            except IntegrityError as error:
                self.roll_back(Trouble.NOT_A_NUMBER, str(error))
            except Exception as error:  # noqa: BLE001 - whatever a model does, the part is judged by the next one
                self.roll_back(Trouble.FAILED, f"{type(error).__name__}: {error}"[:300])
        self.wait([part])
        return ()

    def remember(self, part: PartRecord) -> None:
        """Show the model a part that was judged before; what it says of it counts nothing.

        A part that waits is shown when it is judged.
        """
        if self._model is not None and part.cycle_id not in self._waiting:
            self.judge(part, part.ended)

    def found(self, units: Collection[str], *, good: bool) -> None:
        """Tell the model what parts turned out to be."""
        judge: object = None if self._model is None else self._model.judge
        if isinstance(judge, Learning):
            if good:
                judge.clear(units)
            else:
                judge.suspect(units)
            self.corrections += 1

    def measured(self, found: Sequence[tuple[str, float]]) -> None:
        """Tell every model of the seat what was measured of parts, by unit, in the order in which it came."""
        judges: tuple[object, ...] = (
            None if self._model is None else self._model.judge,
            None if self.trial is None else self.trial.judge_with,
        )
        for judge in judges:
            if isinstance(judge, Learning):
                judge.measured(found)
        self.corrections += bool(found)

    @property
    def learned(self) -> Mapping[str, ModelState]:
        """What the model has learned at the line, by its name; nothing where it does not learn there."""
        judge: object = None if self._model is None else self._model.judge
        return judge.state() if isinstance(judge, Learning) and judge.learns else {}

    def wait(self, parts: Iterable[PartRecord]) -> None:
        """Keep parts that nobody has judged until there is a model."""
        for part in parts:
            if len(self._waiting) >= WAITING_PARTS:
                del self._waiting[next(iter(self._waiting))]
                self.unjudged += 1
            self._waiting[part.cycle_id] = part

    def catch_up(self, now: int, live_within: int) -> tuple[Judgement, ...]:
        """Judge the parts that wait, oldest first, if there is a model; older than ``live_within`` is marked late."""
        if self._model is None or not self._waiting:
            return ()
        parts, self._waiting = sorted(self._waiting.values(), key=lambda part: part.ended), {}
        found = []
        for part in parts:
            marked = replace(part, late=part.late or now - part.ended > live_within)
            found.append(Judgement(part=marked, predictions=self.judge(marked, now)))
        return tuple(found)

    def _ask(self, model: Seated, part: PartRecord, now: int) -> tuple[Prediction, ...]:
        began = self._timer()
        self._mark.enter()
        try:
            found = model.judge.judge(part, now).predictions
        finally:
            self._mark.leave()
        self._taken.append(self._timer() - began)
        self._recent.append(part)
        if self._taken[-1] > self._budget:
            self._check_time()
        return tuple(found)

    def _check_time(self) -> None:
        over = sum(taken > self._budget for taken in self._taken)
        if over >= _LEAST_SLOW and over > len(self._taken) // 100:
            worst = max(self._taken) / 1e6
            detail = (
                f"{over} of {len(self._taken)} parts took longer than {self._budget / 1e6:g} ms, one {worst:.3g} ms"
            )
            self.roll_back(Trouble.SLOW, detail)

    def _warm(self, model: Seated) -> None:
        """Show a model the newest parts, so that what it remembers is there; what it says of them counts nothing."""
        try:
            for part in self._recent:
                model.judge.judge(part, part.ended)
        except Exception:  # noqa: BLE001, S110 - it fails on these parts: it will on the next, and give way then
            pass


class StationSeats:
    """Implements `lineside.ports.Judge` for a station: each seat judges for its characteristic."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self.seats = tuple(seats)

    def judge(self, part: PartRecord, now: int) -> Judgement:
        """Return the judgement of a part by the models that there are."""
        return Judgement(part=part, predictions=tuple(item for seat in self.seats for item in seat.judge(part, now)))

    def remember(self, part: PartRecord) -> None:
        """Show a part that was judged before to the models, for what they remember."""
        for seat in self.seats:
            seat.remember(part)

    def found(self, characteristic: str, units: Collection[str], *, good: bool) -> None:
        """Tell a characteristic's model what parts turned out to be."""
        for seat in self.seats:
            if seat.characteristic == characteristic:
                seat.found(units, good=good)

    def wait(self, part: PartRecord, judged: Iterable[str] = ()) -> None:
        """Keep a part for the characteristics that are not among those ``judged``."""
        done = set(judged)
        for seat in self.seats:
            if seat.characteristic not in done:
                seat.wait([part])

    def catch_up(self, now: int, live_within: int) -> tuple[Judgement, ...]:
        """Judge what waits at each seat that has a model."""
        return tuple(item for seat in self.seats for item in seat.catch_up(now, live_within))
