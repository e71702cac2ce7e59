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
        for place, rule in enumerate(rules):
            values[:, place] = read_column(self.gate, timed, rule, self.decimal, texts)
        there = ~np.isnan(values)
        rows = np.flatnonzero(there) // max(1, len(rules))
        codes = np.array([rule.code for rule in rules], dtype=np.int32)
        self.gate.offer_columns(
            np.broadcast_to(codes, values.shape)[there],
            timed.times[rows],
            values[there],
            received=timed.received[rows],
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
        block = timed.block
        name, value = _column(block, NAME_COLUMNS), _column(block, VALUE_COLUMNS)
        names, refusals = block.texts(name)
        status = self._status(timed)
        by_address: dict[str, list[int]] = {}
        for row, address in enumerate(names):
            if row in refusals or address is None:
                refusal = refusals.get(row, refuse(Reason.BAD_NAME, ""))
                self.gate.refuse(refusal, received=int(timed.received[row]), raw=block.raw(row))
            elif status[row] >= 0:
                by_address.setdefault(address, []).append(row)
        codes = np.full(len(names), -1, dtype=np.int32)
        values = np.full(len(names), np.nan)
        texts: dict[str, int] = {}
        rules = {rule.address: rule for rule in self.rules}
        for address, rows in by_address.items():
            rule = rules.get(address)
            if rule is None:
                self._unknown(timed, address, rows)
                continue
            chosen = np.array(rows, dtype=np.int64)
            codes[chosen] = rule.code
            values[chosen] = self._read(timed, rule, value, chosen, status[chosen], texts)
        keep = np.flatnonzero((codes >= 0) & (~np.isnan(values) | (status & BAD > 0)))
        self.gate.offer_columns(
            codes[keep],
            timed.times[keep],
            values[keep],
            received=timed.received[keep],
            status=status[keep].astype(np.uint32),
            texts=tuple(texts),
            raw=lambda row: block.raw(int(keep[row])),
        )
        return ()

    def _read(
        self, timed: Timed, rule: SignalRule, column: str, rows: Int64, status: Int64, texts: dict[str, int]
    ) -> Float64:
        """Return the values of the rows of one signal; those of bad status are NaN, whatever the cell holds."""
        values = np.full(len(rows), np.nan)
        good = np.flatnonzero(status & BAD == 0)
        part = Timed(
            block=timed.block.take(rows[good]),
            times=timed.times[rows[good]],
            received=timed.received[rows[good]],
            file=timed.file,
        )
        values[good] = read_column(self.gate, part, rule, self.decimal, texts, column=column, empty=True)
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

    def _unknown(self, timed: Timed, address: str, rows: Sequence[int]) -> None:
        refusal = check_name(address) or refuse(Reason.UNKNOWN_SIGNAL, address)
        for row in rows:
            self.gate.refuse(refusal, received=int(timed.received[row]), raw=timed.block.raw(row))


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


def read_column(
    gate: Gate,
    timed: Timed,
    rule: SignalRule,
    decimal: str,
    texts: dict[str, int],
    *,
    column: str = "",
    empty: bool = False,
) -> Float64:
    """Return the values of one signal, NaN where there is none; what is refused goes to the gate.

    Texts are numbered by ``texts``, which grows. With ``empty`` an empty cell is refused, too.
    """
    name = column or rule.address
    if rule.text:
        found, refusals = timed.block.texts(name)
        numbers = [np.nan if text is None else texts.setdefault(text, len(texts)) for text in found]
        values = np.array(numbers, dtype=np.float64)
    else:
        values, refusals = timed.block.values(name, decimal=decimal, boolean=rule.boolean)
    if empty:
        nulls = [row for row in np.flatnonzero(np.isnan(values)).tolist() if row not in refusals]
        refusals |= dict.fromkeys(nulls, refuse(Reason.NULL))
    for row, refusal in refusals.items():
        gate.refuse(refusal, received=int(timed.received[row]), signal=rule.id, raw=timed.block.raw(row))
    return values


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
