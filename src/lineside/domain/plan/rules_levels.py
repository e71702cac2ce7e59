"""Rules about service levels, calendar and privacy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from lineside.domain.plan.budget import false_alarms, shift_hours
from lineside.domain.plan.findings import Finding, Path, did_you_mean
from lineside.domain.plan.identity import WEEKDAYS, Shift
from lineside.domain.plan.model import DataClass, Phase, Role
from lineside.domain.plan.sources import TimedSource
from lineside.domain.plan.view import View, mistake, warning
from lineside.domain.units import format_duration

_PEOPLE: Final = re.compile(
    r"(^|_)(operator|worker|employee|person|inspector|badge|user|bediener|mitarbeiter|pruefer)(_|$)"
)
_WEEK: Final = 7 * 24 * 60


def alarms_fit_the_budget(view: View) -> Iterator[Finding]:
    """The false alarms that the models may give do not exceed what a shift accepts."""
    plan = view.plan
    asked = [(item.id, false_alarms(plan, item)) for item in plan.characteristics]
    expected = sum(item.per_shift or 0.0 for _, item in asked)
    budget = plan.service_levels.false_alarms_per_shift
    if expected > budget * (1.0 + 1e-9):
        told = [f"{name}: {item.rate:g} of {item.shift_parts:.0f} parts" for name, item in asked if item.shift_parts]
        yield warning(
            "alert-budget",
            ("service_levels", "false_alarms_per_shift"),
            f"about {expected:.1f} parts per shift of {shift_hours(plan):g} h would be called bad wrongly "
            f"({'; '.join(told)}); the shift accepts {budget:g}",
            next_step="lower model.false_alarm_rate, leave it out, or raise the budget",
        )


def alerts_wait_for_readings(view: View) -> Iterator[Finding]:
    """An alert is not asked for sooner than late readings are waited for."""
    wanted = view.plan.service_levels.sensor_to_alert_p99
    for position, station in enumerate(view.plan.stations):
        if station.lateness > wanted:
            yield warning(
                "latency",
                ("stations", position, "lateness"),
                f"readings are waited for for {format_duration(station.lateness)}; an alert within "
                f"{format_duration(wanted)} cannot be kept",
            )


def calendar_is_sound(view: View) -> Iterator[Finding]:
    """Time zones and dates exist, and shifts do not overlap."""
    plan = view.plan
    yield from _zone(view, ("line", "timezone"), plan.line.timezone)
    for position, source in enumerate(plan.sources):
        if isinstance(source, TimedSource):
            yield from _zone(view, ("sources", position, "time_zone"), source.time_zone)
    yield from _date(("revision", "date"), plan.revision.date)
    yield from _date(("revision", "original"), plan.revision.original)
    for position, approval in enumerate(plan.approvals):
        yield from _date(("approvals", position, "date"), approval.date)
    for position, day in enumerate(plan.holidays):
        yield from _date(("holidays", position), day)
    told: set[int] = set()
    minutes = sorted(_week(plan.shifts))
    for (start, length, _), (following, _, i) in zip(minutes, [*minutes[1:], *minutes[:1]], strict=True):
        gap = (following - start) % _WEEK if len(minutes) > 1 else _WEEK
        if length > gap and i not in told:
            told.add(i)
            yield mistake("shifts", ("shifts", i), "this shift begins before the one before it ends")


def _week(shifts: Sequence[Shift]) -> Iterator[tuple[int, float, int]]:
    """Yield when in the week each shift begins and how long it lasts (minutes), with its position."""
    for position, shift in enumerate(shifts):
        for day in set(shift.days):
            yield WEEKDAYS.index(day) * 24 * 60 + _minute(shift.starts), shift.hours * 60, position


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _zone(view: View, path: Path, name: str) -> Iterator[Finding]:
    if name not in view.zones:
        near = did_you_mean(name, view.zones) or "use an IANA name such as 'Europe/Berlin'"
        yield mistake("time-zone", path, "no such time zone", found=name, next_step=near)


def _date(path: Path, date: str) -> Iterator[Finding]:
    try:
        np.datetime64(date or "2000-01-01")
    except ValueError:
        yield mistake("date", path, "no such day", found=date)


def launch_is_contained(view: View) -> Iterator[Finding]:
    """Extra containment is there in the phase 'safe_launch', and only there."""
    plan = view.plan
    if plan.phase is Phase.SAFE_LAUNCH and plan.safe_launch is None:
        yield warning(
            "safe-launch", ("phase",), "a safe launch without 'safe_launch': say what is contained and how long"
        )
    elif plan.phase is not Phase.SAFE_LAUNCH and plan.safe_launch is not None:
        yield warning("safe-launch", ("safe_launch",), f"extra containment in the phase '{plan.phase}'")


INSPECTOR: Final = "K0008"
"""The field of AQDEF files that names who measured; without the class it is dropped."""


def people_are_left_out(view: View) -> Iterator[Finding]:
    """No personal data reaches a model, and signals that name people are classed."""
    classes = view.plan.privacy.classes
    for position, signal in enumerate(view.plan.signals):
        path: Path = ("signals", position)
        personal = classes.get(signal.id) is DataClass.PERSONAL
        if personal and signal.role in {Role.PROCESS, Role.ENVIRONMENT}:
            yield mistake(
                "personal-data",
                (*path, "role"),
                "personal data must not reach a model",
                next_step="give it the role 'context', or leave it out",
            )
        elif not personal and (_PEOPLE.search(signal.id) or signal.address == INSPECTOR):
            yield warning(
                "personal-data",
                path,
                "this seems to name people",
                next_step=f"leave it out, or add '{signal.id}: personal' to privacy.classes",
            )


def data_stays_where_it_may(view: View) -> Iterator[Finding]:
    """Places are named, and personal data is not kept longest."""
    privacy = view.plan.privacy
    for key, places in (("store_in", privacy.store_in), ("process_in", privacy.process_in)):
        if not places:
            yield mistake("region", ("privacy", key), "no place is named", next_step="write [site] at least")
    if privacy.personal_retention > privacy.retention:
        yield mistake(
            "retention", ("privacy", "personal_retention"), "personal data would be kept longer than all else"
        )


LEVEL_RULES: Final = (
    alarms_fit_the_budget,
    alerts_wait_for_readings,
    calendar_is_sound,
    launch_is_contained,
    people_are_left_out,
    data_stays_where_it_may,
)
