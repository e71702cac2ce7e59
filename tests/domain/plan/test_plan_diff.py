"""The difference of two plans in words, and what it costs."""

# ruff: noqa: E501 (a case is a row of a table, and is read as one line)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.adapters.plan_yaml import parse_plan
from lineside.domain.plan.diff import Effect, compare
from lineside.domain.plan.digest import judging_digest, response_digest
from lineside.domain.plan.findings import Severity
from lineside.domain.plan.model import Plan

GOOD = (Path(__file__).parents[2] / "plans" / "casting.yaml").read_text()
OLD = parse_plan(GOOD, "old")

CASES = [
    ("length: 10 s", "length: 20 s", "station 'trim': cycle . length raised from 10 s to 20 s", "judging"),
    ("length: 10 s", "length: 500 ms", "station 'trim': cycle . length lowered from 10 s to 500 ms", "judging"),
    ("range: [0, 450]", "range: [0, 500]", "signal 'die_temp': range: changed from [0, 450] to [0, 500]", "judging"),
    ("    rate: 10\n", "", "signal 'trim_force': rate removed (was 10)", "record"),
    ("    unit: mbar\n", "    unit: mbar\n    rate: 2\n", "signal 'vacuum': rate set to 2", "record"),
    ("name: Die temperature", "name: Temp", "signal 'die_temp' renamed from 'Die temperature' to 'Temp'", "record"),
    ("{id: phase, station: cast", "{id: phase, station: trim", "signal 'phase' moved from station 'cast' to 'trim'", "judging"),
    ("high: 42", "high: 45", "envelope of 'hall_temp': high raised from 42 to 45", "judging"),
    ("[gas, shrinkage]", "[gas]", "characteristic 'porosity': nonconforming: 'shrinkage' removed", "judging"),
    ("false_alarm_rate: 0.01,", "false_alarm_rate: 0.02,", "characteristic 'porosity': model . false_alarm_rate raised from 0.01 to 0.02", "judging"),
    ("special_class: critical", "special_class: significant", "characteristic 'porosity': special_class changed from 'critical' to 'significant'", "record"),
    ("text: X-ray the part.", "text: Cut the part.", "reaction 'porosity_any': steps 1 . text changed from 'X-ray the part.' to 'Cut the part.'", "response"),
    ("      - {to: plant manager, after: 1 h}\n", "", "reaction 'vacuum_leak': escalation 2 removed: 'plant manager'", "response"),
    ("false_alarms_per_shift: 4", "false_alarms_per_shift: 2", "service_levels: false_alarms_per_shift lowered from 4 to 2", "response"),
    ("{id: fill, after: 0 s, until: 2 s}", "{id: fill, after: 1 s, until: 2 s}", "station 'cast': phase 'fill': after raised from 0 s to 1 s", "judging"),
    ("retention: 365 d", "retention: 30 d", "privacy: retention lowered from 365 d to 30 d", "record"),
    ("  - {id: phase, station: cast, source: machine, address: ns=2;s=Phase, role: context}\n", "", "signal 'phase' removed", "judging"),
    ("signals:\n  - {id: cycle", "signals:\n  - {id: extra, station: cast, source: machine}\n  - {id: cycle", "signal 'extra' added", "judging"),
    ("phase: production", "phase: pre_launch", "phase changed from 'production' to 'pre_launch'", "record"),
]  # fmt: skip


def changed(old: str, new: str) -> Plan:
    assert old in GOOD
    data = json.loads(json.dumps(_read(GOOD.replace(old, new, 1))))
    return Plan.model_validate(data)


def _read(text: str) -> Any:
    from lineside.adapters.plan_yaml.document import read_document  # noqa: PLC0415 (the form alone is of interest)

    return read_document(text).data


@pytest.mark.parametrize(("old", "new", "text", "effect"), CASES, ids=[case[2] for case in CASES])
def test_a_change_is_said_in_words_with_what_it_costs(old: str, new: str, text: str, effect: str) -> None:
    found = compare(OLD, changed(old, new))
    assert [(change.text, str(change.effect)) for change in found.changes] == [(text, effect)]


def test_a_new_id_is_told_from_a_new_thing() -> None:
    found = compare(OLD, changed("  - id: hall_temp", "  - id: hall_temperature"))
    assert "signal 'hall_temp' has the new id 'hall_temperature'" in found.changes[0].text


def test_another_order_of_signals_is_a_change_that_models_see() -> None:
    data = OLD.model_dump(mode="json")
    data["signals"].reverse()
    found = compare(OLD, Plan.model_validate(data))
    assert [(change.text, change.effect) for change in found.changes] == [
        ("signals stand in another order", Effect.JUDGING)
    ]


def test_a_plan_does_not_differ_from_itself() -> None:
    assert compare(OLD, OLD).changes == ()
    assert compare(OLD, OLD).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "number", "severity"),
    [
        ("length: 10 s", "length: 20 s", 3, Severity.ERROR),
        ("text: X-ray the part.", "text: Cut it.", 3, Severity.WARNING),
        ("text: X-ray the part.", "text: Cut it.", 2, Severity.ERROR),
        ("length: 10 s", "length: 20 s", 4, None),
    ],
)
def test_a_change_raises_the_revision(old: str, new: str, number: int, severity: Severity | None) -> None:
    plan = changed(old, new)
    plan = plan.model_copy(update={"revision": plan.revision.model_copy(update={"number": number})})
    assert [item.severity for item in compare(OLD, plan).findings] == ([severity] if severity else [])


def test_when_alerts_come_and_go_changes_the_response_and_no_model() -> None:
    first, *others = OLD.characteristics
    slower = first.model_copy(update={"alert": first.alert.model_copy(update={"raise_after": 2})})
    plan = OLD.model_copy(update={"characteristics": (slower, *others)})
    assert [str(change.effect) for change in compare(OLD, plan).changes] == ["response"]
    assert judging_digest(plan) == judging_digest(OLD)
    assert response_digest(plan) != response_digest(OLD)


@st.composite
def edited(draw: st.DrawFn) -> Plan:
    """Return the plan with some values changed, so that it is still a plan."""
    data = OLD.model_dump(mode="json")
    for _ in range(draw(st.integers(1, 3))):
        at: Any = data
        while True:
            key = draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
            if isinstance(at[key], dict | list) and at[key]:
                at = at[key]
                continue
            if isinstance(at[key], bool) or at[key] is None:
                break
            if isinstance(at[key], int | float):
                at[key] = at[key] + 1
            elif isinstance(at[key], str) and key in {"name", "text", "change", "unit", "owner", "address"}:
                at[key] = f"{at[key]}x"
            break
    try:
        return Plan.model_validate(data)
    except ValueError:
        return OLD


@settings(deadline=None)
@given(edited())
def test_the_words_and_the_digests_agree_on_what_changed(plan: Plan) -> None:
    found = compare(OLD, plan)
    assert bool(found.changes) == (plan != OLD)
    assert bool(found.of(Effect.JUDGING)) == (judging_digest(plan) != judging_digest(OLD))
    assert bool(found.of(Effect.RESPONSE)) == (response_digest(plan) != response_digest(OLD))
