"""One file to deliveries: its blocks, their times, and what the plan makes of them.

Times: readings keep their source times (or, with ``rebase``, times shifted so that the first row is now). They count
as received when they are delivered if they are paced or followed; as fast as possible, they count as received at
their source times. Rows without times are spaced by ``row_interval`` from 2000-01-01 on, which says that they are
a count and not a date.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np

from lineside.adapters.durable_files import load_key
from lineside.adapters.files.aqdef_block import TIME as AQDEF_TIME
from lineside.adapters.files.aqdef_block import AqdefBlock
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
from lineside.adapters.files.options import FileOptions
from lineside.adapters.files.pacing import Pace
from lineside.adapters.files.reading import Refused, Work, read_blocks
from lineside.domain.aqdef.meaning import differences
from lineside.domain.aqdef.reading import INSPECTOR
from lineside.domain.features.recipe import recipe_for
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, refuse
from lineside.domain.intake.times import EARLIEST
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import CycleByRows, DataClass, FilesSpec, Plan
from lineside.domain.readings import Int64
from lineside.ports import Clock, SourceDelivery
from lineside.zones import format_of, zone_named


class Decoder:
    """Decodes the files of one source, one after another; ``failed`` says why the last one could not be read."""

    def __init__(
        self,
        plan: Plan,
        spec: FilesSpec,
        clock: Clock,
        options: FileOptions,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.gate = Gate(plan, spec.id)
        self.failed = ""
        self._spec = spec
        self._options = options
        self._clock = clock
        self._contents = _contents(plan, spec, self.gate)
        self._form = TimeForm(zone_named(spec.time_zone), format_of(spec.time_format))
        self._plan = plan
        self._pseudonym = _pseudonymiser(plan, spec, options.pseudonyms)
        self._told: set[tuple[str, str]] = set()
        self._pace = Pace(clock, options.speed, sleep)
        self._shift: int | None = None if options.rebase else 0
        self._looked_at: Path | None = None
        self._repeated = 0

    async def deliveries(self, work: Work) -> AsyncIterator[tuple[SourceDelivery, int]]:
        """Yield what a file gives, each with the number of the last row that is in it; tokens are the caller's.

        Raises:
            OSError: it cannot be read (further) now.
        """
        self.failed = ""
        self._looked_at = None
        at = work.after
        blocks = read_blocks(work, self._spec, rows=self._options.block_rows, pseudonym=self._pseudonym)
        while (block := await asyncio.to_thread(_next, blocks)) is not None:
            if isinstance(block, Refused):
                self.gate.refuse(block.refusal, received=self._clock.now(), raw=block.raw)
                self.failed = block.refusal.detail if block.whole else self.failed
                continue
            async for delivery, at in self._block(block, work):
                yield delivery, at
        if self.gate.pending:
            yield self.taken((), self._options.is_replay), at

    def taken(self, parts: tuple[PartRecord, ...], replayed: bool) -> SourceDelivery:  # noqa: FBT001 - as in the port
        """Return what has come together in the gate, and some parts, as a delivery."""
        taken = self.gate.take()
        repeated, self._repeated = self._repeated, 0
        return SourceDelivery(
            readings=taken.readings,
            rows=parts,
            quarantined=taken.quarantined,
            duplicates=taken.duplicates + repeated,
            replayed=replayed,
        )

    async def _block(self, block: Block, work: Work) -> AsyncIterator[tuple[SourceDelivery, int]]:
        end, replayed = block.end, self._options.is_replay
        timed = await asyncio.to_thread(self._timed, block, work)
        if timed is None:
            yield self.taken((), replayed), end
            return
        async for rows in self._pace.due(timed.times):
            part = self._part(timed, rows)
            parts = await asyncio.to_thread(self._read, part)
            last = end if rows.stop == len(timed.times) else int(part.block.numbers[-1])
            yield self.taken(parts, replayed), last

    def _read(self, timed: Timed) -> tuple[PartRecord, ...]:
        parts = [part for content in self._contents for part in content.read(timed)]
        new = tuple(part for part in parts if part.cycle_id not in self._options.recorded)
        self._repeated += len(parts) - len(new)
        return new

    # -- times --------------------------------------------------------------------------------------------

    def _timed(self, block: Block, work: Work) -> Timed | None:
        """Return a block with its times, without the rows whose time is refused; None where none are left."""
        if not self._has_columns(block, work.path):
            return None
        if isinstance(block, AqdefBlock):
            self._compare(block)
        times, keep = self._times(block, work.before)
        if not len(keep):
            return None
        if self._shift is None:
            self._shift = self._clock.now() - int(times[keep[0]])
        times = times[keep] + self._shift
        block = block if len(keep) == len(block.numbers) else block.take(keep)
        return Timed(block=block, times=times, received=times, file=work.label)

    def _part(self, timed: Timed, rows: slice) -> Timed:
        """Return some rows of a block, received now if they are paced or followed."""
        block, times, received = timed.block, timed.times[rows], timed.received[rows]
        if rows.stop - rows.start < len(timed.times):
            block = block.take(np.arange(rows.start, rows.stop, dtype=np.int64))
        if self._options.speed is not None or self._options.follow:
            received = np.full(len(times), self._clock.now(), dtype=np.int64)
        return Timed(block=block, times=times, received=received, file=timed.file)

    def _times(self, block: Block, before: int) -> tuple[Int64, Int64]:
        column = AQDEF_TIME if isinstance(block, AqdefBlock) else self._spec.time_column
        if not column:
            times = EARLIEST + (block.numbers + before - 1) * self._spec.row_interval
            return times, np.arange(len(times), dtype=np.int64)
        now = self._clock.now()
        times, refusals = block.times(column, self._form, now)
        for row, refusal in refusals.items():
            self.gate.refuse(refusal, received=now, raw=block.raw(row))
        keep = np.ones(len(times), dtype=np.bool_)
        keep[list(refusals)] = False
        return times, np.flatnonzero(keep)

    def _compare(self, block: AqdefBlock) -> None:
        """Tell once of each limit or unit that the machine knows otherwise than the plan."""
        for difference in differences(self._plan, block.description):
            if difference not in self._told:
                self._told.add(difference)
                refusal = refuse(Reason.SPECIFICATION_DIFFERS, difference[0], difference[1])
                self.gate.refuse(refusal, received=self._clock.now())

    def _has_columns(self, block: Block, file: Path) -> bool:
        """Refuse what a table lacks, once for each file; say whether it can be read without."""
        now, names = self._clock.now(), {name.lower() for name in block.names}
        timed = self._spec.time_column and not isinstance(block, AqdefBlock)
        needed: list[tuple[str, ...]] = [(self._spec.time_column,)] if timed else []
        if self._spec.layout == "long":
            needed += [NAME_COLUMNS, VALUE_COLUMNS]
        elif file != self._looked_at:
            self._looked_at = file
            for rule in self.gate.rules.values():
                if rule.address not in block.names:
                    refusal = refuse(Reason.MISSING_FIELD, rule.address, "The table has no such column.")
                    self.gate.refuse(refusal, received=now, signal=rule.id)
        lacking = [choices for choices in needed if names.isdisjoint(choice.lower() for choice in choices)]
        for choices in lacking:
            hint = f"The table lacks the column {' or '.join(choices)}."
            refusal = refuse(Reason.UNREADABLE_FILE, hint=hint)
            self.gate.refuse(refusal, received=now, raw=",".join(block.names).encode(), count=len(block.numbers))
            self.failed = hint
        return not lacking


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


def _pseudonymiser(plan: Plan, spec: FilesSpec, file: Path | None) -> Callable[[str], str] | None:
    """Return what turns an inspector into a pseudonym, if a signal classed as personal asks for the field."""
    classes = plan.privacy.classes
    wanted = any(
        signal.source == spec.id and signal.address == INSPECTOR and classes.get(signal.id) is DataClass.PERSONAL
        for signal in plan.signals
    )
    if not wanted or file is None:
        return None
    key = load_key(file)
    return lambda name: f"p-{hashlib.blake2b(name.encode(), key=key, digest_size=5).hexdigest()}"


def _next(blocks: Iterator[Block | Refused]) -> Block | Refused | None:
    return next(blocks, None)
