"""What a gateway's models learn of setups survives a kill in the middle of a warm-up."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.learned_state import FILE
from lineside.apps.gateway.models import ModelShelf
from lineside.domain.alerts import Alert, AlertEvent, AlertKind, Verdict, fold
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.predictions import JudgementState, Prediction
from lineside.flows.judge import LineJudge
from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table
from lineside.testing.shelves import offered, started
from lineside.wire.bundle import Bundle
from lineside.wire.subjects import Subjects

PLAN = modelling_plan(3, contexts=["variant"], model={"family": "normal", "setup": ["variant"]})
SUBJECTS = Subjects("site", "line")


@cache
def bundle() -> Bundle:
    rng = np.random.default_rng(2)
    features = np.concatenate([rng.normal(size=3) * 6.0 + rng.normal(size=(60, 3)) for _ in range(8)])
    context = [{"variant": f"v{number}"} for number in range(8) for _ in range(60)]
    table = part_table(PLAN, features, context=context)
    return fit(FitRequest(plan=PLAN, characteristic=CHARACTERISTIC, table=table)).bundle


def new_setup(count: int) -> list[PartRecord]:
    rows = np.random.default_rng(9).normal(size=(count, 3)) + np.array([9.0, -4.0, 2.0])
    return [part_record(PLAN, row, 1000 + i, {"variant": "new"}) for i, row in enumerate(rows)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return offered(tmp_path, bundle())


def judged(line: LineJudge, parts: list[PartRecord]) -> list[tuple[JudgementState, float, float]]:
    predictions: list[Prediction] = []
    for part in parts:
        predictions += line.judge([part], part.ended).predictions
    return [(item.state, item.score, item.limit) for item in predictions]


async def test_a_gateway_killed_in_the_middle_of_a_warm_up_goes_on_with_the_same_numbers(root: Path) -> None:
    parts = new_setup(25)
    whole, _ = await started(PLAN, root, [])
    expected = judged(LineJudge(PLAN, catalogue_for(PLAN), whole.judge_for, "gateway"), parts)
    shelf, line = await started(PLAN, root, [])
    judged(line, parts[:4])
    await shelf.settle()
    judged(line, parts[4:7])  # a kill comes here: what was kept is three parts old
    _, again = await started(PLAN, root, [])
    judged(again, parts[2:7])  # the outbox gives back more than was lost
    assert judged(again, parts[7:]) == expected[7:]
    assert [state for state, _, _ in expected[:10]] == [JudgementState.WARMING_UP] * 10


async def test_a_damaged_file_is_audited_and_what_the_outbox_holds_is_learned_again(root: Path) -> None:
    parts = new_setup(12)
    shelf, line = await started(PLAN, root, [])
    judged(line, parts[:5])
    await shelf.settle()
    kept = root / "models" / f"{STATION}.{CHARACTERISTIC}" / FILE
    kept.write_bytes(kept.read_bytes()[:-1])
    audited: list[str] = []
    _, again = await started(PLAN, root, audited)
    assert audited == ["baselines.lost"]
    judged(again, parts[:5])
    assert judged(again, parts[5:]) == judged(line, parts[5:])


async def test_two_people_who_agree_on_an_alert_say_whether_its_parts_may_teach(root: Path) -> None:
    shelf, line = await started(PLAN, root, [])
    parts = new_setup(14)
    judged(line, parts[:10])
    parts[10].features[1] += 9.0
    raised = line.judge([parts[10]], parts[10].ended).events
    assert [event.kind for event in raised] == [AlertKind.RAISED]
    before = _count(shelf)
    line.hear(_closed(raised[0], Verdict.CONFIRMED, seconds="B"))
    line.hear(_closed(raised[0], Verdict.NO_DEFECT))
    line.hear(_closed(raised[0], Verdict.NO_DEFECT, seconds="A"))
    assert _count(shelf) == before
    line.hear(_closed(raised[0], Verdict.NO_DEFECT, seconds="B"))
    assert _count(shelf) == before + 1.0


def _closed(raised: AlertEvent, verdict: Verdict, seconds: str = "") -> Alert:
    """An alert that A has closed and, if ``seconds`` says so, somebody agrees on."""
    closing = AlertEvent(
        id=f"{raised.id}:closed",
        alert_id=raised.alert_id,
        kind=AlertKind.CLOSED,
        time=raised.time + 1,
        station=raised.station,
        characteristic=raised.characteristic,
        cause=raised.cause,
        writer="plant",
        verdict=verdict,
        by="A",
    )
    agreed = replace(closing, id=f"{raised.id}:agreed", kind=AlertKind.AGREED, time=raised.time + 2, by=seconds)
    return fold([raised, closing, *([agreed] if seconds else [])])[raised.alert_id]


def _count(shelf: ModelShelf) -> float:
    (seat,) = shelf.judge_for(STATION).seats
    (state,) = seat.learned.values()
    assert state.baselines is not None
    known = next(item for item in state.baselines.setups if item.setup == ("new",))
    return known.count + len(known.parts)
