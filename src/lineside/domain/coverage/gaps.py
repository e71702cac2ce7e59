"""Gaps between what the plan declares and what parts have seen, in words that a process engineer reads.

A gap of one condition is a stretch of its declared range in which fewer than `LEAST_PARTS` parts lie. A gap of two
is a pair of bands, each seen by itself, that were not seen together; most such pairs never occur (a hot hall with
ice-cold water), so they are only told where a longer record of the conditions shows the line in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lineside.domain.bands import band_of
from lineside.domain.coverage.facts import LEAST_PARTS, NEAR, Condition, Coverage, Pair
from lineside.domain.coverage.record import ConditionRecord, Share, share_there
from lineside.domain.judging.wording import format_value
from lineside.domain.readings import Float64


class Side(StrEnum):
    """Where a gap lies."""

    BELOW = "below"
    ABOVE = "above"
    BETWEEN = "between"
    STATE = "state"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A stretch of a condition's declared range with ``parts`` parts, too few to count; a state has ``low == high``."""

    signal: str
    side: Side
    low: float
    high: float
    parts: int

    def holds(self, values: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which values lie in the gap; a gap at an end of the range goes on beyond it."""
        if self.side is Side.BELOW:
            return np.asarray(values < self.high, dtype=np.bool_)
        if self.side is Side.ABOVE:
            return np.asarray(values > self.low, dtype=np.bool_)
        if self.side is Side.STATE:
            return np.asarray(np.round(values) == self.low, dtype=np.bool_)
        return np.asarray((values >= self.low) & (values < self.high), dtype=np.bool_)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One gap in words, with how often the line is there (None: not known)."""

    signals: tuple[str, ...]
    text: str
    share: Share | None


def gaps_of(condition: Condition) -> tuple[Gap, ...]:
    """Return the gaps of a condition, from low to high; none where the plan declares no envelope for it."""
    if condition.declared is None:
        return ()
    low, high = condition.declared
    if condition.seen is None:
        return (_gap(condition, Side.EVERYWHERE, low, high, condition.known),)
    if condition.states:
        middles = [(a + b) / 2 for a, b in zip(condition.edges, condition.edges[1:], strict=False)]
        pairs = zip(middles, condition.parts, strict=True)
        return tuple(_gap(condition, Side.STATE, at, at, count) for at, count in pairs if count < LEAST_PARTS)
    least = NEAR * (high - low)
    first, last = condition.seen
    below = [_gap(condition, Side.BELOW, low, first, condition.beyond[0])] if first - low > least else []
    above = [_gap(condition, Side.ABOVE, last, high, condition.beyond[1])] if high - last > least else []
    return (*below, *_between(condition), *above)


def findings(coverage: Coverage, record: ConditionRecord | None = None) -> tuple[Finding, ...]:
    """Return every gap in words: those of single conditions in the plan's order, then those of pairs."""
    found = [_finding(item, gap, record) for item in coverage.conditions for gap in gaps_of(item)]
    if record is not None:
        found += [one for pair in coverage.pairs if (one := _pair_finding(coverage, pair, record)) is not None]
    return tuple(found)


def summary_line(coverage: Coverage) -> str:
    """Return in one line what of the envelope parts have not seen."""
    declared = [item for item in coverage.conditions if item.declared is not None]
    if not declared:
        return "the plan declares no envelope, so nothing says what is missing"
    gaps = [f"{gap_words(item, gap)}" for item in declared for gap in gaps_of(item)]
    return "; ".join(gaps) or "parts in every band of the declared envelope"


def gap_words(condition: Condition, gap: Gap) -> str:
    """Return a gap as people say it: 'Hall temperature: no parts above 34 degC (declared up to 42)'."""
    count = "no parts" if not gap.parts else f"only {gap.parts} part{'' if gap.parts == 1 else 's'}"
    low, high = format_value(gap.low), format_value(gap.high)
    unit = f" {condition.unit}" if condition.unit else ""
    where = {
        Side.BELOW: f"below {high}{unit} (declared down to {low})",
        Side.ABOVE: f"above {low}{unit} (declared up to {high})",
        Side.BETWEEN: f"between {low} and {high}{unit}",
        Side.STATE: f"at {low}{unit}",
        Side.EVERYWHERE: "with a value (it is declared, and not measured here)",
    }
    return f"{condition.label}: {count} {where[gap.side]}"


def range_words(condition: Condition) -> str:
    """Return what was seen of a condition: '12 to 33.5 degC seen, 5 to 42 declared'."""
    if condition.seen is None:
        return "not seen"
    low, high = (format_value(value) for value in condition.seen)
    seen = f"{low} to {high} {condition.unit}".rstrip() + " seen"
    if condition.declared is None:
        return f"{seen}, none declared"
    low, high = (format_value(value) for value in condition.declared)
    return f"{seen}, {low} to {high} declared"


def _gap(condition: Condition, side: Side, low: float, high: float, parts: int) -> Gap:
    return Gap(signal=condition.signal, side=side, low=low, high=high, parts=parts)


def _between(condition: Condition) -> list[Gap]:
    """Return runs of bands with too few parts that lie within the range seen."""
    assert condition.seen is not None
    first, last = condition.seen
    runs: list[Gap] = []
    bands = zip(condition.edges, condition.edges[1:], condition.parts, strict=False)
    for low, high, count in bands:
        if count >= LEAST_PARTS or low < first or high > last:
            continue
        if runs and runs[-1].high == low:
            low, count = runs[-1].low, count + runs.pop().parts  # noqa: PLW2901 - the run goes on
        runs.append(_gap(condition, Side.BETWEEN, low, high, count))
    return runs


def _finding(condition: Condition, gap: Gap, record: ConditionRecord | None) -> Finding:
    values = None if record is None else record.values.get(gap.signal)
    share = None
    if record is not None and values is not None:
        share = share_there(record, np.isfinite(values), gap.holds(values))
    often = "how often the line is there is not known" if share is None else share.words()
    return Finding(signals=(gap.signal,), text=f"{gap_words(condition, gap)}; {often}", share=share)


def _pair_finding(coverage: Coverage, pair: Pair, record: ConditionRecord) -> Finding | None:
    """Return what the record shows of bands that were seen one by one and not together."""
    if pair.first not in record.values or pair.second not in record.values:
        return None
    counts = np.array(pair.parts)
    alone = (counts.sum(axis=1) >= LEAST_PARTS)[:, None] & (counts.sum(axis=0) >= LEAST_PARTS)[None, :]
    unseen = alone & (counts < LEAST_PARTS)
    down = band_of(record.values[pair.first], pair.edges[0])
    across = band_of(record.values[pair.second], pair.edges[1])
    measured = (down >= 0) & (across >= 0)
    there = np.zeros(len(down), dtype=np.bool_)
    there[measured] = unseen[down[measured], across[measured]]
    share = share_there(record, measured, there)
    if share is None or not share.there:
        return None
    cells, times = np.unique(np.column_stack((down, across))[there], axis=0, return_counts=True)
    row, column = cells[int(np.argmax(times))]
    first, second = coverage.condition(pair.first), coverage.condition(pair.second)
    most = f"{_band_words(first, pair.edges[0], int(row))} with {_band_words(second, pair.edges[1], int(column))}"
    text = f"{first.label} with {second.label}: no parts in some combinations; {share.words()}, most often {most}"
    return Finding(signals=(pair.first, pair.second), text=text, share=share)


def _band_words(condition: Condition, edges: tuple[float, ...], band: int) -> str:
    low, high = format_value(edges[band]), format_value(edges[band + 1])
    value = format_value((edges[band] + edges[band + 1]) / 2) if condition.states else f"{low} to {high}"
    return f"{condition.label} {value} {condition.unit}".rstrip()
