"""Rules about stations: cycles, phases and times make sense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineside.domain.plan.findings import Finding, Path
from lineside.domain.plan.model import (
    CycleByRows,
    CycleBySerial,
    CycleByTrigger,
    CycleByWindow,
    CyclePhase,
    Role,
    SignalType,
    Station,
)
from lineside.domain.plan.view import View, mistake, unknown, warning
from lineside.domain.units import SECOND, format_duration


def triggers_are_numbers(view: View) -> Iterator[Finding]:
    """A trigger and a counter are numbers, and a trigger says that it is one."""
    for position, station in enumerate(view.plan.stations):
        if not isinstance(station.cycle, CycleByTrigger):
            continue
        for key, name in (("signal", station.cycle.signal), ("counter", station.cycle.counter)):
            signal = view.signals.get(name or "")
            path = ("stations", position, "cycle", key)
            if signal is not None and signal.type is SignalType.TEXT:
                yield mistake("trigger-type", path, f"the signal '{name}' is text; edges need a number")
            elif signal is not None and key == "signal" and signal.role is not Role.TRIGGER:
                yield warning(
                    "trigger-role",
                    path,
                    f"the signal '{name}' has the role '{signal.role}' and would be judged as well",
                    next_step=f"give '{name}' the role 'trigger'",
                )


def phases_lie_within_the_cycle(view: View) -> Iterator[Finding]:
    """A phase is by time or by value, ends after it begins, and lies within the longest cycle."""
    for position, station in enumerate(view.plan.stations):
        longest = _longest(station)
        for i, phase in enumerate(station.phases):
            path: Path = ("stations", position, "phases", i)
            if isinstance(station.cycle, CycleByRows):
                yield warning("phase-unused", path, "rows are finished parts and have no phases")
            yield from _phase_form(path, phase)
            if phase.until is not None and phase.until <= phase.after:
                yield mistake(
                    "phase-bounds",
                    (*path, "until"),
                    f"the phase ends after {format_duration(phase.until)}, not after its start at "
                    f"{format_duration(phase.after)}",
                )
            ends = phase.after if phase.until is None else phase.until
            if longest is not None and ends > longest:
                yield mistake(
                    "phase-bounds",
                    (*path, "after" if phase.until is None else "until"),
                    f"the phase reaches to {format_duration(ends)}; a cycle lasts at most {format_duration(longest)}",
                )


def _phase_form(path: Path, phase: CyclePhase) -> Iterator[Finding]:
    if (phase.signal is None) != (phase.equals is None):
        given, missing = ("signal", "equals") if phase.equals is None else ("equals", "signal")
        yield mistake("phase-form", path, f"'{given}' is given without '{missing}'", next_step="give both, or neither")
    elif phase.signal is not None and (phase.after or phase.until is not None):
        yield mistake(
            "phase-form", path, "the phase is by time and by a signal's value at once", next_step="keep one of the two"
        )


def _longest(station: Station) -> int | None:
    if isinstance(station.cycle, CycleByTrigger | CycleBySerial):
        return station.cycle.longest
    return station.cycle.length if isinstance(station.cycle, CycleByWindow) else None


def late_is_not_live(view: View) -> Iterator[Finding]:
    """A station does not wait longer for readings than a part counts as live."""
    for position, station in enumerate(view.plan.stations):
        if station.lateness > station.live_within:
            yield mistake(
                "lateness",
                ("stations", position, "lateness"),
                f"readings are waited for for {format_duration(station.lateness)}, but a part is live only within "
                f"{format_duration(station.live_within)}: every alert would come as containment",
                next_step="lower 'lateness' or raise 'live_within'",
            )


def stations_have_signals(view: View) -> Iterator[Finding]:
    """A station at which something is judged has process signals to judge by; conditions alone tell nothing."""
    judged = {item.station for item in view.plan.characteristics}
    for position, station in enumerate(view.plan.stations):
        signals = view.plan.signals_at(station.id)
        if any(signal.role is Role.PROCESS and signal.type is SignalType.NUMBER for signal in signals):
            continue
        problem = "the station has no number signals with the role 'process'"
        if station.id in judged:
            yield mistake("no-signals", ("stations", position), f"{problem}: there is nothing to judge by")
        else:
            yield warning("no-signals", ("stations", position), problem)


def windows_hold_readings(view: View) -> Iterator[Finding]:
    """A window is at least as long as the time between two readings of each signal."""
    for position, signal in enumerate(view.plan.signals):
        station = view.stations.get(signal.station)
        if station is None or signal.rate is None or not isinstance(station.cycle, CycleByWindow):
            continue
        if station.cycle.length * signal.rate < SECOND * 0.99 and signal.role is Role.PROCESS:
            yield warning(
                "window-rate",
                ("signals", position, "rate"),
                f"at {signal.rate:g} readings per second most windows of {format_duration(station.cycle.length)} "
                "hold none of this signal",
                next_step="lengthen the window",
            )


def silences_can_be_told(view: View) -> Iterator[Finding]:
    """A context of silence says by what it is known: a context signal of the station, or a standstill."""
    for position, station in enumerate(view.plan.stations):
        known = [
            signal.id for signal in view.plan.signals_at(station.id) if signal.role in {Role.CONTEXT, Role.TRIGGER}
        ]
        for place, rule in enumerate(station.silence):
            path: Path = ("stations", position, "silence", place)
            if rule.signal is not None and rule.signal not in known:
                yield unknown((*path, "signal"), "context signal at this station", rule.signal, known)
            elif (
                rule.signal is not None
                and view.signals[rule.signal].features != ()
                and (view.signals[rule.signal].type is SignalType.NUMBER)
            ):
                yield mistake(
                    "silence-signal",
                    (*path, "signal"),
                    f"the signal '{rule.signal}' tells a context and is a feature as well",
                    next_step=f"give '{rule.signal}' an empty list of 'features'",
                )
            if rule.signal is None and rule.after_stop is None and rule.reason != "sensor_fault":
                yield mistake(
                    "silence-form",
                    path,
                    "nothing tells when this silence holds",
                    next_step="give 'signal' or 'after_stop'",
                )
            elif rule.equals is None and not rule.parts and rule.reason != "sensor_fault":
                yield mistake(
                    "silence-form",
                    path,
                    "the silence after a change lasts no part",
                    next_step="give 'parts', such as 5",
                )


def rows_have_no_features(view: View) -> Iterator[Finding]:
    """Features are not asked for where rows are finished parts."""
    for position, signal in enumerate(view.plan.signals):
        station = view.stations.get(signal.station)
        if (
            station is not None
            and isinstance(station.cycle, CycleByRows)
            and (signal.features or signal.phase_features)
        ):
            yield warning(
                "phase-unused",
                ("signals", position),
                "rows are finished parts: the column is the feature, and 'features' is not looked at",
            )


STATION_RULES: Final = (
    triggers_are_numbers,
    phases_lie_within_the_cycle,
    late_is_not_live,
    stations_have_signals,
    windows_hold_readings,
    silences_can_be_told,
    rows_have_no_features,
)
