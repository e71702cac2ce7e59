"""Inputs that know too much are named, and honest ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.adoption.case import Case
from lineside.domain.adoption.leakage import leakage_findings
from lineside.domain.adoption.schemes import random_scheme
from lineside.domain.adoption.splitting import splitting_findings
from lineside.domain.units import DAY
from lineside.learn.adopted import nearest_rows

COUNT = 400


def case_of(*more: np.ndarray, seed: int = 0, names: tuple[str, ...] = ()) -> Case:
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(COUNT, 2))
    bad = honest[:, 0] + rng.normal(size=COUNT) > 1
    return Case(
        names=("force", "heat", *names),
        inputs=np.column_stack([honest, *more]),
        label=bad.astype(np.float64),
        bad=bad,
        group=np.full(COUNT, "", dtype=object),
        time=np.arange(COUNT, dtype=np.int64) * (20 * DAY // COUNT),
    )


def codes(case: Case) -> set[tuple[str, str]]:
    return {(item.code, item.subject) for item in leakage_findings(case)}


@pytest.mark.parametrize("seed", range(10))
def test_honest_inputs_are_not_accused(seed: int) -> None:
    case = case_of(seed=seed)
    assert codes(case) == set()
    assert splitting_findings(case, random_scheme(case, seed), nearest_rows, seed) == ()


def test_the_outcome_in_other_words_is_named() -> None:
    bad = case_of().bad
    assert ("constant-per-class", "code") in codes(case_of(np.where(bad, 7.0, 3.0), names=("code",)))


def test_an_input_that_is_corrected_after_inspection_is_named() -> None:
    bad = case_of().bad
    scrap = np.where(bad, 5.0, 0.0) + np.random.default_rng(1).normal(0, 0.5, COUNT)
    assert ("knows-the-outcome", "scrap") in codes(case_of(scrap, names=("scrap",)))


def test_gaps_that_follow_the_outcome_are_named() -> None:
    bad = case_of().bad
    gauge = np.where(bad, np.nan, np.random.default_rng(1).normal(size=COUNT))
    assert ("gaps-know-the-outcome", "gauge") in codes(case_of(gauge, names=("gauge",)))


def test_a_counter_is_named_a_clock() -> None:
    assert ("tells-the-time", "shot") in codes(case_of(np.arange(COUNT) * 1.0, names=("shot",)))


def test_the_next_value_of_another_input_is_named_as_from_the_future() -> None:
    heat = case_of().inputs[:, 1]
    assert ("from-the-future", "next_heat") in codes(case_of(np.roll(heat, -1), names=("next_heat",)))


def test_the_last_value_of_another_input_is_not() -> None:
    heat = case_of().inputs[:, 1]
    assert codes(case_of(np.roll(heat, 1), names=("last_heat",))) <= {("from-the-future", "heat")}


def test_copies_on_both_sides_of_a_random_split_are_counted() -> None:
    whole = case_of()
    twice = whole.take(np.repeat(np.arange(COUNT), 2))
    (finding,) = [
        item for item in splitting_findings(twice, random_scheme(twice, 0), nearest_rows, 0) if item.code == "copies"
    ]
    assert finding.figures["copies"] == COUNT
    assert finding.figures["share_of_judged"] > 0.6
