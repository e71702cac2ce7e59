"""What a connection test finds, and what it makes of a reading.

A test is a list of steps in the order in which a connection comes about: each held or did not, with what was seen
and what to do next. A step that held and still has a next step is advice. The readings seen go through the same gate
as in running; what is said of them here is for the person who connects a machine: would another unit explain the
value, is the time the machine's own, is the quality good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.intake.gate import Taken
from lineside.domain.plan.model import Signal
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import BAD, GOOD, SEVERITY, UNCERTAIN_EU_EXCEEDED, ReadingBatch
from lineside.domain.units import MINUTE, SECOND

OLD: Final = MINUTE
"""A reading older than this gets a word about its age: unchanged since then, or from a clock that is behind."""
AHEAD: Final = SECOND
"""A reading cannot come from the future; this much is a clock that is set a little wrong."""

Convert = Callable[[float], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeStep:
    """One step: its name, whether it held, what was seen, and what to do next; ``signal`` where it is about one."""

    name: str
    ok: bool
    seen: str = ""
    next_step: str = ""
    signal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeReading:
    """A reading as it was seen: times in UTC nanoseconds, the raw OPC UA status code; no value where that is bad."""

    signal: str
    value: float | str | None
    unit: str
    source_time: int
    receive_time: int
    status: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeReport:
    """The outcome of testing one source: the steps, the readings seen, and by `verdict` what it comes to."""

    source: str
    steps: tuple[ProbeStep, ...]
    readings: tuple[ProbeReading, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every step held."""
        return all(step.ok for step in self.steps)

    @property
    def verdict(self) -> str:
        """What it comes to, in one sentence."""
        failed = [step for step in self.steps if not step.ok]
        if failed:
            more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
            where = f"{failed[0].signal}: {failed[0].name}" if failed[0].signal else failed[0].name
            return f"It does not work yet. First to mend: {where}{more}."
        advice = sum(bool(step.next_step) for step in self.steps)
        return "It works." if not advice else f"It works; {advice} to look at."


def look_at(signals: Sequence[Signal], taken: Iterable[Taken], advice: str) -> ProbeReport:
    """Return what is to be said of what came through a source's gate, without a source's name.

    Args:
        signals: those that were tested.
        taken: what the gate let in and refused.
        advice: what to do about a signal of which nothing came.
    """
    batches: list[ReadingBatch] = []
    refused: list[Quarantined] = []
    for item in taken:
        batches += [] if item.readings is None else [item.readings]
        refused += item.quarantined
    newest = _newest(batches, {signal.id: signal for signal in signals})
    steps: list[ProbeStep] = []
    for signal in signals:
        why = [item for item in refused if item.signal == signal.id]
        if signal.id in newest:
            steps += steps_of(signal, newest[signal.id])
        elif why:
            steps.append(_refused(why[0]))
        else:
            steps.append(ProbeStep(name="value", signal=signal.id, ok=False, seen="nothing arrives", next_step=advice))
    return ProbeReport(source="", steps=tuple(steps), readings=tuple(newest.values()))


def steps_of(signal: Signal, reading: ProbeReading) -> tuple[ProbeStep, ...]:
    """Return the steps about one reading: its quality, its range and its time."""
    if reading.status & BAD:
        seen = f"the machine calls its value bad (status 0x{reading.status:08X})"
        advice = "look at the sensor and its wiring at the machine; the connection works"
        return (ProbeStep(name="quality", signal=signal.id, ok=False, seen=seen, next_step=advice), _time(reading))
    marked = reading.status & SEVERITY != GOOD and reading.status != UNCERTAIN_EU_EXCEEDED
    quality = ProbeStep(
        name="quality",
        signal=signal.id,
        ok=True,
        seen=f"the machine calls it uncertain (status 0x{reading.status:08X})" if marked else "good",
        next_step="ask what the machine means by it; such readings are kept and marked" if marked else "",
    )
    return (quality, *_range(signal, reading), _time(reading))


# -- single looks -----------------------------------------------------------------------------------------


