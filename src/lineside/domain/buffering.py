"""What goes when the gateway's buffer is full: pure decisions about readings, each drop with its receipt.

A *stretch* is what some neighbouring records hold. Reducing it does to each signal what the plan says, and whatever
is taken away is counted in a `Gap`; so at any time, for any sequence of reductions,

    accepted = kept + in gaps.

Thinning counts over the whole stretch, not record by record: a record with one reading of a signal can be thinned too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.plan.gateway import WhenFull
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.receipts import Receipt
from lineside.domain.units import MINUTE

Mask = NDArray[np.bool_]


class Why(IntEnum):
    """Why readings went."""

    OLDEST = 0
    NEWEST = 1
    THINNED = 2
    AGGREGATED = 3
    AGE = 4


REASONS: Final[Mapping[Why, str]] = {
    Why.OLDEST: "the buffer was full: the oldest went",
    Why.NEWEST: "the buffer was full: new ones were not kept",
    Why.THINNED: "the buffer was full: thinned by halves",
    Why.AGGREGATED: "the buffer was full: aggregates of each minute were kept",
    Why.AGE: "older than the buffer's hours",
}
"""The reasons in words, as receipts give them."""
_GOES_AS: Final = {
    WhenFull.DROP_OLDEST: Why.OLDEST,
    WhenFull.THIN: Why.THINNED,
    WhenFull.AGGREGATES: Why.AGGREGATED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The buffer's bounds, and what each signal asks for: ``usual`` where it does not say."""

    bytes: int
    hours: float
    free_bytes: int
    usual: WhenFull
    signals: Mapping[str, WhenFull] = field(default_factory=dict)

    def policies(self, catalogue: Catalogue) -> tuple[WhenFull, ...]:
        """Return the policy of each code of a catalogue."""
        return tuple(self.signals.get(name, self.usual) for name in catalogue.signals)


