"""What a model judged, joined with what several sources say of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.apps.performing import judged_parts
from lineside.domain.outcomes import Outcome
from lineside.domain.performance.measured import measure
from lineside.domain.predictions import JudgementState, Prediction
from lineside.ports import LandedRecord
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan
from lineside.testing.records import BORN, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

POROSITY = modelling_plan(2).characteristic(CHARACTERISTIC)


def prediction(number: int) -> Prediction:
    return Prediction(
        cycle_id=f"c{number}", unit=f"U{number}", station=POROSITY.station, characteristic=CHARACTERISTIC, model="m/1",
        plan="p", started=BORN, ended=BORN, received=BORN, judged=BORN + number, state=JudgementState.ALARM, score=3.5,
        limit=2.0,
    )  # fmt: skip


def found(number: int, value: str, source: str, revision: int = 1) -> Outcome:
    return Outcome(
        unit=f"U{number}", characteristic=CHARACTERISTIC, value=value, found=BORN + 1, source=source,
        revision=revision, recorded=BORN + 1,
    )  # fmt: skip


async def test_the_source_that_comes_first_holds_and_contradictions_are_counted(tmp_path: Path) -> None:
    outcomes = [
        found(1, "conforming", "xray"),
        found(1, "nonconforming", "end of line", 2),
        found(2, "nonconforming", "xray"),
        found(2, "nonconforming", "end of line"),
    ]
    bodies = [
        (RecordKind.PREDICTIONS, encode_items([prediction(1), prediction(2), prediction(3)])),
        (RecordKind.OUTCOMES, encode_items(outcomes)),
    ]
    history = await DeltaHistory.open(tmp_path, {})
    await history.append(
        [LandedRecord(position=n, record=a_record(n, body, kind=kind)) for n, (kind, body) in enumerate(bodies, 1)]
    )

    def bad(precedence: tuple[str, ...]) -> list[bool]:
        query = HistoryQuery(tmp_path, {CHARACTERISTIC: precedence})
        parts = judged_parts(query, POROSITY, "m/1", 0, BORN + 9)
        assert measure(parts).contradicted == 1
        assert np.array_equal(parts.known, [True, True, False])
        return [bool(item) for item in parts.bad]

    assert bad(()) == [True, True, False]
    assert bad(("xray", "end of line")) == [False, True, False]
