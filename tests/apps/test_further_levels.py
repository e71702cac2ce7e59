"""Whether alerts are answered and what parts cost, from a history, for a model in service."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.apps import further_levels as looked
from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.parts import PartRecord
from lineside.domain.performance.burning import LevelWatch, watch_spending
from lineside.domain.performance.report import performance, performance_lines, with_levels
from lineside.domain.plan.levels import Rates
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readiness import HeldOut, Used
from lineside.domain.units import HOUR, MINUTE
from lineside.ports import LandedRecord
from lineside.testing.conformance.registry import some_bundle
from lineside.testing.floors import sample_plan
from lineside.testing.judged_parts import made_of
from lineside.testing.records import BORN, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

BUNDLE = some_bundle(1)
NOW = BORN + 6 * HOUR
PLAN = sample_plan().model_copy(update={"rates": Rates(processor_hour=3_600.0, gigabyte=0.0)})


def alert(number: int, kind: AlertKind, time: int, suppressed: str = "") -> AlertEvent:
    return AlertEvent(
        id=f"{number}-{kind}", alert_id=f"a{number}", kind=kind, time=time, station="cast", characteristic="porosity",
        cause="die_temp", writer="gw", model=BUNDLE.name if kind is AlertKind.RAISED else "", suppressed=suppressed,
    )  # fmt: skip


def judged(number: int) -> Prediction:
    return Prediction(
        cycle_id=f"c{number}", unit=f"U{number}", station="cast", characteristic="porosity", model=BUNDLE.name,
        plan="p", started=BORN, ended=BORN, received=BORN, judged=BORN + number * MINUTE, state=JudgementState.NORMAL,
        score=1.0, limit=2.0,
    )  # fmt: skip


def made(number: int) -> PartRecord:
    return PartRecord(
        cycle_id=f"c{number}", unit=f"U{number}", station="cast", started=BORN, ended=BORN, received=BORN, recipe="r",
        features=np.zeros(1), readings=100,
    )  # fmt: skip


@pytest.fixture
async def history(tmp_path: Path) -> Path:
    events = [alert(n, AlertKind.RAISED, BORN + n * MINUTE) for n in range(20)]
    events += [alert(n, AlertKind.TAKEN, BORN + n * MINUTE + 1) for n in range(5)]
    events += [alert(20, AlertKind.RAISED, NOW - MINUTE), alert(21, AlertKind.RAISED, BORN + 1, "changeover")]
    bodies = [
        (RecordKind.ALERTS, encode_items(events)),
        (RecordKind.PREDICTIONS, encode_items([judged(n) for n in range(30)])),
        (RecordKind.PARTS, encode_items([made(n) for n in range(30)])),
    ]
    store = await DeltaHistory.open(tmp_path, {})
    await store.append(
        [LandedRecord(position=n, record=a_record(n, body, kind=kind)) for n, (kind, body) in enumerate(bodies, 1)]
    )
    return tmp_path


def levels(history: Path) -> dict[str, LevelWatch]:
    query = HistoryQuery(history)
    found = looked.further_levels(PLAN, BUNDLE, query, history, NOW, looked.weigh(query, history))
    return {level.name: level for level in found}


def test_alerts_that_nobody_answered_count_once_an_hour_is_over_and_silenced_ones_never(history: Path) -> None:
    found = levels(history)["adoption"]
    assert (found.events, found.bad) == (20, 15)


def test_a_part_costs_its_processor_time_by_the_rates(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked, "judging_of", lambda *_: Used(cpu_seconds=0.02, bytes=0.0, evidence=""))
    found = levels(history)["cost per part"]
    assert found.events == 30
    assert found.each == pytest.approx(0.02)
    parts = made_of([0] * 5, [0] * 5, [0] * 5)
    held = HeldOut(scheme="", bad=0, found=0, good=0, false=0)
    report = with_levels(performance(PLAN, "cast", "porosity", "m", parts, held, NOW), [found])
    assert "  cost per part 0.02 each, 0.01 allowed: -100% of its budget left" in performance_lines(report)


def test_without_rates_no_cost_is_watched(history: Path) -> None:
    found = looked.further_levels(PLAN, BUNDLE, HistoryQuery(history), history, NOW, None)
    assert [level.name for level in found] == ["adoption"]


def test_damage_of_cost_and_adoption_is_not_the_models() -> None:
    ago = np.arange(30 * 24 * 60 - 1, -1, -1)
    dear = watch_spending("cost per part", NOW - ago.astype(np.int64) * MINUTE, np.full(len(ago), 0.5), 0.01, NOW)
    held = HeldOut(scheme="", bad=0, found=0, good=0, false=0)
    report = with_levels(performance(PLAN, "cast", "porosity", "m", made_of([0], [0], [0]), held, NOW), [dear])
    (damage,) = report.damage
    assert damage.text.startswith("cost per part: 0.5 in 30 days where 0.01 is allowed, 50 times too fast")
    assert report.of_the_model == ()
