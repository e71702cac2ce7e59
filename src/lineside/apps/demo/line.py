"""The simulated line in time: what its sensors have said, and its inspection has found, by a given moment.

Sans-IO: the process time goes in, readings and outcomes come out, each once and in order of time. A shot is made
when the process time reaches it; what its part says later, at the stations behind, waits here. A checkpoint
holds the state before the oldest shot that still has something to say, so that going on from it makes the
same shots again and leaves out what had been said.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import msgspec

from lineside.apps.demo.physics.cell import Cell, CellState, ShotBlock
from lineside.apps.demo.physics.downstream import INSPECTED, LONGEST_WAY
from lineside.apps.demo.physics.faults import Fault, FaultKind
from lineside.apps.demo.physics.readings import readings
from lineside.domain.errors import IntegrityError
from lineside.domain.outcomes import CONFORMING, NONCONFORMING, Outcome
from lineside.domain.readings import Catalogue
from lineside.wire.unreadable import UNREADABLE

SOURCE = "inspection"


class Said(NamedTuple):
    """One reading: its source time (UTC ns), the order among those of one time, signal id, and value."""

    time: int
    order: int
    signal: str
    value: float | str


class Checkpoint(msgspec.Struct, frozen=True):
    """Where the line stands: everything up to ``said`` (UTC ns) has been said; ``cell`` goes back before that."""

    seed: int
    said: int
    cell: CellState


class SimulatedLine:
    """The line from a checkpoint on, in the signals of a catalogue."""

    def __init__(self, start: Checkpoint, cell: Cell, catalogue: Catalogue) -> None:
        """Store where to start; ``cell`` is in the checkpoint's state."""
        self._cell = cell
        self._catalogue = catalogue
        self._seed = start.seed
        self._said = start.said
        self._readings: list[Said] = []
        self._outcomes: list[tuple[int, str, tuple[Outcome, ...]]] = []
        self._before: deque[tuple[int, CellState]] = deque()
        self._order = 0

    @property
    def shots(self) -> int:
        """How many shots have been made since the cell was new."""
        return self._cell.state.shot

    def advance(self, now: int) -> tuple[list[Said], list[Outcome]]:
        """Return what has been said and found up to ``now`` (process time) and had not been returned before."""
        while self._cell.state.time <= now:
            self._shoot()
        said: list[Said] = []
        found: list[Outcome] = []
        while self._readings and self._readings[0].time <= now:
            said.append(heapq.heappop(self._readings))
        while self._outcomes and self._outcomes[0][0] <= now:
            found.extend(heapq.heappop(self._outcomes)[2])
        self._said = max(self._said, now)
        while len(self._before) > 1 and self._before[0][0] <= self._said:
            self._before.popleft()
        return said, found

    def begin(self, kind: FaultKind, now: int, lasts: int) -> Fault:
        """Let a fault begin with the next shot and last so many nanoseconds of process time."""
        at = max(now, self._cell.state.time)
        self._cell.finish(kind, at=at)
        return self._cell.begin(kind, at=at, end=at + lasts)

    def finish(self, kind: FaultKind, now: int) -> bool:
        """Let a kind of fault end with the next shot; return whether there was one."""
        return self._cell.finish(kind, at=max(now, self._cell.state.time))

    def active(self, now: int) -> tuple[Fault, ...]:
        """Return the faults that hold now or begin with the next shot."""
        return tuple(fault for fault in self._cell.state.faults if fault.end > now)

    def checkpoint(self) -> Checkpoint:
        """Return where the line stands, small enough to be written down every second."""
        state = self._before[0][1] if self._before else self._cell.state
        self._cell.forget(state.time)
        return Checkpoint(seed=self._seed, said=self._said, cell=replace(state, faults=self._cell.state.faults))

    def _shoot(self) -> None:
        before = self._cell.state
        block = self._cell.step(1)
        start = int(block.schedule.start[0])
        self._before.append((start + LONGEST_WAY, before))
        for said in self._of(block):
            heapq.heappush(self._readings, said)
        if start + INSPECTED > self._said:
            outcomes = tuple(inspected(block))
            heapq.heappush(self._outcomes, (start + INSPECTED, block.serials[0], outcomes))

    def _of(self, block: ShotBlock) -> Iterable[Said]:
        batch = readings(block, self._catalogue)
        texts = self._catalogue.text_mask()
        rows = zip(batch.source_time.tolist(), batch.signal.tolist(), batch.value.tolist(), strict=True)
        for time, code, value in rows:
            if time > self._said:
                self._order += 1
                said: float | str = batch.texts[int(value)] if texts[code] else value
                yield Said(time, self._order, self._catalogue.signals[code], said)


def inspected(block: ShotBlock) -> Iterable[Outcome]:
    """Yield what inspection finds of a block's parts, with the time at which it finds it."""
    quality, starts = block.quality, block.schedule.start.tolist()
    flags = {"porosity": quality.porosity, "cold_shut": quality.cold_shut, "short_shot": quality.short_shot}
    for row, serial in enumerate(block.serials):
        found = starts[row] + INSPECTED
        for characteristic, flag in flags.items():
            value = NONCONFORMING if flag[row] else CONFORMING
            yield Outcome(unit=serial, characteristic=characteristic, value=value, found=found, source=SOURCE)
        weight = f"{1e3 * quality.mass[row]:.1f}"
        yield Outcome(unit=serial, characteristic="weight", value=weight, found=found, source=SOURCE)


def write_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as JSON."""
    return msgspec.json.encode(checkpoint)


def read_checkpoint(data: bytes) -> Checkpoint:
    """Return the checkpoint that JSON holds; raises `IntegrityError` where it cannot be read."""
    try:
        return msgspec.json.decode(data, type=Checkpoint)
    except UNREADABLE as error:
        raise IntegrityError(
            f"not a checkpoint of the demo: {error}", next_step="delete the demo's folder to begin anew"
        ) from error
