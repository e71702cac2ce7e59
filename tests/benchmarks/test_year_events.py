"""A year with events: its plan, its events, and what is counted of them."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lineside.adapters.plan_yaml import parse_plan
from lineside.apps.demo.year.calendar import production_days
from lineside.domain.alerts import AlertKind
from lineside.domain.predictions import JudgementState

ROOT = Path(__file__).resolve().parents[2]
DEMO = (ROOT / "src" / "lineside" / "apps" / "demo" / "plan.yaml").read_text(encoding="utf-8")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def _shift(week: int, shift: int = 0, *, damage: tuple[str, ...] = (), sensors: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {"week": week, "shift": shift, "damage": list(damage), "sensors": [list(item) for item in sensors]}


def _count(week: int, bad: int, found: int, first: int) -> dict[str, int]:
    known = {"bad": bad, "found": found, "false": 3, "false_alerts": 1}
    return {"week": week, **known, "first_found": first, "first_false": 1}


def test_the_line_declares_how_it_learns_again(scripts: Any) -> None:
    plan = parse_plan(scripts("seasons.events").plan_text(DEMO), "events")
    assert plan.learn_again.automatic
    assert plan.learn_again.least_bad == 60
    assert plan.characteristic("short_shot").model.false_alarm_rate is None


def test_every_seed_has_two_instruments_in_trouble_and_a_change_of_the_die(scripts: Any) -> None:
    events = scripts("seasons.events")
    found = [events.scenario(seed) for seed in (1, 2)]
    assert len({trouble.signal for item in found for trouble in item.troubles}) == 4
    assert all(item.changes[events.CHANGED].die.least_biscuit == 19.0 for item in found)


def test_an_alert_is_false_where_none_of_its_first_parts_in_alarm_is_bad(scripts: Any) -> None:
    events = scripts("seasons.events")
    states = [JudgementState.ALARM if row in {0, 1, 5, 40} else JudgementState.NORMAL for row in range(60)]
    states[50] = JudgementState.OUTSIDE_EXPERIENCE
    parts = [SimpleNamespace(cycle_id=f"c{row}", state=state) for row, state in enumerate(states)]
    raised = [SimpleNamespace(kind=AlertKind.RAISED, cycle_id=f"c{row}") for row in (0, 5, 40, 50)]
    bad = np.zeros(60, dtype=np.bool_)
    bad[[1, 7, 41]] = True  # the last two are no alarms, and justify none
    assert events.false_alerts(raised, parts, bad) == 2


def test_each_event_is_told_with_the_shift_at_whose_end_it_was_named(scripts: Any) -> None:
    telling = scripts("seasons.telling")
    stuck = ("die_temperature_fixed", "stuck")
    seed = {
        "seed": 7, "seconds": 1.0, "troubles": [[*stuck, 18]], "refused": {},
        "shifts": [
            _shift(14, sensors=(("cooling_out", "drifting"),)),
            _shift(18, 0), _shift(18, 1, sensors=(stuck,)), _shift(19, sensors=(stuck,)),
            _shift(29, 0), _shift(29, 1, damage=("no truth",)), _shift(31, 0, damage=("no truth",)), _shift(31, 1),
            _shift(40, 0), _shift(41, 0, damage=("performance loss",)),
        ],
        "counts": [_count(39, 10, 9, 9), _count(40, 10, 2, 2), _count(50, 10, 8, 1)],
        "jobs": [
            {"week": 12, "reason": "by hand", "since": None, "state": "done", "seconds": 9.0, "result": "a/1"},
            {"week": 43, "reason": "performance", "since": 40.1, "state": "done", "seconds": 9.0,
             "result": "a/2"},
        ],
        "steps": [
            {"release": "a/1", "step": "crowned", "week": 44.0, "conceded": []},
            {"release": "a/2", "step": "canaried", "week": 46.0, "conceded": []},
            {"release": "a/2", "step": "crowned", "week": 48.0, "conceded": ["performance loss"]},
        ],
    }  # fmt: skip
    told = telling.told(seed)
    assert (told["troubles"][0]["named"], told["silence"], told["silence_over"], told["loss"]) == (2, 2, 2, 2)
    assert told["false_sensors"] == ["cooling_out drifting (1 shifts)"]
    assert (told["false_silences"], told["false_losses"], told["trainings_before"]) == (0, 0, [])
    assert (told["canaried"], told["crowned"], told["conceded"]) == (46.0, 48.0, ["performance loss"])
    assert (told["since_new"]["found"], told["first_since_new"]["found"]) == (8, 1)
    about = {"date": "d", "commit": "c", "machine": "m", "seeds": [7]}
    table = telling.as_markdown(about, [told])
    assert "| recall since | recovered | 0.80 of 10 |" in table
    assert "week 43: performance, from week 40.1 on" in table


def test_a_plant_is_rehearsed_from_the_first_model_to_what_the_watch_has_seen(
    scripts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = scripts("seasons.events")
    days = production_days(1)
    few = (days[0], days[1], next(day for day in days if day.week == 13))
    monkeypatch.setattr(events, "production_days", lambda _: few)
    by_hand = events.plan_text(DEMO).replace("automatic: true", "automatic: false")  # two days of spring teach little
    monkeypatch.setattr(events, "plan_text", lambda _: by_hand)
    found = asyncio.run(events.run_events(DEMO, 1, lambda _: None))
    assert [item["week"] for item in found["shifts"]] == [13] * few[2].shifts
    assert found["jobs"][0]["reason"] == "by hand"
    assert sum(item["parts"] for item in found["counts"]) == pytest.approx(1_800, abs=150)
    assert found["shifts"][-1]["drifted"] is not None
    sys.modules.pop("seasons.events")
