"""A judge whose rule can be read in a line: alarm where a part's first feature is above a limit."""

from __future__ import annotations

import math

from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Contribution, JudgementState, Prediction
from lineside.ports import Judgement


class FakeJudge:
    """Implements `lineside.ports.Judge` for one characteristic; the score is the first feature."""

    def __init__(self, characteristic: str, limit: float, width: int, cause: str = "") -> None:
        self.characteristic = characteristic
        self.limit = limit
        self.width = width
        self.cause = cause
        self.judged: list[PartRecord] = []

    def judge(self, part: PartRecord, now: int) -> Judgement:
        """Return the judgement of a part, and remember that it was asked for."""
        self.judged.append(part)
        score = float(part.features[0]) if part.features.shape == (self.width,) else math.nan
        if math.isnan(score):
            state = JudgementState.BAD_DATA
        else:
            state = JudgementState.ALARM if score > self.limit else JudgementState.NORMAL
        prediction = Prediction(
            cycle_id=part.cycle_id,
            unit=part.unit,
            station=part.station,
            characteristic=self.characteristic,
            model="fake/1",
            plan="",
            started=part.started,
            ended=part.ended,
            received=part.received,
            judged=now,
            state=state,
            score=score,
            limit=self.limit,
            contributions=(Contribution("first", "first", score, 0.0, -1.0, 1.0, "", score),),
            cause=self.cause if state is JudgementState.ALARM else "",
            late=part.late,
            reason="" if state is not JudgementState.BAD_DATA else "the first feature is missing",
        )
        return Judgement(part=part, predictions=(prediction,))
