"""What a model remembers of earlier parts: a moving average, and the parts just before.

The model's graph is a pure function. What it must remember goes in as inputs and comes out as outputs:
``memory`` is the exponentially weighted moving average of the standardised features (Roberts, Technometrics 1,
1959; multivariate: Lowry et al., Technometrics 34, 1992), ``past`` the last ``lags`` rows of it, newest first
(dynamic PCA: Ku, Storer and Georgakis, Chemom. Intell. Lab. Syst. 30, 1995), ``shift`` how far the centre of normal
has followed slow drift, ``sums`` a cumulative sum of stacked rows (multivariate CUSUM: Crosier, Technometrics 30,
1988). This object carries them from one part to the next, and is plain values when it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryState:
    """A memory as plain values, for a checkpoint; ``newest`` is the end (UTC ns) of the newest part in it."""

    average: tuple[float, ...] = ()
    past: tuple[float, ...] = ()
    shift: tuple[float, ...] = ()
    seen: int = 0
    newest: int = 0
    sums: tuple[float, ...] = ()


@dataclass(kw_only=True, slots=True)
class Memory:
    """The memory of one model of ``width`` inputs; a memoryless one (weight 1, all else 0) stays empty."""

    width: int
    weight: float
    lags: int
    drift: float = 0.0
    allowance: float = 0.0
    seen: int = 0
    newest: int = 0
    _average: Float32 = field(init=False)
    _past: Float32 = field(init=False)
    _shift: Float32 = field(init=False)
    _sums: Float32 = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing remembered."""
        self.reset()

    @property
    def averages(self) -> bool:
        """Whether the model has a moving average."""
        return self.weight < 1.0

    @property
    def kept(self) -> bool:
        """Whether the model remembers anything at all."""
        return self.averages or self.lags > 0 or self.follows or self.accumulates

    @property
    def follows(self) -> bool:
        """Whether the centre of normal follows slow drift."""
        return self.drift > 0.0

    @property
    def accumulates(self) -> bool:
        """Whether rows are summed up."""
        return self.allowance > 0.0

    @property
    def ready(self) -> bool:
        """Whether enough parts have been seen for a score to mean something."""
        return self.seen >= self.lags

    def reset(self) -> None:
        """Forget everything, as at the start of another process or product."""
        self.seen = 0
        self.newest = 0
        self._average = np.zeros((1, self.width if self.averages else 0), dtype=np.float32)
        self._past = np.zeros((1, self.width * self.lags), dtype=np.float32)
        self._shift = np.zeros((1, self.width if self.follows else 0), dtype=np.float32)
        self._sums = np.zeros((1, self.width * (self.lags + 1) if self.accumulates else 0), dtype=np.float32)

    def inputs(self) -> dict[str, Float32]:
        """Return what the graph is given of the memory, by input name."""
        given = {}
        if self.averages:
            given["memory"] = self._average
        if self.lags:
            given["past"] = self._past
        if self.follows:
            given["shift"] = self._shift
        if self.accumulates:
            given["sums"] = self._sums
        return given

    def advance(self, outputs: Mapping[str, Float32], ended: int = 0) -> None:
        """Take over what the graph gave back; a part older than the newest seen leaves the memory as it is."""
        if ended and ended < self.newest:
            return
        self.newest = ended
        self.seen += 1
        if self.averages:
            self._average = outputs["memory_out"]
        if self.lags:
            self._past = outputs["past_out"]
        if self.follows:
            self._shift = outputs["shift_out"]
        if self.accumulates:
            self._sums = outputs["sums_out"]

    def state(self) -> MemoryState:
        """Return the memory as plain values."""
        return MemoryState(
            average=tuple(self._average.ravel().tolist()),
            past=tuple(self._past.ravel().tolist()),
            shift=tuple(self._shift.ravel().tolist()),
            seen=self.seen,
            newest=self.newest,
            sums=tuple(self._sums.ravel().tolist()),
        )

    def restore(self, state: MemoryState) -> None:
        """Take over stored values; raises `ValueError` where they are of another model."""
        average = np.array([state.average], dtype=np.float32)
        past = np.array([state.past], dtype=np.float32)
        shift = np.array([state.shift], dtype=np.float32)
        sums = np.array([state.sums], dtype=np.float32)
        shapes = (average.shape, past.shape, shift.shape, sums.shape)
        if shapes != (self._average.shape, self._past.shape, self._shift.shape, self._sums.shape):
            raise ValueError(f"a memory of other shape: {shapes}")
        self._average, self._past, self._shift, self._sums = average, past, shift, sums
        self.seen, self.newest = state.seen, state.newest
