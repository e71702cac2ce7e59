"""How each alert makes itself known: interrupts, advises or is logged, by the record of its cause and the budget.

A verdict is what inspection has found of the parts of an alert; where it has found nothing, what a person answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lineside.apps.plant.floor.alerts import is_late, priority_of, raised_at
from lineside.apps.plant.floor.shifts import shift_at
from lineside.domain.alerts import Alert, AlertKind, Verdict
from lineside.domain.nuisance import Notices, Seen, decide
from lineside.domain.outcomes import AGREED, Outcome, is_nonconforming
from lineside.domain.plan.model import Plan, Priority

OutcomesOf = Callable[[str], tuple[Outcome, ...]]


def notices_of(plan: Plan, alerts: Iterable[Alert], outcomes_of: OutcomesOf) -> Notices:
    """Return the decision on each announced alert, and how each cause stands."""
    shifts: list[tuple[int, int]] = []

    def shift(time: int) -> int:
        known = next((begins for begins, ends in shifts[-3:] if begins <= time < ends), None)
        if known is not None:
            return known
        view = shift_at(plan, time)
        if view.label:
            shifts.append((view.starts, view.ends))
        return view.starts if view.label else time // (view.ends - view.starts)

    seen = [_seen(plan, alert, shift(raised_at(alert)), outcomes_of) for alert in alerts if not alert.suppressed]
    levels = plan.service_levels
    return decide(seen, levels.interruptive_alerts_per_shift, operators=levels.operators_per_shift)


def _seen(plan: Plan, alert: Alert, shift: int, outcomes_of: OutcomesOf) -> Seen:
    right, found = measured(plan, alert, outcomes_of) or _answered(alert)
    return Seen(
        id=alert.id,
        key=(alert.station, alert.characteristic, alert.cause),
        model="" if alert.raised is None else alert.raised.model,
        raised=raised_at(alert),
        shift=shift,
        advisory=is_late(alert) or priority_of(alert) is Priority.ADVISORY,
        right=right,
        found=found,
    )


def measured(plan: Plan, alert: Alert, outcomes_of: OutcomesOf) -> tuple[bool, int] | None:
    """Return whether a part of the alert is known not to conform, and since when; None while none is known."""
    characteristic = plan.characteristic(alert.characteristic)
    units = dict.fromkeys(event.unit for event in alert.events if event.kind in _SEEN and event.unit)
    found = [
        item
        for unit in units
        for item in outcomes_of(unit)
        if item.characteristic == characteristic.id and item.source != AGREED
    ]
    told = [(is_nonconforming(characteristic, item.value), item.found) for item in found]
    said = [(bad, time) for bad, time in told if bad is not None]
    if not said:
        return None
    wrong = [time for bad, time in said if bad]
    return (True, min(wrong)) if wrong else (False, max(time for _, time in said))


def _answered(alert: Alert) -> tuple[bool | None, int]:
    closed = alert.closed
    if closed is None or closed.verdict not in {Verdict.CONFIRMED, Verdict.NO_DEFECT}:
        return None, 0
    return closed.verdict is Verdict.CONFIRMED, closed.time


_SEEN = frozenset({AlertKind.RAISED, AlertKind.UPDATED})
