"""From a block of rows to what a source delivers: readings of a wide or a long table, or finished part rows.

A refused cell costs that cell alone: the other cells of its row are readings like any other. A row whose time is
refused is refused as a whole. An empty cell of a wide table is no reading; an empty value of a long one is
refused, because a row was written for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from lineside.adapters.files.blocks import Block
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.intake.gate import Gate, SignalRule
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.values import check_name
from lineside.domain.parts import PartRecord
from lineside.domain.readings import BAD, GOOD, SEVERITY, UNCERTAIN, Float64, Int64

NAME_COLUMNS: Final = ("signal", "tag", "name", "variable")
VALUE_COLUMNS: Final = ("value", "val", "v")
QUALITY_COLUMNS: Final = ("quality", "status", "q")
"""Columns of a long table; the first that is there is taken, whatever its case."""
_QUALITIES: Final = {"": GOOD, "good": GOOD, "uncertain": UNCERTAIN, "bad": BAD}


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """A block with the source times of its rows, all of them plausible, and its receive times."""

    block: Block
    times: Int64
    received: Int64
    file: str


class Content(Protocol):
    """Turns blocks into what one delivery holds; refusals and readings go through the gate."""

    def read(self, timed: Timed) -> tuple[PartRecord, ...]:
        """Hand the readings of a block to the gate, or return its part rows."""


@dataclass(frozen=True, slots=True)
class WideReadings:
    """A table with a column per signal."""

    gate: Gate
    rules: Sequence[SignalRule]
    decimal: str

    def read(self, timed: Timed) -> tuple[PartRecord, ...]:
        """Hand the readings of a block to the gate, row by row in the order of the plan's signals."""
        rules = [rule for rule in self.rules if rule.address in timed.block.names]
        texts: dict[str, int] = {}
        values = np.full((len(timed.times), len(rules)), np.nan)
        status = np.zeros(values.shape, dtype=np.uint32)
        for place, rule in enumerate(rules):
            values[:, place] = read_column(self.gate, timed, rule, self.decimal, texts)
            said = timed.block.status(rule.address)
            if said is not None:
                status[:, place] = said
        there = ~np.isnan(values) | (status & BAD > 0)
        rows = np.flatnonzero(there) // max(1, len(rules))
        codes = np.array([rule.code for rule in rules], dtype=np.int32)
        self.gate.offer_columns(
            np.broadcast_to(codes, values.shape)[there],
            timed.times[rows],
            values[there],
            received=timed.received[rows],
            status=status[there],
            texts=tuple(texts),
            raw=lambda row: timed.block.raw(int(rows[row])),
        )
        return ()


@dataclass(frozen=True, slots=True)
class LongReadings:
    """A table with a row per reading."""

    gate: Gate
    rules: Sequence[SignalRule]
    decimal: str

    def read(self, timed: Timed) -> tuple[PartRecord, ...]:
        """Hand the readings of a block to the gate, in the order of its rows."""
        block, status = timed.block, self._status(timed)
        places = self._places(timed, status)
        values = np.full(len(places), np.nan)
        texts: dict[str, int] = {}
        readable = (places >= 0) & (status & BAD == 0)
        for group in self._groups():
            rows = np.flatnonzero(readable & np.isin(places, group))
            if len(rows):
                values[rows] = self._read(timed, rows, places[rows], texts)
        keep = np.flatnonzero((places >= 0) & (~np.isnan(values) | (status & BAD > 0)))
        codes = np.array([rule.code for rule in self.rules], dtype=np.int32)
        self.gate.offer_columns(
            codes[places[keep]],
            timed.times[keep],
            values[keep],
            received=timed.received[keep],
            status=status[keep].astype(np.uint32),
            texts=tuple(texts),
            raw=lambda row: block.raw(int(keep[row])),
        )
        return ()

    def _groups(self) -> list[list[int]]:
        """Return the places of rules whose values are read alike: texts, numbers, numbers that may be boolean."""
        kinds = [(rule.text, rule.boolean) for rule in self.rules]
        return [[place for place, kind in enumerate(kinds) if kind == wanted] for wanted in dict.fromkeys(kinds)]

    def _places(self, timed: Timed, status: Int64) -> Int64:
        """Return the place of each row's rule; -1 where the row names none, or its quality was refused."""
        names, refusals = timed.block.texts(_column(timed.block, NAME_COLUMNS))
        known: dict[str | None, int] = {rule.address: place for place, rule in enumerate(self.rules)}
        places = np.fromiter((known.get(name, -1) for name in names), dtype=np.int64, count=len(names))
        for row in np.flatnonzero((places < 0) & (status >= 0)).tolist():
            name = names[row]
            refusal = refusals.get(row) or check_name(name or "") or refuse(Reason.UNKNOWN_SIGNAL, name)
            self.gate.refuse(refusal, received=int(timed.received[row]), raw=timed.block.raw(row))
        places[status < 0] = -1
        return places

    def _read(self, timed: Timed, rows: Int64, places: Int64, texts: dict[str, int]) -> Float64:
        """Return the values of rows whose rules read alike; what is refused goes to the gate."""
        block = timed.block if len(rows) == len(timed.times) else timed.block.take(rows)
        column, rule = _column(block, VALUE_COLUMNS), self.rules[int(places[0])]
        values, refusals = read_values(block, column, rule, self.decimal, texts)
        empty = [row for row in np.flatnonzero(np.isnan(values)).tolist() if row not in refusals]
        for row, refusal in (refusals | dict.fromkeys(empty, refuse(Reason.NULL))).items():
            now, signal = int(timed.received[rows[row]]), self.rules[int(places[row])].id
            self.gate.refuse(refusal, received=now, signal=signal, raw=block.raw(row))
        return values

    def _status(self, timed: Timed) -> Int64:
        """Return the status of each row; -1 where its quality was refused."""
        column = _column(timed.block, QUALITY_COLUMNS)
        status = np.zeros(len(timed.times), dtype=np.int64)
        if not column:
            return status
        texts, refusals = timed.block.texts(column)
        for row, text in enumerate(texts):
            code = refusals.get(row, read_quality(text or ""))
            if isinstance(code, Refusal):
                self.gate.refuse(code, received=int(timed.received[row]), raw=timed.block.raw(row))
                code = -1
            status[row] = code
        return status


