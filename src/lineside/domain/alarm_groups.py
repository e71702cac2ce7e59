"""The load of alerts by station and shift: the figures of `lineside.domain.alarm_load`, group by group.

A flood here is one of the group's own: alerts of other stations do not count in it, so that a flood of the whole line
may be none of any station. These figures are of machines and tell nothing of people; what people made of the alerts is
`lineside.domain.uptake`, which keeps to large enough groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lineside.domain.alarm_load import alarm_load
from lineside.domain.alerts import Alert


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftTime:
    """How long a kind of shift ran in a stretch of time: ``length`` in ns, and how many shifts that is."""

    length: int
    shifts: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupLoad:
    """The alerts of one station in one kind of shift.

    ``per_shift`` is the mean of a whole shift and ``flooded`` the share of its time in flood; both are None where the
    plan has no such shift. ``silenced`` were not announced by design, and ``escapes`` of their parts did not conform.
    """

    station: str
    shift: str
    alerts: int
    per_shift: float | None
    floods: int
    flooded: float | None
    chattering: int
    stale: int
    silenced: int
    escapes: int


def load_by_group(
    alerts: Iterable[tuple[str, Alert]],
    times: Mapping[str, ShiftTime],
    begins: int,
    now: int,
    *,
    nonconforming: Callable[[str, str], bool],
) -> tuple[GroupLoad, ...]:
    """Return the load of each station and shift that had alerts, by station and shift.

    Args:
        alerts: the alerts raised from ``begins`` to ``now``, each with the shift in which it was raised.
        times: how long each kind of shift ran in that time.
        begins: UTC ns.
        now: UTC ns.
        nonconforming: says whether a unit is known not to conform for a characteristic.
    """
    groups: dict[tuple[str, str], list[Alert]] = {}
    for shift, alert in alerts:
        groups.setdefault((alert.station, shift), []).append(alert)
    found = []
    for (station, shift), these in sorted(groups.items()):
        load, time = alarm_load(these, begins, now, nonconforming=nonconforming), times.get(shift)
        ran = time is not None and time.length > 0
        found.append(
            GroupLoad(
                station=station,
                shift=shift,
                alerts=load.alerts,
                per_shift=load.alerts / time.shifts if time is not None and ran else None,
                floods=len(load.floods),
                flooded=min(1.0, load.flooded * (now - begins) / time.length) if time is not None and ran else None,
                chattering=len(load.chattering),
                stale=len(load.stale),
                silenced=sum(item.alerts for item in load.silenced),
                escapes=sum(item.escapes for item in load.silenced),
            )
        )
    return tuple(found)
