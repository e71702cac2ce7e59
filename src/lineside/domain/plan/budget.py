"""How many false alarms each characteristic may give: its share of what the plan says a shift accepts.

``service_levels.false_alarms_per_shift`` is shared evenly over the characteristics, and counted as people meet it:
per alert, which the plan's `alert` raises and clears, and not per part in alarm. Divided by the parts of a
shift it is a rate per part, and, being a service level, one to be kept with certainty. A limit takes
``model.false_alarm_rate`` instead where it is given: a share of *parts*, kept on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.domain.plan.model import Characteristic, CycleByWindow, Plan, Station
from lineside.domain.units import HOUR

USUAL_SHIFT: Final = 8.0
"""Hours of a shift where the plan names none."""
USUAL_RATE: Final = 0.01
"""Share of parts in alarm where the plan gives neither a rate nor how many parts a shift makes."""
MOST_RATE: Final = 0.05
"""Greatest rate that a budget is made into: few parts in a shift are no reason to alarm at every tenth."""
_LEAST_RATE: Final = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class FalseAlarms:
    """What a characteristic may give: at most a share ``rate`` of its conforming parts.

    These are parts in alarm, or parts at which an alert is raised if ``per_episode``. ``shift_parts`` are the parts
    of a shift, None where the plan does not say. ``fold`` good parts in a row end an alert (0: parts are counted),
    ``raise_after`` in alarm begin it. ``certain``: nine of ten limits are to keep the rate, and not their average.
    ``why`` says in words where the rate comes from.
    """

    rate: float
    shift_parts: float | None
    why: str
    fold: int = 0
    raise_after: int = 1
    certain: bool = False

    @property
    def per_episode(self) -> bool:
        """Whether alerts are counted, and not parts in alarm."""
        return self.fold > 0

    @property
    def per_shift(self) -> float | None:
        """Parts in alarm, or alerts, of a shift at this rate."""
        return None if self.shift_parts is None else self.rate * self.shift_parts

    @property
    def unit(self) -> str:
        """What is counted, in words."""
        return "alerts" if self.per_episode else "parts in alarm"


def false_alarms(plan: Plan, characteristic: Characteristic) -> FalseAlarms:
    """Return what a characteristic of the plan may give."""
    parts = parts_per_shift(plan, characteristic.station)
    given = characteristic.model.false_alarm_rate
    if given is not None:
        return FalseAlarms(rate=given, shift_parts=parts, why="model.false_alarm_rate")
    if parts is None:
        why = f"the usual {USUAL_RATE:.0%}: the plan does not say how many parts the station makes in an hour"
        return FalseAlarms(rate=USUAL_RATE, shift_parts=None, why=why)
    budget = plan.service_levels.false_alarms_per_shift
    share = budget / len(plan.characteristics)
    rate = min(max(share / parts, _LEAST_RATE), MOST_RATE)
    why = f"{share:.3g} of the {budget:g} alerts that a shift of {parts:.0f} parts accepts"
    delays = characteristic.alert
    return FalseAlarms(
        rate=rate, shift_parts=parts, why=why, fold=delays.clear_after, raise_after=delays.raise_after, certain=True
    )


def parts_per_shift(plan: Plan, station_id: str) -> float | None:
    """Return how many parts (or windows) a station judges in the longest shift, None where the plan does not say."""
    station = next((item for item in plan.stations if item.id == station_id), None)
    pace = None if station is None else parts_per_hour(station)
    return None if pace is None else pace * shift_hours(plan)


def shift_hours(plan: Plan) -> float:
    """Return the length of the longest shift."""
    return max((shift.hours for shift in plan.shifts), default=USUAL_SHIFT)


def parts_per_hour(station: Station) -> float | None:
    """Return how many parts (or windows) a station judges in an hour, None where the plan does not say."""
    if station.parts_per_hour is not None:
        return station.parts_per_hour
    return HOUR / station.cycle.length if isinstance(station.cycle, CycleByWindow) else None
