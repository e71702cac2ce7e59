"""The gate of one source: everything that arrives passes it, into a batch or into quarantine.

A gate is sans-IO. The source hands it values (`Gate.offer`), columns (`Gate.offer_columns`) or its own refusals
(`Gate.refuse`) with the time they were received, and takes away what has come together since (`Gate.take`):
readings in the order in which they were accepted, what was refused, and how many readings were dropped because
they had come before; single values are looked up among those all together, in columns. A value outside the plausible
range of the plan is accepted and marked (Uncertain_EngineeringUnitsExceeded); a value whose status is bad is kept as
NaN with its status.

Refusals are kept one by one up to `MOST_SINGLE` per take; beyond that the refusals of one signal and reason share
an entry that counts them, so that a flood of bad input costs no more memory than a trickle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numba
import numpy as np

from lineside.domain.intake.clock_ahead import ClockAhead
from lineside.domain.intake.duplicates import CONFLICTING, NEW, REPEATED, Duplicates, text_key
from lineside.domain.intake.reasons import Reason, Refusal, refuse, shown
from lineside.domain.intake.values import read_number, read_text
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan, Role, Signal, SignalType
from lineside.domain.quarantine import RAW_LIMIT, Quarantined
from lineside.domain.readings import (
    BAD,
    GOOD,
    SEVERITY,
    UNCERTAIN_EU_EXCEEDED,
    Catalogue,
    Float64,
    Int32,
    Int64,
    ReadingBatch,
    UInt32,
    concatenate,
    make_batch,
)
from lineside.domain.units import SECOND

MOST_SINGLE: Final = 1_000
"""Refusals per take that are kept one by one."""
SAID_EVERY: Final = 30 * SECOND
"""How often it is noted that readings are kept whose source's clock is ahead."""
MOST_KINDS: Final = 10_000
"""Pairs of signal and reason that are counted apart beyond that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalRule:
    """What the plan says of one signal's values."""

    id: str
    code: int
    address: str
    text: bool
    boolean: bool
    low: float
    high: float


