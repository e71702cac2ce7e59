"""A model's bias from late measurements: what it follows, what it does not believe, and how it forgets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lineside.domain.correction import Correction


def measured(errors: list[float], regime: str = "a", spread: float = 1.0) -> Correction:
    correction = Correction(spread)
    for place, error in enumerate(errors):
        correction.measured(regime, place, error)
    return correction


def test_a_lasting_bias_is_followed_and_the_interval_shrinks() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.3, 60)
    bias, deviation = measured((2.0 + noise).tolist()).foresee("a", 60)
    assert bias == pytest.approx(2.0, abs=0.3)
    assert deviation < Correction(1.0).foresee("a", 0)[1] / 2


def test_without_a_bias_hardly_anything_is_corrected() -> None:
    errors = np.random.default_rng(2).normal(0.0, 1.0, 200)
    bias, deviation = measured(errors.tolist()).foresee("a", 200)
    assert abs(bias) < 0.15
    assert deviation == pytest.approx(1.0, abs=0.15)


def test_uncertainty_grows_with_the_age_of_the_last_measurement_up_to_that_of_a_new_regime() -> None:
    correction = measured([2.0] * 50)
    ages = [correction.foresee("a", 50 + age) for age in (0, 10, 100, 100_000)]
    assert all(earlier[1] < later[1] for earlier, later in itertools.pairwise(ages))
    assert ages[-1] == pytest.approx(correction.foresee("never measured", 50))
    assert ages[-1][0] == pytest.approx(0.0, abs=1e-9)


def test_a_regime_knows_nothing_of_another_ones_bias() -> None:
    assert measured([3.0] * 20).foresee("b", 20)[0] == 0.0


def test_one_gross_error_moves_the_bias_no_farther_than_three_deviations() -> None:
    calm = [0.1, -0.2, 0.3, -0.1] * 10
    gross, huge = measured([*calm, 20.0]).foresee("a", 41)[0], measured([*calm, 1e6]).foresee("a", 41)[0]
    assert gross == pytest.approx(huge, abs=1e-6)
    assert huge < 1.0


def test_a_measurement_of_an_earlier_part_that_comes_late_still_counts_but_less() -> None:
    def bias_after(place: int) -> float:
        correction = Correction(1.0)
        correction.measured("a", 500, 2.0)
        correction.measured("a", place, 2.0)
        return correction.foresee("a", 501)[0]

    alone = Correction(1.0)
    alone.measured("a", 500, 2.0)
    assert alone.foresee("a", 501)[0] < bias_after(100) < bias_after(500)


def test_the_unit_of_the_values_changes_nothing() -> None:
    small, large = measured([1.0, 2.0, 1.5]), measured([1000.0, 2000.0, 1500.0], spread=1000.0)
    assert np.multiply(small.foresee("a", 9), 1000.0).tolist() == pytest.approx(large.foresee("a", 9))


def test_the_same_measurements_give_the_same_bits() -> None:
    errors = np.random.default_rng(3).normal(1.0, 1.0, 100).tolist()
    assert measured(errors).foresee("a", 120) == measured(errors).foresee("a", 120)
