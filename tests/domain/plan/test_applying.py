"""What it takes to put a changed plan into force."""

from __future__ import annotations

import pytest

from lineside.adapters.plan_yaml import parse_plan
from lineside.domain.plan.applying import Application, how_applied
from running_line import PLAN


@pytest.mark.parametrize(
    ("old", "new", "sources", "waits"),
    [
        ("Open the chiller valve", "Open it", (), ""),
        ("priority: critical", "priority: high", (), ""),
        ("live_within: 10 min", "live_within: 5 min", (), ""),
        ("name: Cooling water,", "name: Water,", (), ""),
        ("layout: wide", "layout: wide, name: Inbox", (), ""),
        ("path: inbox", "path: elsewhere", ("machine",), ""),
        ("unit: degC,", "unit: degC, rate: 10,", ("machine",), ""),
        ("unit: degC,", "unit: degC, range: [0, 500],", (), "models must be made"),
        ("lateness: 0 s", "lateness: 1 s", (), "models must be made"),
        ("signals: [die_temp, flow]", "signals: [die_temp]", (), "causes are named otherwise"),
        ("sources:\n", "gateway: {buffer: {hours: 24}}\nsources:\n", (), "the gateway's own limits"),
        (
            "sources:\n",
            "sources:\n  - {id: more, kind: files, path: more, layout: wide, time_column: time}\n",
            (),
            "other sources",
        ),
    ],
)
def test_the_mildest_measure_that_does(old: str, new: str, sources: tuple[str, ...], waits: str) -> None:
    assert old in PLAN
    found = how_applied(parse_plan(PLAN, "old"), parse_plan(PLAN.replace(old, new, 1), "new"))
    assert found.sources == sources
    assert found.changed
    assert waits in "; ".join(found.next_start)
    assert bool(waits) is bool(found.next_start)


def test_the_same_plan_changes_nothing() -> None:
    plan = parse_plan(PLAN, "plan")
    assert how_applied(plan, plan) == Application(changed=False)


def test_it_is_said_in_words() -> None:
    assert Application().words == "in force"
    assert Application(sources=("a", "b")).words == "in force; opened anew: a, b"
    assert Application(next_start=("other signals",)).words == "waits for the next start: other signals"
