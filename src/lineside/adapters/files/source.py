"""The `Source` of files: `open_source` gives it for a plan, a source of kind ``files`` and a clock.

Every file of the folder (or the one file) is read once, in the order of names, block by block; the source ends
behind the last row unless it is told to ``follow`` the folder. How it goes is said by `FileOptions`; where it was is
said by a `Position`, the token of each delivery, so that a reader that is stopped goes on behind the last delivery
that was acknowledged.

Times: readings keep their source times (or, with ``rebase``, times shifted so that the first row is now). They count
as received when they are delivered if they are paced or followed; as fast as possible, they count as received at
their source times. Rows without times are spaced by ``row_interval`` from 2000-01-01 on, which says that they are
a count and not a date.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.files.blocks import Block, TimeForm
from lineside.adapters.files.content import (
    NAME_COLUMNS,
    VALUE_COLUMNS,
    Content,
    LongReadings,
    PartRows,
    Timed,
    WideReadings,
)
from lineside.adapters.files.pacing import Pace
from lineside.adapters.files.reading import Refused, files_at, read_blocks
from lineside.domain.errors import ConfigurationError, SourceError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, refuse
from lineside.domain.intake.times import EARLIEST
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import CycleByRows, FilesSpec, Plan
from lineside.domain.readings import Catalogue, Int64, ReadingBatch
from lineside.ports import Clock, SourceDelivery
from lineside.zones import format_of, zone_named

LOOK_INTERVAL: Final = 1.0
"""Seconds between two looks into a folder that is followed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileOptions:
    """How files are played.

    Args:
        speed: times the speed of the rows' own times; None: as fast as possible.
        rebase: shift times so that the first row is now.
        replayed: mark deliveries as history that is never live; None: unless rebased or followed.
        follow: go on when new files come to the folder; a file is read once it has stopped growing.
        block_rows: most rows of a delivery.
        state: file that keeps the position across restarts; None: begin anew.
    """

    speed: float | None = None
    rebase: bool = False
    replayed: bool | None = None
    follow: bool = False
    block_rows: int = 8_192
    state: Path | None = None

    @property
    def is_replay(self) -> bool:
        """Whether deliveries are history."""
        return not (self.rebase or self.follow) if self.replayed is None else self.replayed


@dataclass(frozen=True, slots=True)
class Position:
    """Behind row ``row`` of a file (rows count from 1), with ``before`` rows in the files before it."""

    file: str = ""
    row: int = 0
    before: int = 0


