"""The relations of the cell's physics, each by itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.apps.demo.physics.chance import Stream, normals, uniforms, wander
from lineside.apps.demo.physics.climate import saturation
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import Fault, FaultKind, severity
from lineside.apps.demo.physics.injection import critical_velocity, fill_limit, metal_flow
from lineside.apps.demo.physics.quality import hydrogen_solubility
from lineside.apps.demo.physics.thermal import water_conductance
from lineside.domain.units import HOUR, SECOND

ONE = np.ones(1)


@given(st.integers(0, 2**40), st.integers(1, 50), st.integers(1, 9))
def test_random_numbers_depend_on_position_alone(first: int, count: int, width: int) -> None:
    whole = uniforms(1, Stream.SCHEDULE, first, count, width)
    np.testing.assert_array_equal(whole[-1:], uniforms(1, Stream.SCHEDULE, first + count - 1, 1, width))


def test_normals_are_normal() -> None:
    drawn = normals(1, Stream.QUALITY, 0, 20_000, 3)
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02


def test_wandering_is_smooth_and_of_unit_deviation() -> None:
    course = wander(1, Stream.WEATHER, np.arange(200_000, dtype=np.int64) * 60 * SECOND, HOUR)
    assert abs(course.std() - 1) < 0.05
    assert np.abs(np.diff(course)).max() < 0.3


def test_hydrogen_dissolves_in_liquid_aluminium_as_ransley_and_neufeld_found() -> None:
    assert 0.6 < hydrogen_solubility(np.float64(660.0)) < 0.75
    assert hydrogen_solubility(np.float64(750.0)) > hydrogen_solubility(np.float64(700.0))


def test_air_saturates_as_magnus_says() -> None:
    np.testing.assert_allclose(saturation(np.array([0.0, 20.0, 35.0])), [6.11, 23.4, 56.2], rtol=0.01)


def test_metal_flows_slower_through_a_weaker_machine_and_never_faster_than_dry() -> None:
    config = CellConfig()
    strong = metal_flow(config, 160.0 * ONE, 20e-3 * ONE)
    weak = metal_flow(config, 120.0 * ONE, 20e-3 * ONE)
    assert weak < strong < 20e-3


def test_a_fuller_sleeve_wants_a_slower_slow_shot() -> None:
    assert critical_velocity(0.08, 0.7 * ONE) < critical_velocity(0.08, 0.4 * ONE)


def test_a_hotter_die_allows_a_longer_fill() -> None:
    config = CellConfig()
    cold, hot = (fill_limit(config, 640.0 * ONE, die * ONE, 9.4 * ONE) for die in (120.0, 220.0))
    assert hot > 1.2 * cold


def test_closing_the_valve_takes_heat_transfer_away_by_less_than_the_flow() -> None:
    half = CellConfig().die.moving
    full, quarter = water_conductance(half, ONE), water_conductance(half, 0.25 * ONE)
    assert 0.25 * full < quarter < 0.75 * full


def test_a_fault_grows_and_ends() -> None:
    fault = Fault(kind=FaultKind.PLUNGER_WEAR, start=0, end=2000 * SECOND, severity=0.8)
    times = np.array([-1, 450, 900, 1999, 2000], dtype=np.int64) * SECOND
    np.testing.assert_allclose(severity((fault,), FaultKind.PLUNGER_WEAR, times), [0, 0.4, 0.8, 0.8, 0])