@dataclass(frozen=True, slots=True)
class PartRows:
    """A table with a row per finished part of one station."""

    gate: Gate
    station: str
    recipe: FeatureRecipe
    rules: Sequence[SignalRule]
    serial: str
    decimal: str

    def read(self, timed: Timed) -> tuple[PartRecord, ...]:
        """Return the part rows of a block."""
        block = timed.block
        rules = {rule.id: rule for rule in self.rules if rule.address in block.names}
        wanted = [feature.signal for feature in self.recipe.features]
        features = np.full((len(timed.times), len(wanted)), np.nan)
        for place, signal in enumerate(wanted):
            if signal in rules:
                features[:, place] = read_column(self.gate, timed, rules[signal], self.decimal, {})
        context = self._context(timed, [rule for rule in rules.values() if rule.id not in wanted])
        return tuple(self._record(timed, row, features[row], context[row]) for row in range(len(timed.times)))

    def _context(self, timed: Timed, rules: Sequence[SignalRule]) -> list[dict[str, str]]:
        """Return, row by row, what the columns that are no features say."""
        context: list[dict[str, str]] = [{} for _ in timed.times]
        for rule in rules:
            texts, refusals = timed.block.texts(rule.address)
            for row, refusal in refusals.items():
                self.gate.refuse(refusal, received=int(timed.received[row]), signal=rule.id, raw=timed.block.raw(row))
            for row, text in enumerate(texts):
                if text is not None:
                    context[row][rule.id] = text
        return context

    def _record(self, timed: Timed, row: int, features: Float64, context: dict[str, str]) -> PartRecord:
        number, time = int(timed.block.numbers[row]), int(timed.times[row])
        there = ~np.isnan(features)
        names = [feature.signal for feature in self.recipe.features]
        return PartRecord(
            cycle_id=f"{self.station}:{timed.file}:{number}",
            unit=context.get(self.serial) or f"{timed.file}:{number}",
            station=self.station,
            started=time,
            ended=time,
            received=int(timed.received[row]),
            recipe=self.recipe.digest,
            features=features,
            context=context,
            readings=int(there.sum()),
            missing=tuple(name for name, is_there in zip(names, there.tolist(), strict=True) if not is_there),
        )


def read_column(gate: Gate, timed: Timed, rule: SignalRule, decimal: str, texts: dict[str, int]) -> Float64:
    """Return the values of one signal's column, NaN where there is none; what is refused goes to the gate."""
    values, refusals = read_values(timed.block, rule.address, rule, decimal, texts)
    for row, refusal in refusals.items():
        gate.refuse(refusal, received=int(timed.received[row]), signal=rule.id, raw=timed.block.raw(row))
    return values


def read_values(
    block: Block, column: str, rule: SignalRule, decimal: str, texts: dict[str, int]
) -> tuple[Float64, dict[int, Refusal]]:
    """Return a column by a signal's rule, NaN where there is no value, and the refusals by row.

    Texts are numbered by ``texts``, which grows.
    """
    if not rule.text:
        return block.values(column, decimal=decimal, boolean=rule.boolean)
    found, refusals = block.texts(column)
    numbers = [np.nan if text is None else texts.setdefault(text, len(texts)) for text in found]
    return np.array(numbers, dtype=np.float64), refusals


def read_quality(text: str) -> int | Refusal:
    """Return the status that a quality says: a word, or an OPC UA status code in decimal or hexadecimal form."""
    known = _QUALITIES.get(text.strip().lower())
    if known is not None:
        return known
    try:
        code = int(text, 0)
    except ValueError:
        return refuse(Reason.UNKNOWN_QUALITY, text)
    if 0 <= code <= 0xFFFF_FFFF and code & SEVERITY != SEVERITY:
        return code
    return refuse(Reason.UNKNOWN_QUALITY, text)


def _column(block: Block, names: Sequence[str]) -> str:
    by_lower = {name.lower(): name for name in block.names}
    return next((by_lower[name] for name in names if name in by_lower), "")