class FileSource:
    """Readings or finished part rows from a file or a folder."""

    def __init__(
        self,
        plan: Plan,
        spec: FilesSpec,
        clock: Clock,
        *,
        root: Path = Path(),
        options: FileOptions = FileOptions(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spec = spec
        self._path = root / spec.path
        self._options = options
        self._clock = clock
        self._sleep = sleep
        self._gate = Gate(plan, spec.id)
        self._record = SourceRecord()
        self._contents = _contents(plan, spec, self._gate)
        self._form = TimeForm(zone_named(spec.time_zone), format_of(spec.time_format))
        self._pace = Pace(clock, options.speed, sleep)
        self._shift: int | None = None if options.rebase else 0
        self._position = Position()
        self._looked_at: Path | None = None
        self._closed = False

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._gate.catalogue

    @property
    def position(self) -> Position:
        """Behind the last delivery that was acknowledged."""
        return self._position

    @property
    def condition(self) -> SourceCondition:
        """How it stands with its peer."""
        return self._record.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._gate.remember(batch)

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield the rows of all files, from the acknowledged position on.

        Raises:
            SourceError: there is no such file or folder.
        """
        self._record.start(self._clock.now())
        if not self._path.exists():
            self._record.lose(self._clock.now(), f"there is no {self._path}")
            raise SourceError(
                "no such file or folder",
                field=f"sources.{self._spec.id}.path",
                value=str(self._path),
                next_step="correct the path in the plan, or create the folder",
            )
        self._position = at = self._restored()
        self._record.connect(self._clock.now())
        async for file in self._files(at.file):
            at = at if file.name == at.file else Position(file.name, 0, at.before + at.row)
            async for delivery in self._file(file, at):
                assert isinstance(delivery.token, Position)
                at = delivery.token
                yield delivery
        self._record.stop(self._clock.now())

    async def acknowledge(self, token: object) -> None:
        """Go on behind this delivery after a restart."""
        if not isinstance(token, Position):
            raise TypeError(f"a token of another source: {token!r}")
        self._position = token
        if self._options.state is not None:
            await asyncio.to_thread(_keep, self._options.state, token)

    async def close(self) -> None:
        """Stop at the next row."""
        self._closed = True
        self._record.stop(self._clock.now())

    # -- files --------------------------------------------------------------------------------------------

    async def _files(self, first: str) -> AsyncIterator[Path]:
        """Yield files from the one named ``first`` on; for ever where the folder is followed."""
        done = ""
        sizes: dict[Path, int] = {}
        while not self._closed:
            found = [file for file in files_at(self._path) if file.name >= first and file.name > done]
            steady = {file: file.stat().st_size for file in found}
            for file in found:
                if self._options.follow and sizes.get(file) != steady[file]:
                    break
                yield file
                done = file.name
            if not self._options.follow:
                return
            sizes = steady
            await self._sleep(LOOK_INTERVAL)

    async def _file(self, file: Path, at: Position) -> AsyncIterator[SourceDelivery]:
        self._record.mend("the newest file")
        blocks = read_blocks(file, delimiter=self._spec.delimiter, rows=self._options.block_rows, after=at.row)
        while not self._closed:
            block = await asyncio.to_thread(_next, blocks)
            if block is None:
                break
            if isinstance(block, Refused):
                self._gate.refuse(block.refusal, received=self._clock.now(), raw=block.raw)
                self._record.trouble("the newest file", f"{file.name}: {block.refusal.detail}")
                continue
            async for delivery in self._block(block, file, at):
                assert isinstance(delivery.token, Position)
                at = delivery.token
                yield delivery
        if self._gate.pending:
            yield self._delivery((), at)

    async def _block(self, block: Block, file: Path, at: Position) -> AsyncIterator[SourceDelivery]:
        end = block.end
        timed = await asyncio.to_thread(self._timed, block, file, at.before)
        if timed is None:
            yield self._delivery((), Position(file.name, end, at.before))
            return
        async for rows in self._pace.due(timed.times):
            part = self._part(timed, rows)
            parts = await asyncio.to_thread(self._read, part)
            last = end if rows.stop == len(timed.times) else int(part.block.numbers[-1])
            yield self._delivery(parts, Position(file.name, last, at.before))
            if self._closed:
                return

    def _read(self, timed: Timed) -> tuple[PartRecord, ...]:
        return tuple(part for content in self._contents for part in content.read(timed))

    def _delivery(self, parts: tuple[PartRecord, ...], at: Position) -> SourceDelivery:
        taken = self._gate.take()
        return SourceDelivery(
            readings=taken.readings,
            rows=parts,
            quarantined=taken.quarantined,
            duplicates=taken.duplicates,
            token=at,
            replayed=self._options.is_replay,
        )

    # -- times --------------------------------------------------------------------------------------------

    def _timed(self, block: Block, file: Path, before: int) -> Timed | None:
        """Return a block with its times, without the rows whose time is refused; None where none are left."""
        if not self._has_columns(block, file):
            return None
        times, keep = self._times(block, before)
        if not len(keep):
            return None
        if self._shift is None:
            self._shift = self._clock.now() - int(times[keep[0]])
        times = times[keep] + self._shift
        block = block if len(keep) == len(block.numbers) else block.take(keep)
        return Timed(block=block, times=times, received=times, file=file.stem)

    def _part(self, timed: Timed, rows: slice) -> Timed:
        """Return some rows of a block, received now if they are paced or followed."""
        block, times, received = timed.block, timed.times[rows], timed.received[rows]
        if rows.stop - rows.start < len(timed.times):
            block = block.take(np.arange(rows.start, rows.stop, dtype=np.int64))
        if self._options.speed is not None or self._options.follow:
            received = np.full(len(times), self._clock.now(), dtype=np.int64)
        return Timed(block=block, times=times, received=received, file=timed.file)

    def _times(self, block: Block, before: int) -> tuple[Int64, Int64]:
        if not self._spec.time_column:
            times = EARLIEST + (block.numbers + before - 1) * self._spec.row_interval
            return times, np.arange(len(times), dtype=np.int64)
        now = self._clock.now()
        times, refusals = block.times(self._spec.time_column, self._form, now)
        for row, refusal in refusals.items():
            self._gate.refuse(refusal, received=now, raw=block.raw(row))
        keep = np.ones(len(times), dtype=np.bool_)
        keep[list(refusals)] = False
        return times, np.flatnonzero(keep)

    def _has_columns(self, block: Block, file: Path) -> bool:
        """Refuse what a table lacks, once for each file; say whether it can be read without."""
        now, names = self._clock.now(), {name.lower() for name in block.names}
        needed: list[tuple[str, ...]] = [(self._spec.time_column,)] if self._spec.time_column else []
        if self._spec.layout == "long":
            needed += [NAME_COLUMNS, VALUE_COLUMNS]
        elif file != self._looked_at:
            self._looked_at = file
            for rule in self._gate.rules.values():
                if rule.address not in block.names:
                    refusal = refuse(Reason.MISSING_FIELD, rule.address, "The table has no such column.")
                    self._gate.refuse(refusal, received=now, signal=rule.id)
        lacking = [choices for choices in needed if names.isdisjoint(choice.lower() for choice in choices)]
        for choices in lacking:
            hint = f"The table lacks the column {' or '.join(choices)}."
            refusal = refuse(Reason.UNREADABLE_FILE, hint=hint)
            self._gate.refuse(refusal, received=now, raw=",".join(block.names).encode(), count=len(block.numbers))
        return not lacking

    # -- position -----------------------------------------------------------------------------------------

    def _restored(self) -> Position:
        state = self._options.state
        if state is None or not state.exists():
            return self._position
        try:
            return Position(**json.loads(state.read_text()))
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                "the file that keeps the position cannot be read",
                where=str(state),
                next_step="delete it to begin anew",
            ) from error


def open_source(
    plan: Plan,
    spec: FilesSpec,
    clock: Clock,
    *,
    root: Path = Path(),
    options: FileOptions = FileOptions(),
    seen: Iterable[ReadingBatch] = (),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> FileSource:
    """Return the source of the files that ``spec`` names; a relative path is relative to ``root``.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the time zone is unknown.
    """
    source = FileSource(plan, spec, clock, root=root, options=options, sleep=sleep)
    source.remember(seen)
    return source


def _contents(plan: Plan, spec: FilesSpec, gate: Gate) -> tuple[Content, ...]:
    """Return what the signals of the source make: part rows of stations that work so, readings of all others."""
    contents: list[Content] = []
    readings = []
    for station in plan.stations:
        rules = [gate.rules[item.id] for item in plan.signals_at(station.id) if item.id in gate.rules]
        if not rules:
            continue
        if isinstance(station.cycle, CycleByRows):
            recipe = recipe_for(plan, station.id)
            contents.append(PartRows(gate, station.id, recipe, rules, station.serial or "", spec.decimal))
        else:
            readings += rules
    if readings:
        ordered = sorted(readings, key=lambda rule: rule.code)
        contents.append((LongReadings if spec.layout == "long" else WideReadings)(gate, ordered, spec.decimal))
    return tuple(contents)


def _next(blocks: Iterator[Block | Refused]) -> Block | Refused | None:
    return next(blocks, None)


def _keep(path: Path, position: Position) -> None:
    """Write the position so that a power cut leaves the old one or the new one."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w") as file:
        json.dump(asdict(position), file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
