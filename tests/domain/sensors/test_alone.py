"""Faults that a signal shows by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.sensors.alone import CONVERSIONS, fault_alone


def _column(seed: int, size: int = 400, centre: float = 180.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, 2.0, size)


@given(st.integers(0, 1_000))
def test_a_sound_sensor_has_no_fault(seed: int) -> None:
    assert fault_alone(_column(seed), _column(seed + 1, 200)) == ("", "")


def test_no_values_is_dead_and_a_signal_that_never_had_any_is_not() -> None:
    none = np.full(100, np.nan)
    assert fault_alone(_column(1), none)[0] == "dead"
    assert fault_alone(np.full(400, np.nan), none) == ("", "")


def test_a_value_that_stays_is_stuck_unless_it_is_held_by_nature() -> None:
    now = _column(2, 100)
    now[60:] = now[60]
    assert fault_alone(_column(1), now) == ("stuck", "the same value for the last 40 parts")
    lots = np.repeat(_column(3, 8), 50)
    assert fault_alone(lots, np.repeat(_column(4, 2), 40)) == ("", "")
    assert fault_alone(lots, np.repeat(_column(4, 1), 120))[0] == "stuck"


def test_a_reference_that_was_thinned_holds_values_for_longer_than_it_shows() -> None:
    lots = np.repeat(_column(3, 40), 10)
    now = np.repeat(_column(4, 1), 60)
    assert fault_alone(lots, now)[0] == "stuck"
    assert fault_alone(lots, now, stride=7.0) == ("", "")


def test_many_parts_at_the_very_same_end_are_saturated() -> None:
    found, why = fault_alone(_column(1), np.minimum(_column(2, 200), 180.5))
    assert found == "saturated"
    assert "greatest value, 180.5" in why


@pytest.mark.parametrize("number", range(len(CONVERSIONS)))
def test_another_unit_is_recognised_as_one(number: int) -> None:
    item = CONVERSIONS[number]
    unit = min(item.units, default="")
    found, why = fault_alone(_column(1), _column(2, 200) * item.factor + item.offset, unit=unit)
    assert found == "in another unit"
    assert why.startswith("looks like ")


def test_the_unit_is_the_one_that_fits() -> None:
    warm, pressed = _column(2, 200) * 1.8 + 32, _column(2, 200, centre=6.0) * 14.5038
    assert fault_alone(_column(1), warm, unit="degC")[1] == "looks like degF instead of degC"
    assert fault_alone(_column(1, centre=6.0), pressed, unit="bar")[1] == "looks like psi instead of bar"


def test_only_what_is_mistaken_for_the_declared_unit_is_thought_of() -> None:
    wide, moved = 8_000.0 + 100.0 * (_column(1) - 180.0), 8_600.0 + 50.0 * (_column(2, 200) - 180.0)
    assert fault_alone(wide, moved, unit="degC")[1] == "looks like K instead of degC"
    assert fault_alone(wide, moved, unit="kN") == ("", "")
    assert fault_alone(_column(1), _column(2, 200) * 1.8 + 32, unit="bar")[0] == ""


def test_a_shift_that_no_unit_explains_is_none_of_these() -> None:
    assert fault_alone(_column(1), _column(2, 200) + 30.0)[0] == ""
