"""Alarms as people meet them: episodes, true and false, the events they found, and after how long.

An **event** is a stretch of consecutive bad units of one group; an **episode** a stretch of units in alarm, which
begins with the ``raise_after``-th in a row and ends when ``clear_after`` units in a row are without, as an alert is
raised and clears (on-delay and off-delay of ISA-18.2). What
informs is the *raising* of an alarm: an episode raised inside an event finds it, however long it stands; an episode
raised on a good unit is false, even if it still stands when an event begins. So an alarm that never goes out
finds nothing. ``touched`` also counts events during which an alarm merely stood, as range-based measures do
(compare Tatbul et al., "Precision and recall for time series", NeurIPS 2018, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.domain.metrics.confusion import Bools, share

Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive units of one group, by position: ``first`` to ``last``, both included."""

    first: int
    last: int


def stretches(on: Bools, group: Sequence[str]) -> tuple[Stretch, ...]:
    """Return the stretches of consecutive ``True``, never across a border between groups."""
    names = np.asarray(group, dtype=object)
    border = np.ones(len(on), dtype=np.bool_)
    border[1:] = names[1:] != names[:-1]
    before = np.concatenate(([False], on[:-1]))
    after = np.concatenate((on[1:], [False]))
    starts = np.flatnonzero(on & (border | ~before))
    ends = np.flatnonzero(on & (np.concatenate((border[1:], [True])) | ~after))
    return tuple(Stretch(int(a), int(b)) for a, b in zip(starts, ends, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class EventReport:
    """What the alarms made of the events.

    ``delays`` are, for each event found, nanoseconds from its first unit to the alarm raised in it;
    ``delays_units`` the same in units. ``good_time`` is the time spent on good units, ``good_units`` their number.
    """

    events: int
    found: int
    touched: int
    episodes: int
    false_episodes: int
    delays: tuple[int, ...]
    delays_units: tuple[int, ...]
    units: int
    good_units: int
    time: int
    good_time: int

    @property
    def median_delay_seconds(self) -> float:
        """Median seconds from an event's first unit to the alarm; NaN where none was found."""
        return float(np.median(self.delays)) / 1e9 if self.delays else float("nan")

    @property
    def median_delay_units(self) -> float:
        """Median units from an event's first to the alarm; NaN where none was found."""
        return float(np.median(self.delays_units)) if self.delays_units else float("nan")

    @property
    def episodes_per_hour(self) -> float:
        """Alarm episodes per hour of data; NaN for data without time."""
        return share(self.episodes, self.time / 3.6e12)

    @property
    def false_episodes_per_hour(self) -> float:
        """False episodes per hour of good data; NaN for data without time."""
        return share(self.false_episodes, self.good_time / 3.6e12)

    @property
    def episodes_per_thousand(self) -> float:
        """Alarm episodes per 1,000 units."""
        return share(1000 * self.episodes, self.units)

    @property
    def false_episodes_per_thousand(self) -> float:
        """False episodes per 1,000 good units."""
        return share(1000 * self.false_episodes, self.good_units)


def episodes_of(alarm: Bools, group: Sequence[str], clear_after: int = 1, raise_after: int = 1) -> tuple[Stretch, ...]:
    """Return the episodes: from the ``raise_after``-th alarm in a row to the last before ``clear_after`` good ones."""
    episodes: list[Stretch] = []
    last: Stretch | None = None
    for item in stretches(alarm, group):
        stands = last is not None and group[last.last] == group[item.first] and item.first - last.last <= clear_after
        if stands and last is not None:
            last = episodes[-1] = Stretch(last.first, item.last)
        elif item.last - item.first + 1 >= raise_after:
            last = Stretch(item.first + raise_after - 1, item.last)
            episodes.append(last)
    return tuple(episodes)


def report_events(
    bad: Bools,
    alarm: Bools,
    group: Sequence[str],
    time: Int64 | None,
    clear_after: int = 1,
    raise_after: int = 1,
) -> EventReport:
    """Match episodes with events; ``time`` in ns, ascending within a group, None for data without time."""
    events, episodes = stretches(bad, group), episodes_of(alarm, group, clear_after, raise_after)
    raised = np.array([item.first for item in episodes], dtype=np.int64)
    hits = [_first_within(raised, event) for event in events]
    found = [(event, hit) for event, hit in zip(events, hits, strict=True) if hit is not None]
    spent = np.zeros(len(bad), dtype=np.int64) if time is None else time_per_unit(time, group)
    return EventReport(
        events=len(events),
        found=len(found),
        touched=sum(bool(alarm[event.first : event.last + 1].any()) for event in events),
        episodes=len(episodes),
        false_episodes=int(np.sum(~bad[raised])),
        delays=() if time is None else tuple(int(time[hit] - time[event.first]) for event, hit in found),
        delays_units=tuple(hit - event.first for event, hit in found),
        units=len(bad),
        good_units=int(np.sum(~bad)),
        time=int(spent.sum()),
        good_time=int(spent[~bad].sum()),
    )


def _first_within(positions: Int64, event: Stretch) -> int | None:
    at = int(np.searchsorted(positions, event.first))
    return int(positions[at]) if at < len(positions) and positions[at] <= event.last else None


def time_per_unit(time: Int64, group: Sequence[str]) -> Int64:
    """Return the nanoseconds each unit stands for: the median spacing of its group, so that gaps count nothing.

    A group of one unit counts nothing.
    """
    names = np.asarray(group, dtype=object)
    spent = np.zeros(len(time), dtype=np.int64)
    for name in dict.fromkeys(group):
        rows = np.flatnonzero(names == name)
        if len(rows) > 1:
            spent[rows] = int(np.median(np.diff(np.sort(time[rows]))))
    return spent
