"""The arithmetic of features, a reading at a time, compiled.

Every statistic is updated by one reading after the other in canonical order and never merged from the
statistics of batches: that alone makes the result independent, bit for bit, of how the stream was cut.
Fast-math stays off for the same reason.

A *slot* is one signal over one phase of the cycle. Its state is a row of ``sums``, a float64 matrix of shape
``(slots, COLUMNS)``, of which ``marks`` is a view as int64 for the columns that are whole numbers. Values that a
percentile or a time above a limit needs are kept in ``kept``, of shape ``(capacity, kept slots)``, beside their times
in ``kept_times``. So what one reading touches lies together, and what many signals say at about one time lies side by
side: with many signals, fetching state from memory is most of the cost of a reading.
"""

from __future__ import annotations

import itertools
from typing import Any, Final, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lineside.domain.readings import BAD, SEVERITY, Float64, Int32, Int64, UInt32

# Columns of ``sums``.
COUNT: Final = 0
MEAN: Final = 1
SQUARES: Final = 2  # sum of squared deviations from the running mean (Welford 1962)
LEAST: Final = 3
MOST: Final = 4
FIRST: Final = 5
LAST: Final = 6
TIME_MEAN: Final = 7
TIME_SQUARES: Final = 8
CROSS: Final = 9  # sum of products of deviations of time and value
AREA: Final = 10
TIME_LAST: Final = 11
SUMS: Final = 12  # so many columns begin anew with each cycle
# Columns of ``marks``, in the same rows.
KEPT: Final = 12  # values kept in this cycle
KEPT_OF: Final = 13  # column of ``kept``, -1 where none are
NEEDS: Final = 14
COLUMNS: Final = 16  # two lines of the processor's cache
# Columns of what a signal last said: a matrix as int64, and a view of it as float64.
SAID_AT: Final = 0
SAID: Final = 1

# Kinds of feature, as `emit` knows them.
KINDS: Final = {
    "count": 0,
    "mean": 1,
    "std": 2,
    "min": 3,
    "max": 4,
    "range": 5,
    "slope": 6,
    "area": 7,
    "first": 8,
    "last": 9,
    "percentile": 10,
    "above": 11,
    "carried": 12,
    "curve": 13,
    "waves": 14,
}
OF: Final = 128
"""Parameter of a feature of a trace: so many times its number, from 0, and how many there are."""
POINTS: Final = 64
"""Points of a curve that patterns are looked for in."""
_ACROSS: Final = 9
_TRIPLES: Final = np.array(list(itertools.combinations(range(_ACROSS), 3)), dtype=np.int64)
_STRIDE: Final = 37

# What a slot needs beyond count, mean, extremes, first and last.
NEEDS_SLOPE: Final = 1
NEEDS_AREA: Final = 2
NEEDS_TIMES: Final = 4
NEEDS_VALUES: Final = 8

FEW: Final = 5_000
"""Signals whose state the processor's own cache holds; for more it is asked to fetch what later rows need."""
AHEAD: Final = 12
"""Rows between asking for a state and using it."""

SAMPLED: Final = 32
"""Values of which a band around a percentile is reckoned, where there are four times as many."""

HEARSAY: Final = np.iinfo(np.int64).min
"""Receive time of a row that says what holds and was not measured in the cycle: it is known and adds to no slot."""

# Why `absorb` stopped.
DONE: Final = 0
EDGE: Final = 1
TEXT: Final = 2
BOUNDARY: Final = 3
FULL: Final = 4

_SEVERITY = np.uint32(SEVERITY)
_BAD = np.uint32(BAD)


