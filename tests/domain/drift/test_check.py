"""What a window of parts amounts to against a reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lineside.domain.drift.check import Verdict, check_window, holm, kolmogorov
from lineside.domain.drift.kernels import distances
from lineside.domain.drift.reference import Reference, summarise

NAMES = ("hall", "die", "pressure")
COLUMNS = arrays.arrays(np.float64, st.integers(1, 40), elements=st.integers(-5, 5).map(float))


def _reference(rows: int = 5_000) -> Reference:
    """Return parts whose die follows the hall; the pressure follows nothing."""
    return summarise(NAMES, _parts(rows, seed=1), conditions=[0])


def _parts(rows: int, seed: int, hall: float = 20.0, die: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    halls = random.normal(hall, 3.0, rows)
    dies = 100.0 + 2.0 * halls + random.normal(0.0, 1.0, rows) + die
    return np.column_stack([halls, dies, random.normal(5.0, 1.0, rows)])


def _verdicts(window: np.ndarray) -> dict[str, Verdict]:
    return {item.name: item.verdict for item in check_window(_reference(), window)}


@given(COLUMNS, COLUMNS)
def test_both_distances_are_what_their_definitions_say(before: np.ndarray, after: np.ndarray) -> None:
    values = np.unique(np.concatenate([before, after]))
    apart = np.array([np.mean(before <= value) - np.mean(after <= value) for value in values])
    gap, area = distances(np.sort(before), np.sort(after))
    assert gap == pytest.approx(np.abs(apart).max())
    assert area == pytest.approx((np.abs(apart[:-1]) * np.diff(values)).sum())


@given(COLUMNS)
def test_a_column_has_no_distance_to_itself(column: np.ndarray) -> None:
    assert distances(np.sort(column), np.sort(column)) == (0.0, 0.0)


def test_nothing_is_named_where_nothing_has_changed() -> None:
    assert set(_verdicts(_parts(2_000, seed=2)).values()) == {Verdict.STEADY}


def test_what_moved_as_its_conditions_did_is_explained_and_no_drift() -> None:
    found = _verdicts(_parts(2_000, seed=3, hall=24.0))
    assert found == {"hall": Verdict.CONDITION, "die": Verdict.EXPLAINED, "pressure": Verdict.STEADY}


def test_what_moved_beyond_its_conditions_is_drift_and_stands_first() -> None:
    found = check_window(_reference(), _parts(2_000, seed=4, hall=24.0, die=2.0))
    assert (found[0].name, found[0].verdict) == ("die", Verdict.DRIFTED)


def test_a_move_that_matters_to_nobody_is_none_however_many_parts_show_it() -> None:
    window = _parts(60_000, seed=5)
    window[:, 2] += 0.1
    item = next(item for item in check_window(_reference(20_000), window) if item.name == "pressure")
    assert item.p_equal < 1e-6
    assert item.verdict is Verdict.STEADY


def test_parts_that_resemble_their_neighbours_count_for_fewer() -> None:
    random = np.random.default_rng(6)
    wave = 0.6 * np.sin(np.arange(200) / 60.0)  # a slow wave: few effective parts
    window = _parts(200, seed=6)
    window[:, 2] = 5.0 + 0.9 + wave + random.normal(0.0, 0.2, 200)
    mixed = window.copy()
    mixed[:, 2] = random.permutation(mixed[:, 2])  # the same values, each by itself
    alone = {item.name: item.p_relevant for item in check_window(_reference(), mixed)}
    honest = {item.name: item.p_relevant for item in check_window(_reference(), window)}
    assert alone["pressure"] < honest["pressure"]


def test_a_new_lot_is_one_draw_however_many_parts_are_made_of_it() -> None:
    window = _parts(400, seed=7)
    window[:, 2] = 5.0 + np.repeat([1.5, 2.0], 200)
    assert _verdicts(window)["pressure"] is Verdict.STEADY


def test_too_few_parts_and_missing_values_are_said_and_not_judged() -> None:
    window = _parts(200, seed=7)
    window[:180, 2] = np.nan
    item = next(item for item in check_window(_reference(), window) if item.name == "pressure")
    assert (item.verdict, item.parts) == (Verdict.TOO_FEW, 20)


def test_the_weight_of_a_feature_in_the_model_decides_the_order() -> None:
    window = _parts(2_000, seed=8, die=3.0)
    window[:, 2] += 3.0
    first = [check_window(_reference(), window, weights=weights)[0].name for weights in ((0, 1, 0.1), (0, 0.1, 1))]
    assert first == ["die", "pressure"]


def test_the_p_value_is_that_of_the_limiting_distribution() -> None:
    assert kolmogorov(1.3581 / np.sqrt(1e8), 1e8) == pytest.approx(0.05, abs=2e-4)
    assert kolmogorov(0.0, 100.0) == 1.0


def test_holm_names_no_more_than_its_steps_allow() -> None:
    assert holm([0.001, 0.04, 0.03, 0.004], 0.01) == [True, False, False, False]
    assert holm([0.002, 0.0033, 0.004], 0.01) == [True, True, True]


def test_false_drift_of_windows_stays_within_the_level() -> None:
    random = np.random.default_rng(9)
    reference = summarise([f"f{place}" for place in range(10)], random.normal(size=(3_000, 10)))
    named = sum(
        any(item.verdict is Verdict.DRIFTED for item in check_window(reference, random.normal(size=(size, 10))))
        for size in (200, 400, 800)
        for _ in range(40)
    )
    assert named <= 2
