"""Measurements count once they have come: corrected values, and what the measurements say alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backtest_plans import SECOND
from lineside.domain.backtests.correcting import correct, made_from, measured_alone
from lineside.domain.backtests.judged import Judged, judged_from
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Cost, OutcomeSource, Specification
from lineside.domain.predictions import JudgementState, Prediction

LENGTH = Characteristic(
    id="length",
    station="press",
    kind=CharacteristicKind.VARIABLE,
    specification=Specification(usl=14.0),
    outcome=OutcomeSource(delay=5 * SECOND),
    cost=Cost(escape=90.0, false_alarm=10.0),
)
NOTHING_BEFORE = made_from([], [], [])


def expected(count: int, value: float = 10.0, half: float | None = 1.0) -> Judged:
    """Return parts a second apart, all of which the model expects to be the same."""
    item = Prediction(
        cycle_id="",
        unit="",
        station="press",
        characteristic="length",
        model="m",
        plan="p",
        started=0,
        ended=0,
        received=0,
        judged=0,
        state=JudgementState.NORMAL,
        score=0.0,
        limit=1.0,
        predicted=repr(value),
        low=None if half is None else value - half,
        high=None if half is None else value + half,
    )
    rows = [replace(item, unit=f"u{place}", started=place * SECOND) for place in range(count)]
    return judged_from(rows, [False] * count, ["g"] * count, [""] * count, timed=True)


def values(judged: Judged) -> list[float]:
    return [float(text) if text else float("nan") for text in judged.predicted]


def test_a_value_is_corrected_only_by_what_had_come_when_its_part_was_made() -> None:
    ended = [place * SECOND for place in range(12)]
    truth = ["12.0"] * 12
    corrected = correct(LENGTH, expected(12), made_from(ended, [""] * 12, truth), 2.0)
    assert corrected is not None
    assert values(corrected)[:5] == [10.0] * 5
    assert 10.0 < values(corrected)[5] < values(corrected)[11] <= 12.0
    changed = correct(LENGTH, expected(12), made_from(ended, [""] * 12, truth[:7] + ["99.0"] * 5), 2.0)
    assert changed is not None
    assert changed.predicted == corrected.predicted


def test_a_campaign_begins_without_the_correction_of_the_one_before() -> None:
    ended = [place * SECOND for place in range(60)]
    corrected = correct(LENGTH, expected(60), made_from(ended, ["a"] * 50 + ["b"] * 10, ["12.0"] * 60), 2.0)
    assert corrected is not None
    assert values(corrected)[49] > 11.5
    assert values(corrected)[50] == 10.0
    width = corrected.high - corrected.low
    assert width[50] > width[49]


def test_a_corrected_value_is_held_against_the_models_own_limit() -> None:
    ended = [place * SECOND for place in range(60)]
    corrected = correct(LENGTH, expected(60), made_from(ended, [""] * 60, ["17.0"] * 60), 2.0)
    assert corrected is not None
    assert set(corrected.limit) == {1.0}
    assert not corrected.alarm[0]
    assert corrected.alarm[59]
    assert corrected.score[59] == (values(corrected)[59] - 14.0) / 2.0
    assert corrected.risk[59] > 0.9
    assert corrected.raised.sum() == 1


def test_parts_without_a_value_get_none_and_teach_nothing() -> None:
    judged = expected(20)
    judged = replace(judged, predicted=("",) * 10 + judged.predicted[10:])
    made = made_from([place * SECOND for place in range(20)], [""] * 20, ["12.0"] * 20)
    corrected = correct(LENGTH, judged, made, 2.0)
    assert corrected is not None
    assert corrected.predicted[:10] == ("",) * 10
    assert values(corrected)[10:15] == [10.0] * 5
    assert not corrected.alarm[:10].any()


def test_a_model_without_intervals_is_not_corrected() -> None:
    assert correct(LENGTH, expected(3, half=None), made_from([0, 1, 2], [""] * 3, ["12.0"] * 3), 2.0) is None


def test_measurements_alone_foresee_by_the_last_one_the_mean_and_the_moving_average_of_the_regime() -> None:
    ended = [place * SECOND for place in range(8)]
    made = made_from(ended, ["a"] * 7 + ["b"], ["1.0", "2.0", "6.0", "", "", "", "", ""])
    found = measured_alone(LENGTH, expected(8), made, NOTHING_BEFORE)
    assert np.isnan(values(found["last_measured"])[:5]).all()
    assert values(found["last_measured"])[5:] == [1.0, 2.0, 6.0]
    assert values(found["regime_mean"])[5:] == [1.0, 1.5, 3.0]
    assert values(found["measured_ewma"])[6] == 1.2


def test_measurements_of_the_parts_learned_from_count_too_once_they_have_come() -> None:
    before = made_from([-6 * SECOND, -4 * SECOND], ["a", "a"], ["3.0", "4.0"])
    made = made_from([0, 2 * SECOND], ["a", "a"], ["", ""])
    assert values(measured_alone(LENGTH, expected(2), made, before)["last_measured"]) == [3.0, 4.0]