def _code_of_fetch(_context: Any, matrix: Any, _row: Any, _column: Any) -> Any:
    """Let the processor bring a place of a matrix (row, column) from memory, without waiting for it."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        array = context.make_array(matrix)(context, builder, arguments[0])
        pointer_to, declared = cast(Any, cgutils.get_item_pointer), cast(Any, cgutils.get_or_insert_function)
        place = pointer_to(context, builder, matrix, array, arguments[1:])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        to_write, near, data = number(1), number(3), number(1)
        prefetch = declared(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(prefetch, [builder.bitcast(place, byte), to_write, near, data])
        return context.get_dummy_value()

    return types.void(matrix, types.int64, types.int64), generate


_fetch: Any = intrinsic(_code_of_fetch)


@numba.njit(cache=True, nogil=True, inline="always")
def _fetch_state(mine, slot_of, sums, said_at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    _fetch(said_at, mine, SAID_AT)
    slot = slot_of[mine, 0]
    if slot >= 0:
        _fetch(sums, slot, 0)
        _fetch(sums, slot, KEPT)


@numba.njit(cache=True, nogil=True, inline="always")
def _fetch_kept(mine, slot_of, marks, kept):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """For a signal whose state has been fetched by now."""
    slot = slot_of[mine, 0]
    if slot >= 0 and marks[slot, KEPT_OF] >= 0:
        _fetch(kept, marks[slot, KEPT], marks[slot, KEPT_OF])


@numba.njit(cache=True, nogil=True, inline="always")
def _update(sums, slot, needs, value, seconds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count = sums[slot, COUNT] + 1.0
    share = 1.0 / count
    if count == 1.0:
        sums[slot, LEAST] = value
        sums[slot, MOST] = value
        sums[slot, FIRST] = value
    elif value < sums[slot, LEAST]:
        sums[slot, LEAST] = value
    elif value > sums[slot, MOST]:
        sums[slot, MOST] = value
    deviation = value - sums[slot, MEAN]
    mean = sums[slot, MEAN] + deviation * share
    sums[slot, SQUARES] += deviation * (value - mean)
    if needs & NEEDS_SLOPE:
        passed = seconds - sums[slot, TIME_MEAN]
        time_mean = sums[slot, TIME_MEAN] + passed * share
        sums[slot, TIME_SQUARES] += passed * (seconds - time_mean)
        sums[slot, CROSS] += passed * (value - mean)
        sums[slot, TIME_MEAN] = time_mean
    if needs & NEEDS_AREA:
        if count > 1.0:
            sums[slot, AREA] += 0.5 * (value + sums[slot, LAST]) * (seconds - sums[slot, TIME_LAST])
        sums[slot, TIME_LAST] = seconds
    sums[slot, MEAN] = mean
    sums[slot, COUNT] = count
    sums[slot, LAST] = value


@numba.njit(cache=True, nogil=True)
def absorb(  # type: ignore[no-untyped-def]  # noqa: ANN201, C901, PLR0912, PLR0913, PLR0915, PLR0917 - one pass: split, it runs at half the speed
    signal: Int32,
    time: Int64,
    received: Int64,
    value: Float64,
    status: UInt32,
    start: int,
    stop: int,
    boundary: int,
    delimiter: int,
    threshold: float,
    on: bool,  # noqa: FBT001 - as above
    active: bool,  # noqa: FBT001 - as above
    opened: int,
    text_signals: int,
    slot_of: Int32,
    phase_signal: Int64,
    phase_equals: Float64,
    phase_after: Int64,
    phase_until: Int64,
    phase_on: Int64,
    sums: Float64,
    marks: Int64,
    kept: Float64,
    kept_times: Float64,
    said_at: Int64,
    said: Float64,
    counts: Int64,
):
    """Take rows ``start`` to ``stop`` of the held readings, in canonical order, into the open cycle.

    Stops early, before it has taken the row, at an edge of the delimiting signal, at a text, at a time at or
    behind ``boundary`` (window or longest cycle), or when a slot's kept values are full. Signals are numbered so that
    the delimiter is 0 and the ``text_signals`` follow it. Returns the row it stopped at, why, and the newest
    receive time among the rows taken. ``counts`` gains: taken, bad, duplicate, conflicting.
    """
    newest = 0
    phases = len(phase_after)
    places = phases + 1
    capacity = kept.shape[0]
    first_text = 1 if delimiter == 0 else 0
    many = len(said_at) > FEW
    for row in range(start, stop):
        now = time[row]
        if now >= boundary:
            return row, BOUNDARY, newest
        mine = signal[row]
        reading = value[row]
        if many and row + AHEAD < stop:
            _fetch_state(signal[row + AHEAD], slot_of, sums, said_at)
            _fetch_kept(signal[row + AHEAD // 2], slot_of, marks, kept)
        if first_text <= mine < first_text + text_signals:
            return row, TEXT, newest
        if said_at[mine, SAID_AT] == now:
            if said[mine, SAID] == reading:
                counts[2] += 1
            else:
                counts[3] += 1
            continue
        if (status[row] & _SEVERITY) == _BAD or np.isnan(reading):
            counts[1] += 1
            continue
        if mine == delimiter and (reading > threshold) != on:
            return row, EDGE, newest
        if active:
            for place in range(places):
                slot = slot_of[mine, place]
                if slot >= 0 and marks[slot, KEPT] >= capacity:
                    return row, FULL, newest
        said_at[mine, SAID_AT] = now
        said[mine, SAID] = reading
        for phase in range(phases):  # which phases this very reading begins or ends
            if phase_signal[phase] == mine:
                phase_on[phase] = 1 if reading == phase_equals[phase] else 0
        if not active or received[row] == HEARSAY:
            continue
        counts[0] += 1
        newest = max(newest, received[row])
        passed = now - opened
        seconds = passed * 1e-9
        for place in range(places):
            slot = slot_of[mine, place]
            if slot < 0:
                continue
            if place > 0:
                phase = place - 1
                if phase_signal[phase] >= 0:
                    if phase_on[phase] == 0:
                        continue
                elif passed < phase_after[phase] or passed >= phase_until[phase]:
                    continue
            needs = marks[slot, NEEDS]
            _update(sums, slot, needs, reading, seconds)
            if needs & NEEDS_VALUES:
                where, index = marks[slot, KEPT_OF], marks[slot, KEPT]
                kept[index, where] = reading
                if needs & NEEDS_TIMES:
                    kept_times[index, where] = seconds
                marks[slot, KEPT] = index + 1
    return stop, DONE, newest


@numba.njit(cache=True, nogil=True)
def _select(values, rank, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Reorder ``values`` up to ``last`` so that the one of that rank stands in its place, greater ones behind it.

    Hoare's quickselect (1961) with Lomuto's partition, which swaps whether it must or not: a swap in vain costs less
    than a branch that the processor guesses wrong every other time.
    """
    first = 0
    while first < last:
        one, other, third = values[first], values[(first + last) >> 1], values[last]
        pivot = max(min(one, other), min(max(one, other), third))
        less = first
        for row in range(first, last + 1):
            value = values[row]
            values[row], values[less] = values[less], value
            less += value < pivot
        if rank < less:
            last = less - 1
            continue
        same = less
        for row in range(less, last + 1):
            value = values[row]
            values[row], values[same] = values[same], value
            same += value <= pivot
        if rank < same:
            return
        first = same


