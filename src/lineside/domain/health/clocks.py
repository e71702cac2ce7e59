"""How a source's clock stands to ours: offset, jitter and drift, from the two times of its readings.

Of a reading, ``d = receive time - source time`` is how much the source's clock is behind ours plus how long the
reading took. The way can only add to it, so the least ``d`` of a stretch is nearest to the clocks' difference (the
minimum filter of NTP, RFC 5905 section 10; Cristian, Distributed Computing 3, 1989). Per stretch of `STRETCH` receive
time the least and the mean ``d`` are kept, of the last `STRETCHES` of them:

- *offset*: the median of the least ``d``. Positive: the source's clock is behind, or the way never takes less. One way
  alone cannot tell the two apart.
- *jitter*: the median of how far the mean ``d`` lies above the least: what the way adds on average.
- *drift*: the slope of the least ``d`` over receive time, by Theil and Sen (Sen, JASA 63, 1968), in parts per million.

Medians make a stretch with nothing but late readings, or with a pause of ours, count for nothing. Readings that are
delivered as history are to be left out by the caller. Nothing is ever corrected by this: it is shown and alarmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np

from lineside.domain.health.gateway import Finding
from lineside.domain.health.states import State
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import MILLISECOND, MINUTE, SECOND

STRETCH: Final = 10 * SECOND
STRETCHES: Final = 60
DRIFT_FROM: Final = 6
"""Stretches from which a drift is told."""
SHOWN_FOR: Final = MINUTE
"""How long a refusal for a time ahead is shown."""


@numba.njit(cache=True, nogil=True)
def _measure(source_time: Int64, receive_time: Int64, base: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - numba infers it
    """Return the least delay, and the sum of delays above ``base``; numpy takes ten times as long for few readings."""
    least = receive_time[0] - source_time[0]
    excess = 0
    for row in range(len(receive_time)):
        delay = receive_time[row] - source_time[row]
        least = min(least, delay)
        excess += delay - base
    return least, excess


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockEstimate:
    """Of one source: ``offset`` and ``jitter`` in ns, ``drift`` in parts per million (0 where not yet known)."""

    offset: int
    jitter: int
    drift: float


@dataclass(slots=True)
class _Stretch:
    """Sums of one stretch; ``excess`` is the sum of ``d`` above ``base``, small enough to add up."""

    number: int
    least: int
    base: int
    excess: int
    count: int

    @property
    def above(self) -> float:
        """How far the mean lies above the least."""
        return self.base + self.excess / self.count - self.least


class SourceClock:
    """Estimates one source's clock from batches of its readings."""

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []

    def hear(self, source_time: Int64, receive_time: Int64) -> None:
        """Take note of readings, UTC ns, in order of arrival; shapes ``(n,)``."""
        if not len(receive_time):
            return
        first, last = int(receive_time[0]) // STRETCH, int(receive_time[-1]) // STRETCH
        if first == last:
            self._add(first, source_time, receive_time)
            return
        numbers = receive_time // STRETCH
        for number in np.unique(numbers).tolist():
            rows = np.flatnonzero(numbers == number)
            self._add(number, source_time[rows], receive_time[rows])

    def estimate(self) -> ClockEstimate | None:
        """Return what is known now; None before the first reading."""
        if not self._stretches:
            return None
        least = np.array([item.least for item in self._stretches], dtype=np.float64)
        base = self._stretches[-1].least
        return ClockEstimate(
            offset=base + round(float(np.median(least - base))),
            jitter=round(float(np.median([item.above for item in self._stretches]))),
            drift=_slope(np.array([item.number for item in self._stretches], dtype=np.float64), least - base),
        )

    def _add(self, number: int, source_time: Int64, receive_time: Int64) -> None:
        newest = self._stretches[-1] if self._stretches else None
        fresh = newest is None or newest.number != number
        base = int(receive_time[0]) - int(source_time[0]) if newest is None or fresh else newest.base
        least, excess = _measure(source_time, receive_time, base)
        count = len(receive_time)
        if newest is not None and newest.number == number:
            newest.least = min(newest.least, least)
            newest.excess += excess
            newest.count += count
            return
        if newest is not None and number < newest.number:
            self._stretches.clear()  # our own clock was set back: what came before belongs to another time
        self._stretches.append(_Stretch(number, least, base, excess, count))
        del self._stretches[:-STRETCHES]


def _slope(numbers: Float64, least: Float64) -> float:
    """Return the median slope between all pairs of stretches, in parts per million."""
    if len(numbers) < DRIFT_FROM:
        return 0.0
    i, j = np.triu_indices(len(numbers), 1)
    return float(np.median((least[j] - least[i]) / (numbers[j] - numbers[i]))) / STRETCH * 1e6


def clock_finding(
    estimate: ClockEstimate, within: int | None, refused_ahead: int, *, sets_back: bool = False
) -> Finding:
    """Return how a source's clock does, beside the bound of the plan (ns; None: none).

    ``refused_ahead`` counts its readings that were refused within the last minute because they lay in the future.
    ``sets_back``: its clock is so far ahead, and so steadily, that its times are set back.
    """
    ahead = estimate.offset < 0
    reason = f"{_seconds(abs(estimate.offset))} {'ahead' if ahead else 'behind'}, jitter {_seconds(estimate.jitter)}"
    if abs(estimate.drift) >= 1.0:
        reason += f", drift {estimate.drift:+.0f} ppm"
    if sets_back:
        reason = f"its clock is over 5 min ahead, and its readings are kept with their times set back; {reason}"
        return Finding(State.SKEWED, reason)
    if refused_ahead:
        reason = f"{refused_ahead} readings were refused because they lay over 5 min in the future; {reason}"
        return Finding(State.REFUSED, reason)
    if within is not None and abs(estimate.offset) > within:
        more = "" if ahead else ", or its readings take that long"
        return Finding(State.SKEWED, f"{reason}{more}; the plan allows {_seconds(within)}")
    return Finding(State.STEADY, reason)


def _seconds(nanoseconds: int) -> str:
    if nanoseconds < SECOND:
        return f"{nanoseconds / MILLISECOND:.1f} ms"
    return f"{nanoseconds / SECOND:.1f} s"
