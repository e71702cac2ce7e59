"""Parts are made up only where none was seen, differ only by what conditions do, and must earn their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lineside.domain.coverage.facts import coverage_of
from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Plan
from lineside.learn.augment import augmenter, open_gaps
from lineside.learn.augmented import Augmented
from lineside.learn.fit import FitRequest, FitResult, _task, fit
from lineside.learn.rows import Rows
from lineside.learn.try_augment import try_augmentation
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table


def plan_with(model: dict[str, str] | None = None) -> Plan:
    content = modelling_plan(2, 1, model={"family": "supervised", **(model or {})}).model_dump(mode="json")
    return Plan.model_validate({**content, "envelope": [{"signal": "e0", "low": 0, "high": 45}]})


def parts(slope: float, *, count: int = 1200, seed: int = 0) -> PartTable:
    """Return parts of 10 to 34 degC; a feature moves with the conditions, and parts far above what is usual are bad."""
    rng = np.random.default_rng(seed)
    hall = rng.uniform(10, 34, count)
    own = rng.normal(size=count)
    bad = rng.random(count) < 0.12
    own[bad] += 4.0
    features = np.column_stack((slope * (hall - 22.0) + own, rng.normal(size=count), hall))
    return part_table(plan_with(), features, ["nonconforming" if item else "conforming" for item in bad])


def fitted(table: PartTable, model: dict[str, str] | None = None) -> FitResult:
    return fit(FitRequest(plan=plan_with(model), characteristic=CHARACTERISTIC, table=table, unseen=True))


def made_from(table: PartTable) -> tuple[Rows, Augmented]:
    plan = plan_with()
    task = _task(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table))
    made = augmenter(plan, table.recipe, task)(task.rows)
    assert made is not None
    return task.rows, made


def test_made_up_parts_lie_in_the_gaps_and_keep_what_their_source_has_of_its_own() -> None:
    slope = 1.5
    rows, made = made_from(parts(slope))
    hall, source = made.features[:, 2], rows.features[made.source]
    assert np.all((hall < 10.1) | (hall > 33.9))
    assert hall.min() >= 0.0 - 1e-6
    assert hall.max() <= 34.0 + 12.1, "a gap is entered by half of the range seen at most"
    own, before = made.features[:, 0] - slope * hall, source[:, 0] - slope * source[:, 2]
    assert np.abs(own - before).max() < 0.1 * slope * np.abs(hall - source[:, 2]).max()
    assert np.array_equal(made.features[:, 1], source[:, 1]), "a feature that does not respond stays as it is"
    assert made.outcome.tolist() == rows.outcome[made.source].tolist()


def test_the_same_parts_and_seed_make_the_same_parts_up() -> None:
    (_, first), (_, again) = made_from(parts(1.5)), made_from(parts(1.5))
    assert np.array_equal(first.features, again.features)


def test_made_up_parts_are_no_rows_so_that_nothing_can_judge_or_count_them() -> None:
    _, made = made_from(parts(1.5))
    assert Rows not in type(made).__mro__
    assert set(Augmented.__slots__).isdisjoint({"unit", "started", "ended", "group", "setup"})


def test_they_are_kept_where_trees_cannot_follow_the_conditions_and_counted_nowhere() -> None:
    result = fitted(parts(1.5))
    assert "tried, kept, because AUC changes by +" in result.report.augmentation
    assert "which are counted and judged nowhere" in result.report.augmentation
    without = fitted(parts(1.5), {"augment": "off"}).report.metrics["worst_regime_auc"]
    assert result.report.metrics["worst_regime_auc"] > without, "regimes left out are judged by what was kept"
    training = result.bundle.manifest.training
    assert (training.rows, training.calibration_rows <= 1200) == (1200, True)
    assert training.coverage is not None
    assert training.coverage.condition("e0").known == 1200
    assert training.augmentation == result.report.augmentation
    experience = result.bundle.manifest.experience
    assert experience is not None
    assert experience.seen_high[0] < 34.1


@pytest.mark.parametrize(
    ("slope", "model", "words"),
    [(0.0, {}, "not tried: no gap"), (1.5, {"augment": "off"}, "not tried: the plan says off")],
)
def test_they_are_not_even_tried_without_a_response_or_against_the_plan(
    slope: float, model: dict[str, str], words: str
) -> None:
    result = fitted(parts(slope, count=600), model)
    assert result.report.augmentation.startswith(words)


def test_a_response_that_misleads_beyond_what_was_seen_is_found_out() -> None:
    table = parts(1.5)
    plan = plan_with()
    task = _task(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table))
    honest = augmenter(plan, table.recipe, task)

    def misleading(rows: Rows) -> Augmented | None:
        made = honest(rows)
        assert made is not None
        upside_down = np.where(made.outcome == "conforming", "nonconforming", "conforming").astype(object)
        return replace(made, outcome=upside_down)

    trial = try_augmentation(plan, table.recipe, task, misleading)
    assert not trial.kept
    assert "not kept, because only" in trial.words


def test_states_are_no_gaps_to_be_filled() -> None:
    plan = plan_with()
    table = parts(1.5)
    features = table.features.copy()
    features[:, 2] = np.round(features[:, 2] / 20)
    narrow = Plan.model_validate({**plan.model_dump(mode="json"), "envelope": [{"signal": "e0", "low": 0, "high": 3}]})
    assert open_gaps(coverage_of(narrow, table.recipe, features)) == []