@numba.njit(cache=True, nogil=True)
def _band(values, count, rank):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return two values between which the one of a rank very likely lies, by a sample (Floyd and Rivest 1975)."""
    sample = np.empty(SAMPLED)
    step = count // SAMPLED
    for number in range(SAMPLED):
        value, place = values[number * step + (step >> 1)], number
        while place > 0 and sample[place - 1] > value:
            sample[place] = sample[place - 1]
            place -= 1
        sample[place] = value
    middle = SAMPLED * rank / count
    spread = 1.0 + 1.5 * np.sqrt(middle * (SAMPLED - middle) / SAMPLED)
    low, high = int(np.floor(middle - spread)), int(np.ceil(middle + spread))
    return sample[low] if low >= 0 else -np.inf, sample[high] if high < SAMPLED else np.inf


@numba.njit(cache=True, nogil=True)
def percentile(values: Float64, count: int, percent: float) -> float:
    """Return a percentile of ``count`` values (0 to 100) by interpolation between ranks (type 7, Hyndman and Fan 1996).

    It is that of the sorted values, bit for bit.
    """
    exact = (count - 1) * percent / 100.0
    rank = int(np.floor(exact))
    least, most = _band(values, count, rank) if count >= 4 * SAMPLED else (-np.inf, np.inf)
    part = np.empty(count + 1)
    below, inside = 0, 0
    for row in range(count):
        value = values[row]
        part[inside] = value
        below += value < least
        inside += (value >= least) & (value <= most)
    if not 0 <= rank - below < inside - 1 and inside < count:  # both neighbours must lie in the band
        part[:count] = values[:count]
        below, inside = 0, count
    place = rank - below
    _select(part, place, inside - 1)
    low: float = part[place]
    if place + 1 >= inside:
        return low
    high: float = part[place + 1]
    for row in range(place + 2, inside):
        high = min(high, part[row])
    return low + (high - low) * (exact - rank)


@numba.njit(cache=True, nogil=True)
def _time_above(values, times, count, limit):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the seconds above a limit; between readings the value runs in a straight line."""
    total = 0.0
    for index in range(1, count):
        before, after = values[index - 1], values[index]
        span = times[index] - times[index - 1]
        if before > limit and after > limit:
            total += span
        elif before > limit or after > limit:
            total += span * (max(before, after) - limit) / abs(after - before)
    return total


