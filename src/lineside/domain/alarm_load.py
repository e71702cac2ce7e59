"""How many alerts come, and in what manner: rates, floods, chatter, stale alerts, and what passed in silence.

The figures are those of the trade. A flood begins when more than 10 alerts come in 10 minutes and ends when a later
10 minutes bring fewer than 5; an alarm chatters that comes three times or more within a minute; it is stale when it
stands for more than 24 hours (ISA-18.2 and IEC 62682, alarm system performance; EEMUA 191). Only announced alerts
count: what was suppressed by design is told apart, by the reason, with the nonconforming parts that passed in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from lineside.domain.alerts import Alert, AlertKind
from lineside.domain.units import DAY, HOUR, MINUTE

FLOOD_WINDOW: Final = 10 * MINUTE
FLOOD_BEGINS: Final = 10
"""A flood begins with more than this many alerts in the window."""
FLOOD_ENDS: Final = 5
"""A flood ends when the window holds fewer than this many."""
CHATTER_WINDOW: Final = MINUTE
CHATTER: Final = 3
STALE_AFTER: Final = 24 * HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Flood:
    """A flood of alerts: when it began and ended (UTC ns; the end is open while it lasts), how many, and the peak.

    ``peak`` is the greatest number of alerts within 10 minutes.
    """

    begins: int
    ends: int | None
    alerts: int
    peak: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Silenced:
    """What one reason for silence kept from being announced, and how many parts of it did not conform."""

    reason: str
    alerts: int
    parts: int
    escapes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmLoad:
    """The alerts of a stretch of time, as people met them.

    ``per_day`` is the rate of announced alerts; ``flooded`` the share of the time in flood; ``chattering`` names the
    alarm points (station, characteristic, cause) that came three times or more within a minute; ``stale`` the alerts
    that have stood for more than a day; ``priorities`` counts by priority; ``top`` is the share of the busiest point.
    """

    alerts: int
    per_day: float
    floods: tuple[Flood, ...]
    flooded: float
    chattering: tuple[tuple[str, str, str], ...]
    stale: tuple[str, ...]
    priorities: tuple[tuple[str, int], ...]
    top: float
    silenced: tuple[Silenced, ...]


def alarm_load(
    alerts: Collection[Alert], begins: int, now: int, *, nonconforming: Callable[[str, str], bool]
) -> AlarmLoad:
    """Return the load of the alerts raised from ``begins`` to ``now`` (UTC ns).

    ``nonconforming`` says whether a unit is known not to conform for a characteristic.
    """
    announced = [alert for alert in alerts if not alert.suppressed]
    times = sorted(raised for alert in announced if (raised := _raised(alert)) is not None)
    floods = floods_of(times, now)
    in_flood = sum((now if flood.ends is None else flood.ends) - flood.begins for flood in floods)
    points = Counter((alert.station, alert.characteristic, alert.cause) for alert in announced)
    priorities = Counter(str(alert.raised.priority) for alert in announced if alert.raised is not None)
    length = max(1, now - begins)
    return AlarmLoad(
        alerts=len(times),
        per_day=len(times) * DAY / length,
        floods=floods,
        flooded=min(1.0, in_flood / length),
        chattering=chattering(announced),
        stale=tuple(alert.id for alert in announced if is_stale(alert, now)),
        priorities=tuple(sorted(priorities.items())),
        top=max(points.values(), default=0) / max(1, len(times)),
        silenced=_silenced([alert for alert in alerts if alert.suppressed], nonconforming),
    )


def floods_of(times: Sequence[int], now: int) -> tuple[Flood, ...]:
    """Return the floods in a sorted sequence of times (UTC ns) at which alerts were raised, up to ``now``."""
    found: list[Flood] = []
    begins: int | None = None
    alerts = peak = 0
    for place, time in enumerate(times):
        if begins is not None and (ended := _ended(times, place, time)) is not None:
            found.append(Flood(begins=begins, ends=ended, alerts=alerts, peak=peak))
            begins = None
        first = bisect_right(times, time - FLOOD_WINDOW)
        within = place + 1 - first
        if begins is None and within > FLOOD_BEGINS:
            begins, alerts, peak = times[first], within - 1, 0
        if begins is not None:
            alerts, peak = alerts + 1, max(peak, within)
    if begins is not None:
        ended = _ended(times, len(times), now)
        found.append(Flood(begins=begins, ends=ended, alerts=alerts, peak=peak))
    return tuple(found)


def _ended(times: Sequence[int], place: int, until: int) -> int | None:
    """Return when the window first held fewer than `FLOOD_ENDS` of the alerts before ``place``; None if not yet."""
    ended = times[max(0, place - FLOOD_ENDS)] + FLOOD_WINDOW
    return ended if ended < until else None


def chattering(alerts: Collection[Alert]) -> tuple[tuple[str, str, str], ...]:
    """Return the alarm points that came three times or more within a minute."""
    times: dict[tuple[str, str, str], list[int]] = {}
    for alert in alerts:
        if (raised := _raised(alert)) is not None:
            times.setdefault((alert.station, alert.characteristic, alert.cause), []).append(raised)
    return tuple(sorted(point for point, found in times.items() if _chatters(sorted(found))))


def _chatters(times: Sequence[int]) -> bool:
    return any(later - first <= CHATTER_WINDOW for first, later in zip(times, times[CHATTER - 1 :], strict=False))


def is_stale(alert: Alert, now: int) -> bool:
    """Return whether an alert stands, unclosed, for more than 24 hours."""
    raised = _raised(alert)
    return raised is not None and alert.active and alert.closed is None and now - raised > STALE_AFTER


def _silenced(alerts: Collection[Alert], nonconforming: Callable[[str, str], bool]) -> tuple[Silenced, ...]:
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(alert.suppressed, []).append(alert)
    return tuple(
        Silenced(
            reason=reason,
            alerts=len(these),
            parts=sum(len(_parts(alert)) for alert in these),
            escapes=sum(nonconforming(alert.characteristic, unit) for alert in these for unit in _parts(alert)),
        )
        for reason, these in sorted(found.items())
    )


def _parts(alert: Alert) -> tuple[str, ...]:
    """Return the units that were in alarm, each once."""
    seen = (event.unit for event in alert.events if event.kind in {AlertKind.RAISED, AlertKind.UPDATED} and event.unit)
    return tuple(dict.fromkeys(seen))


def _raised(alert: Alert) -> int | None:
    return None if alert.raised is None else alert.raised.time
