"""The board shows the newest revision of a part, in whatever order revisions come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lineside.apps.plant.floor.parts import StationParts
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.units import SECOND


def a_part(number: int) -> PartRecord:
    return PartRecord(
        cycle_id=f"c{number}",
        unit=f"P{number}",
        station="cast",
        started=number * SECOND,
        ended=(number + 1) * SECOND,
        received=(number + 1) * SECOND,
        recipe="r",
        features=np.zeros(1),
    )


def a_judgement(part: PartRecord, revision: int, score: float) -> Prediction:
    return Prediction(
        cycle_id=part.cycle_id,
        unit=part.unit,
        station=part.station,
        characteristic="porosity",
        model="m/1",
        plan="",
        started=part.started,
        ended=part.ended,
        received=part.received,
        judged=part.ended,
        state=JudgementState.NORMAL,
        score=score,
        limit=10.0,
        revision=revision,
    )


def test_a_newer_revision_takes_the_place_of_the_one_before() -> None:
    memory = StationParts(most=10)
    first = a_part(1)
    assert memory.add(first)
    assert memory.add(replace(first, revision=1, unit="S1"))
    assert [(part.unit, part.revision) for part in memory.ordered] == [("S1", 1)]
    assert not memory.add(first)
    assert not memory.add(replace(first, revision=1, unit="S1"))


def test_a_judgement_of_a_revision_may_come_before_it_and_an_older_one_changes_nothing() -> None:
    memory = StationParts(most=10)
    first = a_part(1)
    memory.add(first)
    memory.judge(a_judgement(first, 0, 5.0))
    memory.judge(a_judgement(first, 1, 9.0))
    memory.add(replace(first, revision=1))
    memory.judge(a_judgement(first, 0, 5.0))
    assert memory.judgements(first)["porosity"].score == 9.0


def test_a_withdrawn_cycle_is_no_longer_shown() -> None:
    memory = StationParts(most=10)
    memory.add(a_part(1))
    memory.add(a_part(2))
    assert memory.add(replace(a_part(1), revision=1, withdrawn=True))
    assert [part.cycle_id for part in memory.ordered] == [a_part(2).cycle_id]
