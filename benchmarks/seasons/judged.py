"""What a contender says of a stream, in columns, and the alerts that come of it on the line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lineside.domain.alerting import GOOD_PARTS_TO_CLEAR, OUTSIDE_EXPERIENCE
from lineside.domain.alerts import AlertEvent, AlertKind

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One alert by rows of the stream, ``first`` to ``last`` part in alarm; ``top`` is the signal that carried most.

    ``suppressed`` is the plan's reason for silence where every part of it was made in such a context.
    """

    first: int
    last: int
    cause: str = ""
    top: str = ""
    suppressed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """What is said of one characteristic of every part: how far above its limit, in which state, and the alerts."""

    margin: NDArray[np.float64]
    state: NDArray[np.object_]
    alerts: tuple[Alert, ...]
    advisories: tuple[Alert, ...] = ()

    @property
    def answered(self) -> Bools:
        """Which parts were judged at all: normal or alarm."""
        return np.asarray((self.state == "normal") | (self.state == "alarm"))

    @property
    def alarm(self) -> Bools:
        """Which parts were in alarm."""
        return np.asarray(self.state == "alarm")


def alerts_from(events: Iterable[tuple[int, AlertEvent]]) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """Return the alerts that events (each with the row of its part) raised and extended, and the advisory ones."""
    found: dict[str, Alert] = {}
    for row, event in events:
        if event.kind is AlertKind.RAISED:
            top = max(event.contributions, key=lambda item: item.share, default=None)
            signal = "" if top is None else top.signal
            found[event.alert_id] = Alert(
                first=row, last=row, cause=event.cause, top=signal, suppressed=event.suppressed
            )
        elif event.kind is AlertKind.UPDATED:
            raised = found[event.alert_id]
            still = event.suppressed if raised.suppressed else ""
            found[event.alert_id] = replace(raised, last=row, suppressed=still)
    alarms = tuple(item for item in found.values() if item.cause != OUTSIDE_EXPERIENCE)
    return alarms, tuple(item for item in found.values() if item.cause == OUTSIDE_EXPERIENCE)


def folded(alarm: Bools, answered: Bools, day: NDArray[np.int64]) -> tuple[Alert, ...]:
    """Return the alerts of alarms without causes, as the alert engine folds them: for limits that were moved.

    An alert ends with the day, or where as many judged parts in a row as clear it were not in alarm.
    """
    judged = np.flatnonzero(answered)
    place = np.flatnonzero(alarm[judged])
    if not len(place):
        return ()
    new = (np.diff(place) > GOOD_PARTS_TO_CLEAR) | (np.diff(day[judged[place]]) != 0)
    first, last = place[np.concatenate(([True], new))], place[np.concatenate((new, [True]))]
    pairs = zip(judged[first].tolist(), judged[last].tolist(), strict=True)
    return tuple(Alert(first=begin, last=end) for begin, end in pairs)
