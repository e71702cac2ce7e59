"""A fault that is put into the cell is named first by the explanation of the alert that follows."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from lineside.apps.demo.physics.faults import FaultKind
from lineside.domain.units import HOUR

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_wrong_with_the_cell_is_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    look: Any = importlib.import_module("faithfulness")
    faults = (FaultKind.CHILLER_VALVE, FaultKind.VACUUM_LEAK, FaultKind.ALLOY_LOT, FaultKind.SENSOR_DRIFT)
    plan = look.plan_with("normal")
    subject = look.Subject("normal", plan, look.learned_judge(plan, look.a_quiet_stretch(2_400)), 6 * HOUR)
    for kind in faults:
        row = look.row_of(subject, kind, [look.HELD_OUT])
        assert row.alerts >= 1, kind
        assert row.right_parts >= 0.9 * row.parts, row
