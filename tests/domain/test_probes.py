"""What a connection test makes of a reading."""

from __future__ import annotations

import pytest

from lineside.domain.plan.model import Signal
from lineside.domain.probes import ProbeReading, ProbeReport, ProbeStep, likely_mistake, steps_of
from lineside.domain.units import HOUR, SECOND

NOW = 1_700_000_000 * SECOND


def signal(unit: str, low: float, high: float) -> Signal:
    return Signal.model_validate(
        {"id": "s", "station": "press", "source": "machine", "unit": unit, "range": (low, high)}
    )


def reading(value: float | None, *, age: int = 0, status: int = 0) -> ProbeReading:
    return ProbeReading(signal="s", value=value, unit="degC", source_time=NOW - age, receive_time=NOW, status=status)


@pytest.mark.parametrize(
    ("unit", "span", "value", "said"),
    [
        ("degC", (0, 60), 295.0, "kelvin"),
        ("degC", (0, 60), 72.0, "degrees Fahrenheit"),
        ("bar", (1, 10), 600.0, "kPa"),
        ("mm", (0, 50), 215.0, "tenths"),
        ("kN", (1, 600), 250_000.0, "thousandths"),
        ("%", (5, 100), 0.42, "a fraction of one"),
    ],
)
def test_a_unit_or_scale_that_would_explain_the_value_is_named(
    unit: str, span: tuple[float, float], value: float, said: str
) -> None:
    assert f"sends {said}" in likely_mistake(value, signal(unit, *span))


def test_nothing_is_guessed_where_nothing_fits() -> None:
    assert likely_mistake(-5e9, signal("degC", 0, 60)) == ""


def test_a_time_ahead_does_not_hold_and_an_old_one_is_worth_a_look() -> None:
    steps = {step.name: step for step in steps_of(signal("degC", 0, 60), reading(20.0, age=-3 * SECOND))}
    assert not steps["time"].ok
    steps = {step.name: step for step in steps_of(signal("degC", 0, 60), reading(20.0, age=5 * HOUR))}
    assert steps["time"].ok
    assert steps["time"].seen == "5 h old"
    assert "unchanged" in steps["time"].next_step


def test_a_bad_status_is_told_apart_from_a_bad_connection() -> None:
    [quality, _] = steps_of(signal("degC", 0, 60), reading(None, status=0x808C_0000))
    assert not quality.ok
    assert "0x808C0000" in quality.seen
    assert "the connection works" in quality.next_step


def test_the_verdict_names_the_first_step_to_mend_and_counts_advice() -> None:
    good, advice = ProbeStep(name="port", ok=True), ProbeStep(name="time", ok=True, next_step="look")
    bad = ProbeStep(name="range", ok=False, signal="force")
    assert ProbeReport(source="m", steps=(good,)).verdict == "It works."
    assert ProbeReport(source="m", steps=(good, advice)).verdict == "It works; 1 to look at."
    assert ProbeReport(source="m", steps=(bad, bad)).verdict.endswith("force: range, and 1 more.")
