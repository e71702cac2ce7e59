"""The features of one open cycle: slots, their running state, and the record that comes of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.features import kernels
from lineside.domain.features.recipe import WHOLE, FeatureRecipe, FeatureSpec, trace_kind
from lineside.domain.plan.model import Role, Station
from lineside.domain.readings import Float64, Int64

_FOREVER: Final = np.iinfo(np.int64).max
_ROOM: Final = 64
"""Values that a slot has room for at first."""
_LINE: Final = 64
"""Bytes of a line of the processor's cache."""
_NEVER: Final = np.iinfo(np.int64).min
_NEEDS: Final = {
    "slope": kernels.NEEDS_SLOPE,
    "area": kernels.NEEDS_AREA,
    "percentile": kernels.NEEDS_VALUES,
    "above": kernels.NEEDS_VALUES | kernels.NEEDS_TIMES,
    "curve": kernels.NEEDS_VALUES | kernels.NEEDS_TIMES,
    "waves": kernels.NEEDS_VALUES | kernels.NEEDS_TIMES,
}


class Accumulator:
    """Running state of a station's features, in the arrays that the kernels work on.

    ``signals`` are the station's signal ids in the numbering of `lineside.domain.cycles`. The arrays are
    allocated once and reset between cycles; only the kept values grow, fourfold each time, with the longest cycle.
    """

    def __init__(self, recipe: FeatureRecipe, station: Station, signals: tuple[str, ...]) -> None:
        number = {name: index for index, name in enumerate(signals)}
        phases = {WHOLE: 0} | {phase.id: index + 1 for index, phase in enumerate(station.phases)}
        self.recipe = recipe
        self.slot_of = np.full((len(signals), len(phases)), -1, dtype=np.int32)
        self._signal_of_slot: list[int] = []
        for feature in recipe.features:
            self._open_slot(number[feature.signal], phases[feature.phase])
        slots = len(self._signal_of_slot)
        self.marks = _aligned(slots, kernels.COLUMNS)
        self.marks[:, kernels.KEPT_OF] = -1
        self.sums = self.marks.view(np.float64)
        needs, kept_of = self.marks[:, kernels.NEEDS], self.marks[:, kernels.KEPT_OF]
        self._kind = np.empty(len(recipe.features), dtype=np.int64)
        self._slot = np.empty(len(recipe.features), dtype=np.int64)
        self._parameter = np.zeros(len(recipe.features), dtype=np.float64)
        self._wanted = tuple(dict.fromkeys(feature.signal for feature in recipe.features))
        place = {name: index for index, name in enumerate(self._wanted)}
        wanted_by = np.array([place[feature.signal] for feature in recipe.features], dtype=np.int64)
        keeps = 0
        for index, feature in enumerate(recipe.features):
            slot = int(self.slot_of[number[feature.signal], phases[feature.phase]])
            kind, self._parameter[index] = _kind_of(feature)
            self._kind[index] = kernels.KINDS[kind]
            self._slot[index] = number[feature.signal] if kind == "carried" else slot
            needs[slot] |= _NEEDS.get(kind, 0)
            if needs[slot] & kernels.NEEDS_VALUES and kept_of[slot] < 0:
                kept_of[slot] = keeps
                keeps += 1
        carried = self._kind == kernels.KINDS["carried"]
        self._slots, first = np.unique(self._slot[~carried], return_index=True)
        self._wanted_by_slot = wanted_by[~carried][first]
        self._carried, self._wanted_by_carried = self._slot[carried], wanted_by[carried]
        self._keeps_times = bool((needs & kernels.NEEDS_TIMES).any())
        self.kept = np.empty((_ROOM, keeps), dtype=np.float64)
        self.kept_times = np.empty((_ROOM, keeps if self._keeps_times else 0), dtype=np.float64)
        self.said_at = _aligned(len(signals), 2)
        self.said = self.said_at.view(np.float64)
        self.said[:, kernels.SAID] = np.nan
        self.forget_times()
        self.phase_signal = np.array(
            [-1 if phase.signal is None else number[phase.signal] for phase in station.phases], dtype=np.int64
        )
        self.phase_equals = np.array([phase.equals or 0.0 for phase in station.phases], dtype=np.float64)
        self.phase_after = np.array([phase.after for phase in station.phases], dtype=np.int64)
        self.phase_until = np.array(
            [_FOREVER if phase.until is None else phase.until for phase in station.phases], dtype=np.int64
        )
        self.phase_on = np.zeros(len(station.phases), dtype=np.int64)

    def reset(self) -> None:
        """Forget the cycle; what signals last said stays known."""
        self.sums[:, : kernels.SUMS] = 0.0
        self.marks[:, kernels.KEPT] = 0

    def forget_times(self) -> None:
        """Forget when signals last said something: times begin anew."""
        self.said_at[:, kernels.SAID_AT] = _NEVER

    def hear(self, signal: int, time: int, value: float) -> None:
        """Know what a signal said last; it is no reading of the cycle."""
        self.said_at[signal, kernels.SAID_AT], self.said[signal, kernels.SAID] = time, value

    def heard_of(self, signal: int) -> bool:
        """Whether a signal has said anything since times began."""
        return self.said_time(signal) != _NEVER

    def said_time(self, signal: int) -> int:
        """Return the source time of what a signal last said; the least whole number where nothing."""
        return int(self.said_at[signal, kernels.SAID_AT])

    def last_value(self, signal: int) -> float:
        """Return what a signal last said, NaN where nothing."""
        return float(self.said[signal, kernels.SAID])

    def widen(self) -> None:
        """Make a quarter more room for kept values.

        The matrices grow where they are: a large one is moved by the system's tables, and no value is copied.
        """
        rows = len(self.kept) + max(_ROOM, len(self.kept) // 4)
        for matrix in (self.kept, self.kept_times):
            matrix.resize((rows, matrix.shape[1]), refcheck=False)  # nobody else holds them

    def features(self) -> Float64:
        """Return the features of the cycle so far, shape ``(len(recipe.features),)``."""
        answer = np.empty(len(self._kind), dtype=np.float64)
        kernels.emit(
            self._kind,
            self._slot,
            self._parameter,
            self.sums,
            self.marks,
            self.kept,
            self.kept_times,
            self.said,
            answer,
        )
        return answer

    def missing(self) -> tuple[str, ...]:
        """Return the signals that the recipe wants and that have given nothing it could use."""
        gave = np.zeros(len(self._wanted), dtype=np.bool_)
        gave[self._wanted_by_slot[self.sums[self._slots, kernels.COUNT] > 0.0]] = True
        gave[self._wanted_by_carried[~np.isnan(self.said[self._carried, kernels.SAID])]] = True
        return tuple(self._wanted[index] for index in np.flatnonzero(~gave).tolist())

    def _open_slot(self, signal: int, phase: int) -> None:
        if self.slot_of[signal, phase] < 0:
            self.slot_of[signal, phase] = len(self._signal_of_slot)
            self._signal_of_slot.append(signal)


def _aligned(rows: int, columns: int) -> Int64:
    """Return zeros whose rows begin with a line of the processor's cache, as far as they are that long."""
    whole = np.zeros(rows * columns + _LINE // 8, dtype=np.int64)
    first = -whole.ctypes.data % _LINE // 8
    return whole[first : first + rows * columns].reshape(rows, columns)


def _kind_of(feature: FeatureSpec) -> tuple[str, float]:
    """Return the kernel's kind and its parameter; a condition's ``last`` holds from before the cycle on."""
    kind = feature.kind
    if kind == "last" and feature.role is Role.ENVIRONMENT and feature.phase == WHOLE:
        return "carried", 0.0
    if kind.startswith("above("):
        return "above", float(kind[6:-1])
    trace = trace_kind(kind)
    if trace is not None:
        name, number, count = trace
        return name, float(kernels.OF * (number - 1) + count)
    if kind.startswith("p"):
        return "percentile", float(kind[1:])
    return kind, 0.0