def bounds_of(plan: Plan) -> Bounds:
    """Return the bounds that a plan sets."""
    buffer = plan.gateway.buffer
    return Bounds(
        bytes=buffer.bytes,
        hours=buffer.hours,
        free_bytes=buffer.free_bytes,
        usual=buffer.when_full,
        signals={item.id: item.when_full for item in plan.signals if item.when_full is not None},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Readings that went for one reason: codes of their signals, first and last source time (UTC ns), how many."""

    why: Why
    signals: tuple[int, ...]
    first: int
    last: int
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Aggregate:
    """What is left of a signal's readings in a minute: not readings, and never taken for some.

    ``minute`` is its first instant, UTC ns; ``count`` of the good and uncertain numbers that mean, least and most
    are taken over.
    """

    signal: str
    minute: int
    count: int
    mean: float
    least: float
    most: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Kept:
    """What a record holds after any number of reductions."""

    readings: ReadingBatch
    aggregates: tuple[Aggregate, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def accepted(self) -> int:
        """How many readings it held at first."""
        return len(self.readings) + sum(gap.count for gap in self.gaps)


def reduce_stretch(stretch: Sequence[Kept], policies: Sequence[WhenFull], *, force: bool = False) -> list[Kept]:
    """Return what is left of a stretch of one catalogue once each signal's policy has been applied to it.

    With ``force`` all readings go but those of signals that drop the newest: there is nothing left to reduce.
    """
    codes = np.concatenate([item.readings.signal for item in stretch])
    chosen = [WhenFull.DROP_OLDEST if force and item is not WhenFull.DROP_NEWEST else item for item in policies]
    goes_as = {policy: np.array([item is policy for item in chosen], dtype=np.bool_)[codes] for policy in _GOES_AS}
    thinned = goes_as[WhenFull.THIN]
    thinned[thinned] = _ordinals(codes[thinned]) % 2 == 1
    reduced, start = [], 0
    for item in stretch:
        rows = slice(start, start + len(item.readings))
        reduced.append(_without(item, {why: goes_as[policy][rows] for policy, why in _GOES_AS.items()}))
        start = rows.stop
    return reduced


def drop_all(kept: Kept, why: Why) -> Kept:
    """Return a record without any reading."""
    return _without(kept, {why: np.ones(len(kept.readings), dtype=np.bool_)})


def refuse_newest(batch: ReadingBatch, policies: Sequence[WhenFull], *, everything: bool) -> Kept:
    """Return what is kept of new readings while the buffer is full; ``everything``: nothing can make room."""
    goes = np.array([everything or item is WhenFull.DROP_NEWEST for item in policies], dtype=np.bool_)[batch.signal]
    return _without(Kept(readings=batch), {Why.NEWEST: goes})


def join_gaps(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Return one gap for each reason, over all that was given."""
    joined: dict[Why, Gap] = {}
    for gap in gaps:
        known = joined.get(gap.why)
        joined[gap.why] = (
            gap
            if known is None
            else replace(
                known,
                signals=tuple(sorted({*known.signals, *gap.signals})),
                first=min(known.first, gap.first),
                last=max(known.last, gap.last),
                count=known.count + gap.count,
            )
        )
    return tuple(joined[why] for why in sorted(joined))


def receipts_for(gaps: Sequence[Gap], catalogue: Catalogue, *, name: str, source: str, recorded: int) -> list[Receipt]:
    """Return gaps as the receipts that people read; ``name`` is unique to the record that holds them."""
    return [
        Receipt(
            id=f"{name}-{gap.why.name.lower()}",
            source=source,
            reason=REASONS[gap.why],
            signals=tuple(catalogue.signals[code] for code in gap.signals),
            first=gap.first,
            last=gap.last,
            count=gap.count,
            recorded=recorded,
        )
        for gap in gaps
    ]


def _without(kept: Kept, goes_as: Mapping[Why, Mask]) -> Kept:
    batch = kept.readings
    gaps = [_gap(batch, why, rows) for why, rows in goes_as.items() if rows.any()]
    if not gaps:
        return kept
    aggregates = kept.aggregates
    if Why.AGGREGATED in goes_as:
        aggregates += aggregate(batch.take(goes_as[Why.AGGREGATED]))
    stays = ~np.logical_or.reduce(list(goes_as.values()))
    return Kept(readings=batch.take(stays), aggregates=aggregates, gaps=join_gaps([*kept.gaps, *gaps]))


def _gap(batch: ReadingBatch, why: Why, rows: Mask) -> Gap:
    times = batch.source_time[rows]
    return Gap(
        why=why,
        signals=tuple(np.unique(batch.signal[rows]).tolist()),
        first=int(times.min()),
        last=int(times.max()),
        count=int(rows.sum()),
    )


def aggregate(batch: ReadingBatch) -> tuple[Aggregate, ...]:
    """Return count, mean, least and most of each signal and minute, by signal and time; bad readings have no part."""
    batch = batch.take(batch.usable())
    if not len(batch):
        return ()
    minute = batch.source_time // MINUTE
    order = np.lexsort((minute, batch.signal))
    signal, minute, value = batch.signal[order], minute[order], batch.value[order]
    starts = np.flatnonzero(np.r_[True, (signal[1:] != signal[:-1]) | (minute[1:] != minute[:-1])])
    counts = np.diff(np.r_[starts, len(signal)])
    means = np.add.reduceat(value, starts) / counts
    least, most = np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)
    return tuple(
        Aggregate(
            signal=batch.catalogue.signals[signal[at]],
            minute=int(minute[at]) * MINUTE,
            count=int(counts[place]),
            mean=float(means[place]),
            least=float(least[place]),
            most=float(most[place]),
        )
        for place, at in enumerate(starts.tolist())
    )


def _ordinals(codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return for each row the how-manieth of its code it is, from 0."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(codes) else np.zeros(0, dtype=np.int64)
    counts = np.diff(np.r_[starts, len(codes)])
    ordinals = np.empty(len(codes), dtype=np.int64)
    ordinals[order] = np.arange(len(codes)) - np.repeat(starts, counts)
    return ordinals
