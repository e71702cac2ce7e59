from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.baselines import Baselines, SetupFacts
from lineside.domain.plan.model import ModelWish
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, fit
from lineside.learn.setups import Place, Runs, follow, learn_setups, runs_of
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table

WISH = ModelWish(setup=("variant",))
MIXED = np.array([[1.0, 0.6, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]])
"""Features share their scatter: each part is three independent normal values times this."""


def several(apart: Float64, setups: int, parts: int, runs: int = 1, between_runs: float = 0.0) -> tuple[Float64, Runs]:
    rng = np.random.default_rng(setups)
    places = rng.normal(size=(setups, 3)) * apart
    rows, names = [], []
    for _ in range(runs):
        for number in range(setups):
            off = places[number] + between_runs * rng.normal(size=3)
            rows.append((rng.normal(size=(parts, 3)) + off) @ MIXED)
            names += [(f"v{number}",)] * parts
    setup = np.empty(len(names), dtype=object)
    setup[:] = names
    return np.concatenate(rows), runs_of(setup, np.zeros(len(names), dtype=object))


def learned(rows: Float64, runs: Runs) -> SetupFacts:
    facts = learn_setups(rows, runs, [0, 1, 2], WISH)
    assert facts is not None
    return facts


def test_parts_of_one_setup_scatter_by_one_in_the_directions_found_and_setups_by_what_they_lie_apart() -> None:
    rows, runs = several(np.array([5.0, 2.0, 0.0]), setups=200, parts=20)
    facts = learned(rows, runs)
    turned = ((rows - facts.centre) / facts.scale) @ facts.into
    within = turned.reshape(200, 20, 3) - turned.reshape(200, 20, 3).mean(axis=1, keepdims=True)
    assert np.cov(within.reshape(-1, 3).T) == pytest.approx(np.eye(3), abs=0.08)
    assert np.sort(facts.between) == pytest.approx([0.15, 4.0, 25.0], rel=0.35)


def test_an_earlier_run_is_worth_the_more_the_less_the_runs_of_a_setup_differ() -> None:
    apart = np.array([5.0, 5.0, 5.0])
    same = learned(*several(apart, setups=12, parts=40, runs=4))
    differ = learned(*several(apart, setups=12, parts=40, runs=4, between_runs=0.5))
    once = learned(*several(apart, setups=12, parts=40))
    assert same.worth > 60.0
    assert differ.worth == pytest.approx(4.0, rel=0.5)
    assert once.worth == WISH.setup_parts


def test_with_one_setup_the_next_may_lie_as_far_off_as_parts_scatter() -> None:
    rows, runs = several(np.zeros(3), setups=1, parts=50)
    assert learned(rows, runs).between.tolist() == [1.0, 1.0, 1.0]


def test_learning_sees_parts_as_the_judge_gives_them_to_the_model() -> None:
    rows, runs = several(np.array([5.0, 2.0, 0.5]), setups=6, parts=15, runs=2)
    rows = rows.astype(np.float32).astype(np.float64)
    facts = learned(rows, runs)
    places: dict[tuple[str, ...], Place] = {}
    given, counts = follow(facts, rows, runs, np.ones(len(rows), dtype=np.bool_), places)
    baselines = Baselines(facts, 3)
    names = np.repeat(np.array([name for (name,) in runs.setup]), runs.end - runs.first)
    for i, row in enumerate(rows.astype(np.float32)):
        view = baselines.view({"variant": str(names[i])})
        assert view.adjusted(row[None, :])[0] == pytest.approx(given[i], abs=0.2)  # the judge bounds what one part does
        assert view.count == pytest.approx(counts[i])
        baselines.observe(view, row, 0.5, unit=str(i), ended=i + 1, suspected=False)
    assert places[("v3",)].count == pytest.approx(baselines.state().setups[3].count + 15.0, abs=15.0)


def test_the_limit_is_set_where_parts_lie_off_their_setups_baselines() -> None:
    rows, _ = several(np.array([9.0, 4.0, 2.0]), setups=12, parts=80)
    context = [{"variant": f"v{number}"} for number in range(12) for _ in range(80)]
    plan = modelling_plan(3, contexts=["variant"], model={"family": "normal", "setup": ["variant"]})
    table = part_table(plan, rows, context=context)
    found = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table)).report
    assert found.metrics["false_alarm_rate"] == pytest.approx(0.01, abs=0.02)
    assert found.dropped["before their setup was known"] == 120


@pytest.mark.parametrize("decisive", ["deviation", "level"])
def test_trees_are_given_baselines_where_these_rank_held_out_parts_better(decisive: str) -> None:
    rng = np.random.default_rng(11)
    setups, parts = 12, 80
    level = np.repeat(3.0 * rng.normal(size=(setups, 1)), parts, axis=0)
    own = rng.normal(size=(setups * parts, 1))
    rows = np.hstack([level + own, rng.normal(size=(setups * parts, 1))])
    decides = rows[:, 0] if decisive == "level" else own[:, 0]
    outcome = ["nonconforming" if value > np.quantile(decides, 0.9) else "conforming" for value in decides]
    context = [{"variant": f"v{number}"} for number in range(setups) for _ in range(parts)]
    plan = modelling_plan(2, contexts=["variant"], model={"family": "supervised", "setup": ["variant"]})
    found = fit(
        FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, rows, outcome, context=context))
    )
    assert (found.bundle.manifest.setups is None) == (decisive == "level")
    assert "off their setups' baselines" in found.report.reason
