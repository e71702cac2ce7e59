from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lineside.domain.spc.capability import Capability, Refusal, anderson_darling, capability


def _normal(count: int = 200, seed: int = 3) -> np.ndarray:
    return 16.0 + 2.0 * np.random.default_rng(seed).standard_normal(count)


def test_the_indices_of_the_nist_example_are_found() -> None:
    """NIST 6.1.6: limits 8 and 20, mean 16, spread 2: Cp 1.0, Cpk 0.6667."""
    values = _normal()
    values = 16.0 + 2.0 * (values - values.mean()) / values.std(ddof=1)
    found = capability(values, 8.0, 20.0)
    assert isinstance(found, Capability)
    assert found.pp is not None
    assert found.pp.value == pytest.approx(1.0)
    assert found.ppk.value == pytest.approx(2 / 3)
    low, high = np.sqrt(stats.chi2.ppf([0.025, 0.975], 199) / 199)
    assert (found.pp.low, found.pp.high) == pytest.approx((low, high), abs=1e-4)


def test_the_intervals_hold_the_true_index_as_often_as_they_say() -> None:
    held, asked = 0, 0
    for seed in range(200):
        found = capability(_normal(80, seed), 8.0, 24.0)
        if isinstance(found, Capability) and found.cp is not None:
            asked += 1
            held += found.cp.low <= 4 / 3 <= found.cp.high
    assert asked > 180
    assert held / asked > 0.9


def test_one_limit_gives_no_cp_but_a_cpk() -> None:
    found = capability(_normal(), None, 24.0)
    assert isinstance(found, Capability)
    assert found.cp is None
    assert found.cpk.value == pytest.approx(4 / 3, rel=0.2)


@pytest.mark.parametrize(
    ("values", "limits", "reason"),
    [
        (_normal(), (None, None), "no limit"),
        (_normal(), (20.0, 8.0), "not below"),
        (_normal(49), (8.0, 20.0), "fewer than 50"),
        (np.ones(60), (0.0, 2.0), "stand still"),
        (np.concatenate([_normal(100), _normal(100) + 6.0]), (0.0, 40.0), "unstable"),
        (np.random.default_rng(1).choice([0.0, 1.0, 1.01], 60), (-9.0, 9.0), "not normally"),
    ],
)
def test_an_index_that_would_say_nothing_is_refused(
    values: np.ndarray, limits: tuple[float | None, float | None], reason: str
) -> None:
    found = capability(values, *limits)
    assert isinstance(found, Refusal)
    assert reason in found.reason


def test_the_statistic_of_normality_is_scipys() -> None:
    values = _normal(60)
    plain = stats.anderson(values, method="interpolate").statistic
    assert anderson_darling(values) == pytest.approx(plain * (1 + 0.75 / 60 + 2.25 / 3600))
