"""A baseline per setup: where the features of good parts lie since the changeover, and how wide the limit is there.

Theory of operation
-------------------
A *setup* is what context signals say together: a variant on a tool, a lot. Let ``z`` be a part's features in units of
their scatter within a setup, and turned so that parts of one setup scatter by 1 in every direction, independently,
and setups lie apart by a variance ``b`` of its own in each (the canonical directions of Rao, J. Royal Stat. Soc. B 10,
1948; learned in `lineside.learn.setups`). In each direction, with ``n`` good parts of mean ``y``:

- a new setup lies anywhere, ``m ~ N(0, b)``; its parts scatter about it, ``z ~ N(m, 1)``;
- so ``m`` is at ``k y``, ``k = n b / (n b + 1)``, with variance ``v = b / (n b + 1)``: the empirical Bayes estimate
  (Efron and Morris, J. American Stat. Assoc. 68, 1973). Without parts it is where all setups are, with many it is where
  the setup's own parts are, and in a direction in which setups never differ it hardly moves at all.

*Centre.* A part is judged as if its setup lay where all do: ``m`` is taken off its features before the model sees them.

*Limit.* A next part lies about that centre with variance ``1 + v``, not 1. Any score that grows with a quadratic form
then exceeds ``1 + max v`` times its limit no more often than it exceeds its limit where the centre is known
(Anderson, Proc. American Math. Soc. 6, 1955: a symmetric convex region holds the less, the greater the covariance). Its
excess over this, as measured on setups left out of the learning after as many parts (`Step`), widens it further. What
is left is the setup's own scatter: the mean logarithm of its scores, shrunk as the centre is, moves the limit too.

*Who teaches.* Unsuspected parts only: not above the limit, outside experience or without a score; a part that is
suspected later is taken out as if it had never come, and one that is found good is taken in. Behind the first of a
setup, a part teaches at most what lies `CLIPPED` deviations from the centre. A part older than the newest one changes
nothing.

*Again.* A setup that comes back has its own baseline, worth as many parts as learning found runs of one setup alike.

The state is the fold of `BaselineEvent` (`Baselines.apply`): the same events give the same bits. `Baselines.view` and
`Baselines.observe` decide what a part is given and which events it makes; they know no clock, file or chance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64

Float32 = NDArray[np.float32]
CLIPPED: Final = 3.0
"""A part moves a centre as if it lay no farther from it than this, in deviations of what was to be expected."""
TAKEN_BACK: Final = 256
"""Newest parts of a setup that can be taken out of its baseline one by one."""
SET_ASIDE: Final = 64
"""Newest suspected parts of a setup that may be taken in once they are found good."""
NARROWEST: Final = 0.5
WIDEST: Final = 4.0
"""How far a setup's own scatter may move its limit."""
MOST_SETUPS: Final = 200
"""Setups whose baselines are kept."""
_FARTHEST: Final = 1000.0
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """From ``parts`` good parts on: what widens the limit beyond theory, and above which multiple of it nothing is."""

    parts: int
    width: float
    gross: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scatter:
    """Mean log score over limit in all setups, and its variance between setups and between parts of one."""

    centre: float = 0.0
    between: float = 0.0
    within: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SetupFacts:
    """What learning found of setups; ``p`` features that a setup moves, at ``places`` among a model's inputs.

    ``centre`` and ``scale`` ``(p,)`` are in the features' units; a standardised row times ``into`` ``(p, p)`` has the
    directions in which parts of one setup scatter by 1, and setups by the variances ``between`` ``(p,)``. ``parts``
    good parts make a setup known; an earlier run of a setup is worth ``worth`` of them. ``steps`` ascend from 0 parts.
    ``widens`` says that the score is a distance, whose limit is multiplied.
    """

    signals: tuple[str, ...]
    parts: int
    places: Int64
    centre: Float64
    scale: Float64
    into: Float64
    between: Float64
    worth: float
    widens: bool = True
    steps: tuple[Step, ...] = (Step(parts=0, width=1.0, gross=1.0),)
    scatter: Scatter = Scatter()
    back: Float64 = field(init=False)

    def __post_init__(self) -> None:
        """Reckon the way back from directions to standardised features."""
        object.__setattr__(self, "back", np.linalg.inv(self.into))


