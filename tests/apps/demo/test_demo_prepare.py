"""The first start generates and learns; the next ones find it done."""

from pathlib import Path

import msgspec
import pytest

from lineside.adapters.plan_yaml import parse_plan
from lineside.apps.demo.folder import DemoFolder
from lineside.apps.demo.history import PastParts, production_days
from lineside.apps.demo.prepare import Prepared, prepare
from lineside.apps.demo.run import packaged_plan
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, HOUR

UNTIL = 1_750_000_000_000_000_000


@pytest.fixture(scope="module")
def plan() -> Plan:
    return parse_plan(packaged_plan(), "demo")


def test_the_past_is_spread_over_a_year_and_ends_now(plan: Plan) -> None:
    cell, days = production_days(7, 3, UNTIL)
    past = PastParts(plan)
    for day in days:
        past.add(day)
    table = past.table("porosity")
    assert len(table) == len(past) > 4700
    assert set(table.group) == {"day 1", "day 2", "day 3"}
    assert table.started[-1] - table.started[0] > 300 * DAY
    assert UNTIL - 3 * HOUR < cell.state.time <= UNTIL
    assert 0.01 < past.share_nonconforming(["porosity", "cold_shut", "short_shot"]) < 0.08
    assert set(table.outcome) == {"conforming", "nonconforming"}
    assert not cell.state.faults


def test_what_was_prepared_is_not_prepared_again(plan: Plan, tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.home.mkdir()
    done = Prepared(until=UNTIL, seed=1, days=2, shots=3, nonconforming=0.02, seconds=1.0)
    folder.prepared.write_bytes(msgspec.json.encode(done))
    said: list[str] = []
    assert prepare(plan, tmp_path, until=UNTIL + 1, tell=said.append) == done
    assert not said