@numba.njit(cache=True, nogil=True)
def _piece(values, times, count, parameter):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the mean over one of equal pieces of the time between the first and the last reading.

    Between readings the value runs in a straight line, so that the mean hangs neither on how many readings fall into a
    piece nor on the speed of the phase (piecewise aggregate approximation: Keogh et al., Knowl. Inf. Syst. 3, 2001).
    """
    number, pieces = divmod(int(parameter), OF)
    if count < 2:
        return np.nan
    begin, span = times[0], times[count - 1] - times[0]
    low, high = begin + span * number / pieces, begin + span * (number + 1) / pieces
    total = 0.0
    for index in range(1, count):
        before, after = times[index - 1], times[index]
        left, right = max(before, low), min(after, high)
        if right > left:
            rise = (values[index] - values[index - 1]) / (after - before)
            total += (right - left) * (values[index - 1] + rise * (0.5 * (left + right) - before))
    return total / (high - low)


@numba.njit(cache=True, nogil=True)
def _wave(values, times, count, parameter):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the root mean square of a curve's convolution with one pattern, in the unit of the values.

    The patterns are those of MiniRocket (Dempster, Schmidt and Webb, KDD 2021): nine weights, three 2 and six -1, at
    distances of 1, 2 or 4 points. Of the 84 the next is taken by a fixed stride, so that few are spread evenly and
    the same number is the same pattern everywhere. They are scaled so that noise of deviation 1 gives 1. Pooled is by
    strength and not by the share above thresholds learned from data, since a feature is defined before there is any.
    """
    if count < 2:
        return np.nan
    curve = np.interp(
        times[0] + (times[count - 1] - times[0]) * np.arange(POINTS) / (POINTS - 1), times[:count], values[:count]
    )
    number = int(parameter) // OF
    apart = 1 << (number % 3)
    triple = _TRIPLES[(number * _STRIDE) % len(_TRIPLES)]
    total = 0.0
    for point in range(POINTS):
        answer = 0.0
        for weight in range(_ACROSS):
            place = min(max(point + apart * (weight - _ACROSS // 2), 0), POINTS - 1)
            answer -= curve[place]
        for weight in triple:
            place = min(max(point + apart * (weight - _ACROSS // 2), 0), POINTS - 1)
            answer += 3.0 * curve[place]
        total += answer * answer
    return np.sqrt(total / (18.0 * POINTS))


@numba.njit(cache=True, nogil=True)
def emit(  # type: ignore[no-untyped-def]  # noqa: ANN201, C901, PLR0912, PLR0913, PLR0917 - one table of kinds, numba takes columns one by one
    kind: Int64,
    slot: Int64,
    parameter: Float64,
    sums: Float64,
    marks: Int64,
    kept: Float64,
    kept_times: Float64,
    said: Float64,
    features: Float64,
):
    """Write the features of the cycle that has just ended; NaN where a slot has seen too little.

    For the kind ``carried``, ``slot`` is the signal's number: its newest value, also from before the cycle.
    """
    for index in range(len(kind)):
        what = kind[index]
        if what == 12:
            features[index] = said[slot[index], SAID]
            continue
        row = slot[index]
        count = sums[row, COUNT]
        answer = np.nan
        if what == 0:
            answer = count
        elif count == 0.0:
            answer = np.nan
        elif what == 1:
            answer = sums[row, MEAN]
        elif what == 2:
            if count > 1.0:
                answer = np.sqrt(sums[row, SQUARES] / (count - 1.0))
        elif what == 3:
            answer = sums[row, LEAST]
        elif what == 4:
            answer = sums[row, MOST]
        elif what == 5:
            answer = sums[row, MOST] - sums[row, LEAST]
        elif what == 6:
            if sums[row, TIME_SQUARES] > 0.0:
                answer = sums[row, CROSS] / sums[row, TIME_SQUARES]
        elif what == 7:
            answer = sums[row, AREA]
        elif what == 8:
            answer = sums[row, FIRST]
        elif what == 9:
            answer = sums[row, LAST]
        else:
            where, kept_count = marks[row, KEPT_OF], marks[row, KEPT]
            if what == 10:
                answer = percentile(kept[:, where], kept_count, parameter[index])
            elif what == 13:
                answer = _piece(kept[:, where], kept_times[:, where], kept_count, parameter[index])
            elif what == 14:
                answer = _wave(kept[:, where], kept_times[:, where], kept_count, parameter[index])
            else:
                answer = _time_above(kept[:, where], kept_times[:, where], kept_count, parameter[index])
        features[index] = answer