class Happened(StrEnum):
    """What an event says of a baseline."""

    BEGUN = "begun"
    LEARNED = "learned"
    SET_ASIDE = "set_aside"
    TAKEN_IN = "taken_in"
    TAKEN_OUT = "taken_out"


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineEvent:
    """One step in the life of a setup's baseline; ``at`` is the part's end (UTC ns).

    ``row`` is the part in the directions of `SetupFacts`; ``level`` the logarithm of its score over the limit of a
    setup of usual scatter, None while the centre is not known.
    """

    kind: Happened
    setup: tuple[str, ...]
    unit: str
    at: int = 0
    row: tuple[float, ...] = ()
    level: float | None = None

    @property
    def part(self) -> tuple[str, int]:
        """Which part it is: a unit may pass a station more than once."""
        return self.unit, self.at


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownSetup:
    """One setup's baseline as plain values; ``parts`` are the newest, ``aside`` those that were suspected."""

    setup: tuple[str, ...]
    count: float = 0.0
    total: tuple[float, ...] = ()
    levels: float = 0.0
    level_count: float = 0.0
    parts: tuple[BaselineEvent, ...] = ()
    aside: tuple[BaselineEvent, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineState:
    """All baselines of a model as plain values; ``newest`` is the end and the unit of the newest part seen."""

    setups: tuple[KnownSetup, ...] = ()
    current: tuple[str, ...] | None = None
    newest: tuple[int, str] = (0, "")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SetupView:
    """What a part of a setup is given: how far its setup lies off, and how wide its limit is.

    ``offset`` ``(inputs,)`` is in the features' units, ``shift`` ``(p,)`` the same in units of scatter. ``width``
    multiplies the model's limit (``usual`` would if the setup scattered as most do), ``gross`` does where only a gross
    deviation may alarm. ``known`` says whether the evidence suffices; else ``words`` say how much there is.
    """

    setup: tuple[str, ...]
    offset: Float32
    shift: Float64
    count: float
    usual: float
    width: float
    gross: float
    known: bool
    words: str

    def adjusted(self, row: Float32) -> Float32:
        """Return a row of inputs ``(1, inputs)`` as it would be if the setup lay where all do."""
        return row - self.offset


class _Setup:
    """A setup's sums: over all parts, and over those older than the ones that can still be taken out."""

    __slots__ = ("aside", "count", "level_count", "levels", "older", "parts", "setup", "total")

    def __init__(self, known: KnownSetup, width: int) -> None:
        self.setup = known.setup
        self.older = replace(known, total=known.total or (0.0,) * width, parts=(), aside=())
        self.parts: dict[tuple[str, int], tuple[BaselineEvent, Float64]] = {}
        self.aside = {item.part: item for item in known.aside}
        self._restart()

    def _restart(self) -> None:
        self.count, self.total = self.older.count, np.array(self.older.total)
        self.levels, self.level_count = self.older.levels, self.older.level_count

    def learn(self, event: BaselineEvent, between: Float64) -> None:
        """Take a part in, no farther from the centre than `CLIPPED` deviations; the first one says where that is."""
        row = np.array(event.row)
        if self.count > 0.0:
            mean, variance = posterior(self.count, self.total, between)
            reach = CLIPPED * np.sqrt(1.0 + variance)
            row = np.clip(row, mean - reach, mean + reach)
        self.parts[event.part] = (event, row)
        self.total = self.total + row
        self.count += 1.0
        if event.level is not None:
            self.levels += event.level
            self.level_count += 1.0
        if len(self.parts) > TAKEN_BACK:
            self._settle(*self.parts.pop(next(iter(self.parts))))

    def forget(self, part: tuple[str, int], between: Float64) -> None:
        """Take a part out, as if it had never come."""
        events = [event for event, _ in self.parts.values() if event.part != part]
        self.parts = {}
        self._restart()
        for event in events:
            self.learn(event, between)

    def resume(self, worth: float) -> None:
        """Begin another run: what was before counts as ``worth`` parts at most."""
        share = min(1.0, worth / self.count) if self.count else 1.0
        self.count, self.total = self.count * share, self.total * share
        self.levels, self.level_count = self.levels * share, self.level_count * share
        self.settle()

    def settle(self) -> None:
        """Let go of single parts: from now on none can be taken out."""
        self.parts, self.aside = {}, {}
        self.older = KnownSetup(
            setup=self.setup,
            count=self.count,
            total=tuple(self.total.tolist()),
            levels=self.levels,
            level_count=self.level_count,
        )

    def known(self) -> KnownSetup:
        """Return it as plain values."""
        parts = tuple(event for event, _ in self.parts.values())
        return replace(self.older, parts=parts, aside=tuple(self.aside.values()))

    def _settle(self, event: BaselineEvent, row: Float64) -> None:
        level, counted = (0.0, 0.0) if event.level is None else (event.level, 1.0)
        self.older = replace(
            self.older,
            count=self.older.count + 1.0,
            total=tuple((np.array(self.older.total) + row).tolist()),
            levels=self.older.levels + level,
            level_count=self.older.level_count + counted,
        )


def posterior(count: float | Float64, total: Float64, between: Float64) -> tuple[Float64, Float64]:
    """Return mean and variance of a setup's place in each direction, of ``count`` parts that sum to ``total``."""
    weight = between / (count * between + 1.0)
    return weight * total, weight


class Baselines:
    """The baselines of all setups of one model of ``inputs`` inputs."""

    def __init__(self, facts: SetupFacts, inputs: int, state: BaselineState | None = None) -> None:
        self.facts = facts
        self._inputs = inputs
        self._views: dict[tuple[str, ...], SetupView] = {}
        self._newest: tuple[int, str] = (0, "")
        self.restore(state or BaselineState())

    def view(self, context: Mapping[str, str]) -> SetupView:
        """Return what a part with that context is given; a signal that says nothing has its last value."""
        setup = self._setup_of(context)
        if setup not in self._views:
            self._views[setup] = self._look(setup)
        return self._views[setup]

    def observe(
        self, view: SetupView, row: Float32, ratio: float, *, unit: str, ended: int, suspected: bool
    ) -> tuple[BaselineEvent, ...]:
        """Return what a judged part makes of the baselines, and apply it.

        ``row`` ``(inputs,)`` is as measured; ``ratio`` its score over the model's limit, before any widening.
        """
        if (ended, unit) <= self._newest:
            return ()
        level = _level(view, ratio)
        kind = Happened.SET_ASIDE if suspected else Happened.LEARNED
        turned = tuple(self._turned(view, row).tolist())
        events = [BaselineEvent(kind=kind, setup=view.setup, unit=unit, at=ended, row=turned, level=level)]
        if view.setup != self._current:
            events.insert(0, BaselineEvent(kind=Happened.BEGUN, setup=view.setup, unit=unit, at=ended))
        for event in events:
            self.apply(event)
        return tuple(events)

    def suspect(self, units: Collection[str]) -> tuple[BaselineEvent, ...]:
        """Take parts out that are suspected after all, or found nonconforming; those too old stay."""
        return self._moved(units, Happened.TAKEN_OUT)

    def clear(self, units: Collection[str]) -> tuple[BaselineEvent, ...]:
        """Take parts in that were suspected and are found good."""
        return self._moved(units, Happened.TAKEN_IN)

    def apply(self, event: BaselineEvent) -> None:
        """Fold one event into the state."""
        setup = self._setup(event.setup)
        self._views.pop(event.setup, None)
        match event.kind:
            case Happened.BEGUN:
                self._begin(setup)
            case Happened.LEARNED:
                setup.learn(event, self.facts.between)
            case Happened.SET_ASIDE:
                _put_aside(setup, event)
            case Happened.TAKEN_IN:
                setup.learn(setup.aside.pop(event.part), self.facts.between)
            case Happened.TAKEN_OUT:
                _put_aside(setup, setup.parts[event.part][0])
                setup.forget(event.part, self.facts.between)
        self._newest = max(self._newest, (event.at, event.unit)) if event.row else self._newest

    def state(self) -> BaselineState:
        """Return all of it as plain values, for a checkpoint."""
        setups = tuple(setup.known() for setup in self._setups.values())
        return BaselineState(setups=setups, current=self._current, newest=self._newest)

    def restore(self, state: BaselineState) -> None:
        """Take over stored values; raises `ValueError` where they are of another model."""
        width = len(self.facts.places)
        rows = [item.row for known in state.setups for item in (*known.parts, *known.aside)]
        if any(len(row) != width for row in [*rows, *(known.total or (0.0,) * width for known in state.setups)]):
            raise ValueError(f"baselines of another shape than {width} directions")
        self._setups: dict[tuple[str, ...], _Setup] = {}
        for known in state.setups:
            self._setups[known.setup] = setup = _Setup(known, width)
            for item in known.parts:
                setup.learn(item, self.facts.between)
        self._current, self._newest = state.current, state.newest
        self._views.clear()

    def _begin(self, setup: _Setup) -> None:
        """Change over to a setup; the one that has not run for longest goes where there are too many."""
        for other in self._setups.values():
            if other.setup != self._current:  # what ran last may still have to give a part back
                other.settle()
        setup.resume(self.facts.worth)
        self._current = setup.setup
        self._setups[setup.setup] = self._setups.pop(setup.setup)
        if len(self._setups) > MOST_SETUPS:
            del self._setups[next(iter(self._setups))]
        self._views.clear()

    def _setup(self, name: tuple[str, ...]) -> _Setup:
        if name not in self._setups:
            self._setups[name] = _Setup(KnownSetup(setup=name), len(self.facts.places))
        return self._setups[name]

    def _moved(self, units: Collection[str], kind: Happened) -> tuple[BaselineEvent, ...]:
        events = [
            BaselineEvent(kind=kind, setup=setup.setup, unit=unit, at=at)
            for setup in self._setups.values()
            for unit, at in (setup.parts if kind is Happened.TAKEN_OUT else setup.aside)
            if unit in units
        ]
        for event in events:
            self.apply(event)
        return tuple(events)

    def _setup_of(self, context: Mapping[str, str]) -> tuple[str, ...]:
        last = self._current or ("",) * len(self.facts.signals)
        return tuple(context.get(name, value) for name, value in zip(self.facts.signals, last, strict=True))

    def _look(self, name: tuple[str, ...]) -> SetupView:
        facts = self.facts
        setup = self._setups.get(name) or _Setup(KnownSetup(setup=name), len(facts.places))
        share = 1.0 if name == self._current or not setup.count else min(1.0, facts.worth / setup.count)
        count = setup.count * share
        mean, variance = posterior(count, setup.total * share, facts.between)
        shift = mean @ facts.back
        offset = np.zeros(self._inputs)
        offset[facts.places] = shift * facts.scale
        width, gross = _widths(facts, count, float(variance.max()))
        own = _own_scatter(facts.scatter, setup.levels * share, setup.level_count * share)
        known = count + _ROUNDING >= facts.parts
        return SetupView(
            setup=name,
            offset=offset.astype(np.float32),
            shift=shift,
            count=count,
            usual=width,
            width=width * own,
            gross=gross * own,
            known=known,
            words="" if known else f"{int(count + _ROUNDING)} of {facts.parts} good parts of {self.name(name)}",
        )

    def name(self, setup: tuple[str, ...]) -> str:
        """Return a setup in words, such as "setup B-17"."""
        said = "-".join(value or f"(no {name})" for name, value in zip(self.facts.signals, setup, strict=True))
        return f"setup {said}"

    def _turned(self, view: SetupView, row: Float32) -> Float64:
        """Return a part in the directions of the facts; what is missing is where the setup is."""
        given = row[self.facts.places].astype(np.float64)
        z = np.clip((given - self.facts.centre) / self.facts.scale, -_FARTHEST, _FARTHEST)
        turned: Float64 = np.where(np.isnan(z), view.shift, z) @ self.facts.into
        return turned


def _widths(facts: SetupFacts, count: float, uncertain: float) -> tuple[float, float]:
    """Return what the limit is multiplied by after so many parts, and where only a gross deviation may alarm."""
    if not facts.widens:
        return 1.0, math.inf
    step = next(item for item in reversed(facts.steps) if item.parts <= count + _ROUNDING)
    return (1.0 + uncertain) * step.width, (1.0 + uncertain) * max(step.gross, step.width)


def _level(view: SetupView, ratio: float) -> float | None:
    return math.log(ratio / view.usual) if view.known and ratio > 0.0 else None


def _own_scatter(scatter: Scatter, levels: float, count: float) -> float:
    """Return by how much a setup's own scatter moves its limit, from the mean of its levels, shrunk."""
    away = scatter.between * (levels - count * scatter.centre) / (count * scatter.between + scatter.within)
    return min(max(math.exp(away), NARROWEST), WIDEST)


def _put_aside(setup: _Setup, event: BaselineEvent) -> None:
    setup.aside[event.part] = event
    if len(setup.aside) > SET_ASIDE:
        del setup.aside[next(iter(setup.aside))]
