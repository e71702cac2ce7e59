"""Capability of what was measured, from the history to the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from board_client import client_of
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.capabilities import Capabilities
from lineside.domain.access import AccessRole
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
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
  - {id: serial, station: cast, source: rows, role: context, type: text}
characteristics:
  - {id: weight, station: cast, kind: variable, specification: {lsl: 94, usl: 106, unit: g}}
  - {id: porosity, station: cast}
reactions:
  - {id: look, characteristic: porosity, text: Porosity is likely., steps: [{do: inspect, text: Look.}]}
  - {id: weigh, characteristic: weight, text: Weight is off., steps: [{do: inspect, text: Weigh.}]}
"""


async def _history(folder: Path, parts: int) -> None:
    values = np.random.default_rng(1).normal(100.0, 1.0, parts)
    made = [
        PartRecord(
            cycle_id=f"c{i}", unit=f"S{i}", station="cast", started=i, ended=i + 1, received=i + 1, recipe="r",
            features=np.zeros(1),
        )
        for i in range(parts)
    ]  # fmt: skip
    found = [
        Outcome(unit=f"S{i}", characteristic="weight", value=f"{value:.4f}", found=i + 9, source="scale")
        for i, value in enumerate(values)
    ]
    history = await DeltaHistory.open(folder)
    records = [
        a_record(1, encode_items(made), kind=RecordKind.PARTS),
        a_record(2, encode_items(found), kind=RecordKind.OUTCOMES),
    ]
    await history.append([LandedRecord(position=i, record=record) for i, record in enumerate(records, start=1)])


async def test_measured_parts_give_indices_and_few_parts_say_why_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    plan = load_plan(tmp_path / "plan.yaml")
    await _history(tmp_path / "many", 300)
    (view,) = await Capabilities(plan, tmp_path / "many")("cast")
    assert (view.characteristic, view.parts, view.refused) == ("weight", 300, None)
    assert view.found is not None
    assert view.found.ppk.low < 2.0 < view.found.ppk.high
    await _history(tmp_path / "few", 10)
    (few,) = await Capabilities(plan, tmp_path / "few")("cast")
    (none,) = await Capabilities(plan, tmp_path / "nothing")("cast")
    assert few.refused is not None
    assert none.refused is not None
    bench = make_bench(tmp_path / "board", settings=BoardSettings(capabilities=Capabilities(plan, tmp_path / "many")))
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        shown = (await client.get("/stations/cast/capability")).text
        assert "300 measured parts" in shown
        assert f"{view.found.ppk.value:.2f}" in shown
        assert (await client.get("/stations/nowhere/capability")).status_code == 404
        assert "/stations/cast/capability" in (await client.get("/stations/cast")).text
    bench.state.close()
