"""Expected against measured, from the history to the page: as it was judged, and by the model alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from board_client import client_of
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.metrology import Metrology, MetrologyView
from lineside.domain.access import AccessRole
from lineside.domain.outcomes import Outcome
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.units import SECOND
from lineside.ports import LandedRecord
from lineside.testing.boards import make_bench
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

PLAN = """\
lineside: 1
number: CP-1
site: {id: site}
area: {id: area}
line: {id: line}
part: {number: P-1}
sources:
  - {id: rows, kind: files, path: parts.csv, time_column: time}
stations:
  - {id: cast, operation: "10", machine: M1, serial: serial, cycle: {by: rows}}
signals:
  - {id: melt, station: cast, source: rows, unit: degC}
  - {id: tool, station: cast, source: rows, role: context, type: text}
  - {id: serial, station: cast, source: rows, role: context, type: text}
characteristics:
  - id: weight
    station: cast
    kind: variable
    specification: {lsl: 94, usl: 106, unit: g}
    outcome: {source: scale, also: [lab], precedence: [lab, scale]}
    model: {family: regression, setup: [tool]}
reactions:
  - {id: weigh, characteristic: weight, text: Weight is off., steps: [{do: inspect, text: Weigh.}]}
"""
PARTS = 200
DRIFTS_FROM = 100
CORRECTED_FROM = 120
LATE = 10 * SECOND
NOISE = np.random.default_rng(4).normal(0.0, 0.3, PARTS)


def ended(place: int) -> int:
    return (place + 1) * SECOND


def judgement(place: int) -> Prediction:
    """Return a value that a model expects which knows nothing of a drift, 100 g, corrected from the 120th part on."""
    bias = 2.5 if place >= CORRECTED_FROM else None
    value = 100.0 + (bias or 0.0)
    return Prediction(
        cycle_id=f"c{place}",
        unit=f"S{place}",
        station="cast",
        characteristic="weight",
        model="weight-1",
        plan="p",
        started=place * SECOND,
        ended=ended(place),
        received=ended(place),
        judged=ended(place),
        state=JudgementState.NORMAL,
        score=-5.0,
        limit=0.0,
        predicted=f"{value:g}",
        low=value - 1.0,
        high=value + 1.0,
        bias=bias,
        measured=0 if bias is None else place // 2,
    )


def measurement(place: int, value: float | None = None, **more: object) -> Outcome:
    """Return what a scale says of a part ten seconds after it was made: three grams more from a part on."""
    weight = 100.0 + NOISE[place] + (3.0 if place >= DRIFTS_FROM else 0.0) if value is None else value
    came = ended(place) + LATE
    found = Outcome(
        unit=f"S{place}", characteristic="weight", value=repr(float(weight)), found=came, source="scale", recorded=came
    )
    return replace(found, **more)  # type: ignore[arg-type]


async def history(folder: Path, outcomes: list[Outcome]) -> Path:
    store = await DeltaHistory.open(folder)
    records = [
        a_record(2, encode_items([judgement(place) for place in range(PARTS)]), kind=RecordKind.PREDICTIONS),
        *(a_record(3 + i, encode_items([item]), kind=RecordKind.OUTCOMES) for i, item in enumerate(outcomes)),
    ]
    await store.append([LandedRecord(position=i, record=record) for i, record in enumerate(records, start=1)])
    return folder


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return load_plan(tmp_path / "plan.yaml")


async def view_of(plan: Plan, folder: Path, outcomes: list[Outcome]) -> MetrologyView:
    (view,) = await Metrology(plan, await history(folder, outcomes))("cast")
    return view


async def test_what_was_judged_stands_beside_what_the_model_alone_expected(plan: Plan, tmp_path: Path) -> None:
    view = await view_of(plan, tmp_path / "h", [measurement(place) for place in range(0, PARTS, 2)])
    assert (view.parts, view.known, view.lag, view.model) == (PARTS, PARTS // 2, LATE, "weight-1")
    assert (view.offset, view.rests_on) == (2.5, (PARTS - 1) // 2)
    assert view.judged is not None
    assert view.alone is not None
    assert view.judged.rmse < view.alone.rmse
    assert 0.0 < view.judged.mean < view.alone.mean
    assert view.judged.held == pytest.approx(0.9, abs=0.1)
    assert [trend.label for trend in view.errors] == ["judged", "alone"]
    newest = view.newest[0]
    assert (newest.unit, newest.value, newest.own) == (f"S{PARTS - 1}", 102.5, 100.0)
    assert math.isnan(newest.truth)
    assert view.newest[1].truth == pytest.approx(103.0, abs=1.0)


async def test_of_sources_that_contradict_each_other_the_one_that_the_plan_names_first_holds(
    plan: Plan, tmp_path: Path
) -> None:
    view = await view_of(plan, tmp_path / "h", [measurement(199, 50.0), measurement(199, 102.0, source="lab")])
    assert view.newest[0].truth == 102.0


async def test_the_page_says_both_values_and_what_the_correction_rests_on(plan: Plan, tmp_path: Path) -> None:
    await history(tmp_path / "many", [measurement(place) for place in range(0, PARTS, 2)])
    bench = make_bench(tmp_path / "board", settings=BoardSettings(metrology=Metrology(plan, tmp_path / "many")))
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        shown = (await client.get("/stations/cast/measured")).text
        assert "100 of 200 judged parts measured" in shown
        assert "out of 99 measured parts" in shown
        assert "weight-1" in shown
        assert (await client.get("/stations/nowhere/measured")).status_code == 404
        assert "/stations/cast/measured" in (await client.get("/stations/cast")).text
    bench.state.close()


async def test_without_a_history_the_page_says_that_nothing_was_expected(plan: Plan, tmp_path: Path) -> None:
    (view,) = await Metrology(plan, tmp_path / "nothing")("cast")
    assert (view.parts, view.judged, view.newest) == (0, None, ())