def rule_for(signal: Signal, code: int) -> SignalRule:
    """Return the rule of a signal that has this code in the catalogue; its address is its id if it has none."""
    low, high = signal.range or (-np.inf, np.inf)
    return SignalRule(
        id=signal.id,
        code=code,
        address=signal.address or signal.id,
        text=signal.type is SignalType.TEXT,
        boolean=signal.role in {Role.TRIGGER, Role.CONTEXT},
        low=low,
        high=high,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What has come together since the last take."""

    readings: ReadingBatch | None
    quarantined: tuple[Quarantined, ...]
    duplicates: int


class Gate:
    """Lets the readings of one source of a plan in, and keeps the rest with its reason."""

    def __init__(self, plan: Plan, source: str) -> None:
        self.catalogue: Catalogue = catalogue_for(plan)
        codes = self.catalogue.codes()
        self.rules: Mapping[str, SignalRule] = {
            signal.id: rule_for(signal, codes[signal.id]) for signal in plan.signals if signal.source == source
        }
        self._source = source
        self._seen = Duplicates(len(codes))
        self._names = self.catalogue.signals
        self._low, self._high = (np.full(len(codes), edge) for edge in (-np.inf, np.inf))
        for rule in self.rules.values():
            self._low[rule.code], self._high[rule.code] = rule.low, rule.high
        self._texts: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, float, int]] = []
        self._offered: list[tuple[object, bytes | None]] = []
        self._blocks: list[ReadingBatch] = []
        self._refused: list[Quarantined] = []
        self._counted: dict[tuple[str, str], Quarantined] = {}
        self._duplicates = 0
        self._pending = 0
        self._ahead = ClockAhead()
        self._kept_ahead = self._said_ahead = 0

    @property
    def pending(self) -> int:
        """Readings and refusals that wait for a take."""
        return self._pending

    @property
    def newest(self) -> int | None:
        """The newest source time that was accepted from this source, UTC nanoseconds; None before the first."""
        self._flush_rows()
        return self._seen.newest(rule.code for rule in self.rules.values())

    def remember(self, batch: ReadingBatch) -> None:
        """Take note of readings that were accepted before, such as those before a restart."""
        self._seen.classify_columns(batch.signal, batch.source_time, _comparable(batch))

    # -- single values ------------------------------------------------------------------------------------

    def offer(
        self,
        signal: str,
        moment: int | Refusal,
        value: object,
        *,
        received: int,
        status: int = GOOD,
        raw: bytes | None = None,
    ) -> None:
        """Let one value in or refuse it.

        Args:
            signal: the signal's id.
            moment: its source time in UTC nanoseconds, or why it has none, as `times` says it.
            value: its value as delivered; of no importance where the status is bad.
            received: when it was received, UTC nanoseconds.
            status: its OPC UA status code.
            raw: the bytes it came in; without them a readable form of the value is kept.
        """
        rule = self.rules[signal]
        if isinstance(moment, Refusal) and moment.moment is not None:
            moment = self._set_back(moment, moment.moment, received)
        number = _judged(rule, value, status)
        refusal = _first_refusal(moment, number)
        if refusal is None:
            assert isinstance(moment, int)
            assert not isinstance(number, Refusal)
            self._accept(rule.code, moment, received, number, status)
            self._offered.append((value, raw))
        else:
            self.refuse(refusal, received=received, signal=signal, raw=_raw(moment, value, raw))

    def _set_back(self, refusal: Refusal, moment: int, received: int) -> int | Refusal:
        """Return the time by which a reading from the future is kept, or its refusal; say now and then how many are."""
        kept = self._ahead.set_back(moment, received)
        if kept is None:
            return refusal
        self._kept_ahead += 1
        if abs(received - self._said_ahead) >= SAID_EVERY:
            note = refuse(Reason.CLOCK_AHEAD, hint=f"They are kept {self._ahead.shift} ns earlier; set the clocks.")
            self.refuse(note, received=received, count=self._kept_ahead)
            self._said_ahead, self._kept_ahead = received, 0
        return kept

    def refuse(self, refusal: Refusal, *, received: int, signal: str = "", raw: bytes = b"", count: int = 1) -> None:
        """Keep what was refused, by this gate or by the source itself, with its first raw bytes."""
        item = Quarantined(
            source=self._source,
            reason=refusal.reason.value,
            detail=refusal.detail,
            raw=raw[:RAW_LIMIT],
            received=received,
            signal=signal,
            count=count,
        )
        self._pending += 1
        if len(self._refused) < MOST_SINGLE:
            self._refused.append(item)
            return
        key = (signal, item.reason)
        if key not in self._counted and len(self._counted) >= MOST_KINDS:
            key = ("", item.reason)
        known = self._counted.get(key)
        self._counted[key] = (
            replace(item, signal=key[0]) if known is None else replace(known, count=known.count + count)
        )

    # -- columns ------------------------------------------------------------------------------------------

    def offer_columns(
        self,
        signal: Int32,
        time: Int64,
        value: Float64,
        *,
        received: Int64 | int,
        status: UInt32 | None = None,
        texts: tuple[str, ...] = (),
        raw: Callable[[int], bytes] = lambda _: b"",
    ) -> None:
        """Let columns of readings in whose times and values were read by the ``read_*_column`` functions.

        Args:
            signal: codes of the catalogue, shape ``(n,)``, as are all columns.
            time: source times, UTC nanoseconds, plausible.
            value: numbers, or indexes into ``texts`` for text signals; NaN only where the status is bad.
            received: receive times, or the one of all.
            status: OPC UA status codes; without them all are good.
            texts: the texts that text values point into.
            raw: gives the raw bytes of a row.
        """
        batch = ReadingBatch(
            catalogue=self.catalogue,
            signal=signal,
            source_time=time,
            receive_time=np.full(len(signal), received, dtype=np.int64) if isinstance(received, int) else received,
            value=value,
            status=np.zeros(len(signal), dtype=np.uint32) if status is None else status,
            texts=texts,
        )
        self._flush_rows()
        self._pending += self._admit(batch, lambda row: float(value[row]), raw)

    # -- out ----------------------------------------------------------------------------------------------

    def take(self) -> Taken:
        """Return what has come together since the last take, and begin anew."""
        self._flush_rows()
        taken = Taken(
            readings=concatenate(self._blocks) if self._blocks else None,
            quarantined=(*self._refused, *self._counted.values()),
            duplicates=self._duplicates,
        )
        self._blocks, self._refused, self._counted = [], [], {}
        self._duplicates = self._pending = 0
        return taken

    def _accept(self, code: int, moment: int, received: int, value: float | str, status: int) -> None:
        number = float(self._texts.setdefault(value, len(self._texts))) if isinstance(value, str) else value
        self._rows.append((code, moment, received, number, status))
        self._pending += 1

    def _flush_rows(self) -> None:
        """Turn the single readings into a block of columns."""
        if not self._rows:
            return
        code, moment, received, value, status = zip(*self._rows, strict=True)
        texts, offered = tuple(self._texts), self._offered
        batch = make_batch(self.catalogue, code, moment, value, receive_time=received, status=status, texts=texts)
        self._rows, self._texts, self._offered = [], {}, []
        self._admit(batch, lambda row: offered[row][0], lambda row: _raw(moment[row], *offered[row]))

    def _admit(self, batch: ReadingBatch, value: Callable[[int], object], raw: Callable[[int], bytes]) -> int:
        """Let in what did not come before; return how much that was. A row's value and bytes are for refusals."""
        kinds = self._seen.classify_columns(batch.signal, batch.source_time, _comparable(batch))
        if np.count_nonzero(kinds):  # `any` costs six times as much
            self._duplicates += int(np.count_nonzero(kinds == REPEATED))
            for row in np.flatnonzero(kinds == CONFLICTING).tolist():
                name, now = self._names[int(batch.signal[row])], int(batch.receive_time[row])
                self.refuse(refuse(Reason.CONFLICTING, value(row)), received=now, signal=name, raw=raw(row))
            batch = batch.take(kinds == NEW)
        if len(batch):
            self._blocks.append(self._ranged(batch))
        return len(batch)

    def _ranged(self, batch: ReadingBatch) -> ReadingBatch:
        """Mark good values outside the plausible range."""
        if not _any_outside(batch.signal, batch.value, self._low, self._high):
            return batch
        outside = (batch.value < self._low[batch.signal]) | (batch.value > self._high[batch.signal])
        outside &= batch.status & SEVERITY == GOOD
        return replace(batch, status=np.where(outside, np.uint32(UNCERTAIN_EU_EXCEEDED), batch.status))


@numba.njit(cache=True, nogil=True)
def _any_outside(signal: Int32, value: Float64, low: Float64, high: Float64) -> bool:
    """Return whether any value lies outside the range of its signal."""
    for row in range(len(signal)):  # noqa: SIM110 - what numba compiles
        if value[row] < low[signal[row]] or value[row] > high[signal[row]]:
            return True
    return False


def _judged(rule: SignalRule, value: object, status: int) -> float | str | Refusal:
    """Return the value that a status and a delivered value make, or why they make none."""
    if not 0 <= status <= 0xFFFF_FFFF or status & SEVERITY == SEVERITY:
        return refuse(Reason.UNKNOWN_QUALITY, status)
    if status & BAD:
        return np.nan
    return read_text(value) if rule.text else read_number(value, boolean=rule.boolean)


def _first_refusal(*outcomes: float | str | Refusal) -> Refusal | None:
    return next((item for item in outcomes if isinstance(item, Refusal)), None)


def _raw(moment: object, value: object, raw: bytes | None) -> bytes:
    """Return the bytes that a value came in, or a readable form of it."""
    return f"{shown(moment)} {shown(value, RAW_LIMIT)}".encode() if raw is None else raw


def _comparable(batch: ReadingBatch) -> Float64:
    """Return the values of a batch with texts as the numbers by which they are compared."""
    if not batch.texts:
        return batch.value
    keys = np.array([text_key(text) for text in batch.texts], dtype=np.float64)
    rows = np.flatnonzero(batch.catalogue.text_mask()[batch.signal] & ~np.isnan(batch.value))
    value = batch.value.copy()
    value[rows] = keys[value[rows].astype(np.int64)]
    return value
