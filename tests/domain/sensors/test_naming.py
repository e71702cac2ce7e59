"""Sensors told apart from the process that they measure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lineside.domain.sensors.naming import PROCESS, Column, name_faults

SIGNALS = ("die", "surface", "outlet", "flow", "inlet", "velocity", "pressure")
COLUMNS = tuple(Column(name, "mean") for name in SIGNALS)


def _cell(rows: int, seed: int, *, blocked: float = 0.0) -> np.ndarray:
    """Return parts of a cell whose temperatures follow the cooling; ``blocked`` takes a share of the flow away."""
    random = np.random.default_rng(seed)
    slow = np.cumsum(random.normal(0.0, 0.3, rows))
    inlet = 20.0 + 4.0 * np.tanh((slow - slow.mean()) / 8.0)
    flow = 40.0 * (1.0 - blocked) + random.normal(0.0, 1.0, rows)
    velocity = random.normal(3.0, 0.1, rows)
    die = 180.0 + 0.8 * (inlet - 20.0) - 1.2 * (flow - 40.0) + 20.0 * (velocity - 3.0) + random.normal(0.0, 0.5, rows)
    surface = 0.9 * die + random.normal(0.0, 0.5, rows)
    outlet = inlet + 600.0 / flow + random.normal(0.0, 0.2, rows)
    pressure = 80.0 + 10.0 * (velocity - 3.0) + random.normal(0.0, 0.5, rows)
    return np.column_stack([die, surface, outlet, flow, inlet, velocity, pressure])


REFERENCE = _cell(3_000, seed=1)
SPREAD = REFERENCE.std(axis=0)
Change = Callable[[np.ndarray, float], np.ndarray]
FAULTS: dict[str, Change] = {
    "miscalibrated": lambda column, spread: column + 4.0 * spread,
    "drifting": lambda column, spread: column + np.linspace(0.0, 6.0, len(column)) * spread,
    "noisy": lambda column, spread: column + np.random.default_rng(5).normal(0.0, 3.0 * spread, len(column)),
    "stuck": lambda column, _: np.where(np.arange(len(column)) < 100, column, column[100]),
    "dead": lambda column, _: np.where(np.arange(len(column)) < 5, column, np.nan),
}


@pytest.mark.parametrize("seed", range(2, 12))
def test_sound_sensors_and_an_unchanged_process_have_no_finding(seed: int) -> None:
    assert name_faults(COLUMNS, REFERENCE, _cell(240, seed)) == ()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_each_fault_of_each_sensor_is_named_and_no_other_sensor_is(signal: str, fault: str) -> None:
    window, place = _cell(240, seed=3), SIGNALS.index(signal)
    window[:, place] = FAULTS[fault](window[:, place], SPREAD[place])
    assert [(item.signal, item.fault) for item in name_faults(COLUMNS, REFERENCE, window)] == [(signal, fault)]


def test_the_size_of_an_offset_is_given_in_the_signals_unit() -> None:
    window = _cell(240, seed=3)
    window[:, 1] += 12.0
    (found,) = name_faults(COLUMNS, REFERENCE, window)
    assert found.size == pytest.approx(12.0, abs=1.5)


def test_a_process_that_changes_is_no_sensors_fault() -> None:
    window = _cell(240, seed=4, blocked=0.2)
    assert {item.fault for item in name_faults(COLUMNS, REFERENCE, window)} == {PROCESS}


def test_few_parts_say_nothing() -> None:
    assert name_faults(COLUMNS, REFERENCE, _cell(40, seed=3) + 100.0) == ()