def _range(signal: Signal, reading: ProbeReading) -> tuple[ProbeStep, ...]:
    if signal.range is None or not isinstance(reading.value, float):
        return ()
    low, high = signal.range
    inside = low <= reading.value <= high
    said = f"{reading.value:.6g} {signal.unit}".rstrip()
    seen = f"{said} lies {'within' if inside else 'outside'} {low:g} to {high:g}"
    advice = "" if inside else (likely_mistake(reading.value, signal) or "correct the plan's range, unit or address")
    return (ProbeStep(name="range", signal=signal.id, ok=inside, seen=seen, next_step=advice),)


def _time(reading: ProbeReading) -> ProbeStep:
    age = reading.receive_time - reading.source_time
    if age < -AHEAD:
        seen = f"the machine's time is {_span(-age)} ahead of this clock"
        return ProbeStep(name="time", signal=reading.signal, ok=False, seen=seen, next_step="set both clocks by NTP")
    advice = ""
    if age > OLD:
        advice = "has it been unchanged for so long, or is the machine's clock or time zone wrong?"
    return ProbeStep(name="time", signal=reading.signal, ok=True, seen=f"{_span(age)} old", next_step=advice)


def _refused(item: Quarantined) -> ProbeStep:
    advice = "compare the plan's address, type and role with what the machine sends"
    return ProbeStep(
        name="value", signal=item.signal, ok=False, seen=f"{item.detail} [{item.reason}]", next_step=advice
    )


def likely_mistake(value: float, signal: Signal) -> str:
    """Return which unit or scale would make a value plausible, as a sentence of advice; empty where none would."""
    assert signal.range is not None
    low, high = signal.range
    for name, convert in (*_OTHER_UNITS.get(signal.unit, ()), *_SCALES):
        plausible = convert(value)
        if low <= plausible <= high and plausible != 0:
            return f"perhaps the machine sends {name}: that would be {plausible:.4g} {signal.unit}".rstrip()
    return ""


_OTHER_UNITS: Final[Mapping[str, tuple[tuple[str, Convert], ...]]] = {
    "degC": (("kelvin", lambda v: v - 273.15), ("degrees Fahrenheit", lambda v: (v - 32) / 1.8)),
    "degF": (("degrees Celsius", lambda v: v * 1.8 + 32), ("kelvin", lambda v: (v - 273.15) * 1.8 + 32)),
    "K": (("degrees Celsius", lambda v: v + 273.15),),
    "bar": (
        ("mbar", lambda v: v / 1e3),
        ("kPa", lambda v: v / 1e2),
        ("Pa", lambda v: v / 1e5),
        ("psi", lambda v: v * 0.0689476),
        ("MPa", lambda v: v * 10),
    ),
    "mbar": (("Pa", lambda v: v / 1e2), ("bar", lambda v: v * 1e3)),
    "mm": (("inches", lambda v: v * 25.4),),
}
_SCALES: Final[tuple[tuple[str, Convert], ...]] = (
    ("tenths", lambda v: v / 10),
    ("hundredths", lambda v: v / 100),
    ("thousandths", lambda v: v / 1000),
    ("thousands", lambda v: v * 1000),
    ("a fraction of one", lambda v: v * 100),
)


def _span(nanoseconds: int) -> str:
    seconds = max(0, nanoseconds) / SECOND
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _newest(batches: Iterable[ReadingBatch], signals: Mapping[str, Signal]) -> dict[str, ProbeReading]:
    """Return the last reading of each signal."""
    newest: dict[str, ProbeReading] = {}
    for batch in batches:
        names, texts = batch.catalogue.signals, batch.catalogue.text_mask()
        codes, rows = np.unique(batch.signal[::-1], return_index=True)
        for code, row in zip(codes.tolist(), (len(batch) - 1 - rows).tolist(), strict=True):
            if names[code] not in signals:
                continue
            number = float(batch.value[row])
            value = None if np.isnan(number) else batch.texts[int(number)] if texts[code] else number
            newest[names[code]] = ProbeReading(
                signal=names[code],
                value=value,
                unit=signals[names[code]].unit,
                source_time=int(batch.source_time[row]),
                receive_time=int(batch.receive_time[row]),
                status=int(batch.status[row]),
            )
    return newest
