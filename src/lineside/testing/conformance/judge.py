"""What every `lineside.ports.Judge` keeps to. Subclass, and give the ``judge`` and ``parts`` fixtures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lineside.domain.parts import PartRecord
from lineside.domain.predictions import JudgementState, Prediction
from lineside.ports import Judge

NOW = 1_000_000_000


class JudgeConformance:
    """The suite; fixtures: ``judge`` (a fresh, memoryless judge), ``parts`` (some normal, some in alarm)."""

    def test_every_part_gets_a_prediction_that_names_it(self, judge: Judge, parts: Sequence[PartRecord]) -> None:
        """Identity and times of the part and the time of judging stand in the prediction."""
        for part in parts:
            judgement = judge.judge(part, NOW)
            assert judgement.part is part
            assert judgement.predictions
            for found in judgement.predictions:
                assert (found.cycle_id, found.unit, found.started, found.ended) == (
                    part.cycle_id, part.unit, part.started, part.ended,
                )  # fmt: skip
                assert found.judged == NOW
                assert found.model

    def test_alarm_means_a_score_above_the_limit(self, judge: Judge, parts: Sequence[PartRecord]) -> None:
        """Both states occur among the parts, and the comparison decides between them."""
        found = [judge.judge(part, NOW).predictions[0] for part in parts]
        assert {item.state for item in found} >= {JudgementState.ALARM, JudgementState.NORMAL}
        for item in found:
            if item.state in {JudgementState.ALARM, JudgementState.NORMAL}:
                assert (item.state is JudgementState.ALARM) == (item.score > item.limit)

    def test_missing_features_are_bad_data_and_no_error(self, judge: Judge, parts: Sequence[PartRecord]) -> None:
        """A part without any value cannot be judged, and that is said with a reason."""
        blank = replace(parts[0], features=np.full_like(parts[0].features, np.nan))
        for found in judge.judge(blank, NOW).predictions:
            assert found.state is JudgementState.BAD_DATA
            assert found.reason

    def test_rows_of_the_wrong_length_are_bad_data(self, judge: Judge, parts: Sequence[PartRecord]) -> None:
        """Too few, too many or no features at all: no error."""
        row = parts[0].features
        for features in (row[:-1], np.append(row, 0.0), row[:0]):
            for found in judge.judge(replace(parts[0], features=features), NOW).predictions:
                assert found.state is JudgementState.BAD_DATA

    def test_infinite_values_never_raise(self, judge: Judge, parts: Sequence[PartRecord]) -> None:
        """Infinite or huge values give an answer of some kind."""
        for value in (np.inf, -np.inf, 1e300, -1e300):
            judge.judge(replace(parts[0], features=np.full_like(parts[0].features, value)), NOW)

    def test_the_same_part_gets_the_same_answer_in_any_company(self, judge: Judge, parts: Sequence[PartRecord]) -> None:
        """Bit for bit, forwards and backwards: judging a part leaves nothing behind."""
        forwards = {part.unit: judge.judge(part, NOW).predictions for part in parts}
        backwards = {part.unit: judge.judge(part, NOW).predictions for part in reversed(parts)}
        for unit, predictions in forwards.items():
            for one, other in zip(predictions, backwards[unit], strict=True):
                assert _same(one, other)


def _same(one: Prediction, other: Prediction) -> bool:
    """Return whether two predictions are equal, NaN counting as equal to NaN (``repr`` shows every bit else)."""
    return repr(one) == repr(other)
