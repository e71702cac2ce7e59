"""A station that several sources feed: none of them holds the line, whatever becomes of it or of its clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Catalogue, make_batch
from lineside.domain.units import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from lineside.testing.plans import CASTING

SIGNALS = ("running", "die_temp", "spray", "flow")
CATALOGUE = Catalogue(SIGNALS)
START = 1_700_000_000 * SECOND
NEVER = 10**9


def a_plan(cycle: dict[str, Any] | None = None) -> Plan:
    def signal(name: str, source: str, **more: Any) -> dict[str, Any]:
        return {"id": name, "station": "cast", "source": source, "features": ["mean", "count"], **more}

    trigger = {"by": "trigger", "signal": "running"}
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "press", "kind": "opcua"}, {"id": "chiller", "kind": "mqtt"}],
            "stations": [{"id": "cast", "cycle": cycle or trigger, "lateness": "500 ms"}],
            "signals": [
                signal("running", "press", role="trigger", features=[]),
                signal("die_temp", "press"),
                signal("spray", "press"),
                signal("flow", "chiller"),
            ],
        }
    )


class Line:
    """A press with a cycle of 10 s and a chiller; each has a clock of its own, and a way to the gateway.

    In ns: source time = true time + offset, receive time = true time + delay + the offset of the gateway.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self.assembler = CycleAssembler(plan or a_plan(), "cast", CATALOGUE)
        self.offset = {"press": 0, "chiller": 0}
        self.delay = {"press": 5 * MILLISECOND, "chiller": 8 * MILLISECOND}
        self.dead: set[str] = set()
        self.gateway = 0
        self.second = 0.0
        self.parts: list[tuple[float, PartRecord]] = []
        self._waiting: list[tuple[int, int, int, float]] = []

    def run(self, seconds: float, *, quiet: bool = False) -> list[PartRecord]:
        """Let the line live; return the parts that came of it. ``quiet``: nothing is measured, time just passes."""
        before = len(self.parts)
        for _ in range(round(seconds * 10)):
            if not quiet:
                self._measure()
            self.second = round(self.second + 0.1, 1)
            self._arrive()
        return [part for _, part in self.parts[before:]]

    def _measure(self) -> None:
        moment = START + round(self.second * SECOND)
        on = float(self.second % 10 < 6)
        for name, source, value in (
            ("running", "press", on),
            ("die_temp", "press", 200.0),
            ("spray", "press", 3.0),
            ("flow", "chiller", self.second // 10),
        ):
            if name not in self.dead and source not in self.dead:
                arrives = moment + self.delay[source]
                self._waiting.append((arrives, SIGNALS.index(name), moment + self.offset[source], value))

    def _arrive(self) -> None:
        """Hand over what has arrived by now, and let time pass as the collector does."""
        now = START + round(self.second * SECOND)
        due = sorted(item for item in self._waiting if item[0] < now)
        self._waiting = [item for item in self._waiting if item[0] >= now]
        if due:
            arrives, signal, time, value = zip(*due, strict=True)
            received = np.array(arrives, dtype=np.int64) + self.gateway
            batch = make_batch(CATALOGUE, signal, time, value, receive_time=received)
            self._take(self.assembler.push(batch))
        self._take(self.assembler.advance(now + self.gateway))

    def _take(self, parts: list[PartRecord]) -> None:
        self.parts += [(self.second, part) for part in parts]


def flow_of(part: PartRecord) -> float:
    names = CycleAssembler(a_plan(), "cast", CATALOGUE).recipe.names
    return float(part.features[names.index("flow.mean")])


def whole(parts: list[PartRecord]) -> list[PartRecord]:
    return [part for part in parts if not part.incomplete]


def ages(line: Line, since: float = 0.0) -> list[float]:
    """How long after its end each whole part was closed, in seconds of the press's own clock."""
    return [
        at - (part.ended - START - line.offset["press"]) / SECOND
        for at, part in line.parts
        if not part.incomplete and at >= since
    ]


def test_parts_have_all_signals_and_close_within_the_lateness() -> None:
    line = Line()
    parts = whole(line.run(60))
    assert len(parts) == 5
    assert {part.missing for part in parts} == {()}
    assert [flow_of(part) for part in parts] == [1, 2, 3, 4, 5]
    assert max(ages(line)) <= 0.8
    assert line.assembler.counts.late == 0


@pytest.mark.parametrize("dead", ["spray", "chiller"])
def test_a_sensor_or_source_that_never_spoke_does_not_hold_the_line_and_is_named(dead: str) -> None:
    line = Line()
    line.dead = {dead}
    parts = whole(line.run(60))
    assert len(parts) == 5
    assert {part.missing for part in parts} == {("flow",) if dead == "chiller" else ("spray",)}
    assert max(ages(line)) <= 0.8


def test_a_source_that_dies_does_not_hold_the_line_and_returns_into_it() -> None:
    line = Line()
    line.run(30)
    line.dead = {"chiller"}
    without = whole(line.run(60))
    line.dead = set()
    again = whole(line.run(30))
    assert len(without) == 6
    assert [part.missing for part in without[1:]] == [("flow",)] * 5
    assert [part.missing for part in again[1:]] == [()] * 2
    assert max(ages(line)) <= 0.8


def test_a_source_ten_seconds_behind_is_waited_for_and_its_readings_join_their_cycles() -> None:
    line = Line()
    line.delay["chiller"] = 10 * SECOND
    line.run(60)
    parts = whole(line.run(60))
    assert {part.missing for part in parts} == {()}
    assert all(flow_of(part) == (part.started - START) // (10 * SECOND) for part in parts)
    assert 10 <= min(ages(line, 60)) <= max(ages(line, 60)) <= 11


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_a_source_with_a_wrong_clock_does_not_hold_the_line(off: int) -> None:
    line = Line()
    line.offset["chiller"] = off
    parts = whole(line.run(120))
    assert len(parts) == 11
    assert {part.missing for part in parts} == {("flow",)}
    assert max(ages(line)) <= 0.8


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_a_delimiting_source_with_a_wrong_clock_still_makes_its_parts(off: int) -> None:
    line = Line()
    line.offset["press"] = off
    parts = whole(line.run(120))
    assert len(parts) >= 11 - 1
    assert max(ages(line, 20)) <= 0.8


@pytest.mark.parametrize("step", [10 * DAY, -10 * DAY])
def test_a_gateway_whose_clock_is_set_by_ten_days_goes_on_making_parts(step: int) -> None:
    line = Line()
    before = whole(line.run(60))
    line.gateway = step
    after = whole(line.run(60))
    assert len(before) == 5
    assert len(after) == 6
    assert {part.missing for part in after} == {()}
    assert line.assembler.counts.late <= 40
    assert max(ages(line, 70)) <= 0.8


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_a_line_without_times_of_its_own_goes_on_when_the_gateways_clock_is_set(step: int) -> None:
    line = Line()
    line.run(60)
    line.gateway = step
    line.offset = {"press": step, "chiller": step}
    line.run(30)
    after = whole(line.run(60))
    assert len(after) == 6
    assert {part.missing for part in after} == {()}
    assert all(flow_of(part) == (part.started - START - step) // (10 * SECOND) for part in after)


def test_one_source_alone_whose_clock_is_set_back_goes_on_after_a_proof() -> None:
    line = Line()
    line.dead = {"chiller"}
    line.run(60)
    line.offset["press"] = -4 * MINUTE
    line.run(30)
    after = whole(line.run(60))
    assert len(after) == 6
    assert {part.missing for part in after} == {("flow",)}


def test_a_source_that_stalls_and_then_sends_everything_in_order_is_not_late() -> None:
    line = Line()
    line.dead = {"chiller"}
    line.run(30)
    usual = line.delay["press"]
    line.run(5, quiet=True)
    for _ in range(100):
        line._measure()
        line.second = round(line.second + 0.1, 1)
    late = len(line.parts)
    line._arrive()
    line.delay["press"] = usual
    line.run(20)
    assert line.assembler.counts.late == 0
    assert len(line.parts) > late


def test_files_that_each_hold_an_hour_are_not_late_while_the_clock_runs() -> None:
    assembler = CycleAssembler(a_plan(), "cast", CATALOGUE)
    parts = []
    for hour in range(3):
        begin = START + hour * HOUR
        edges = [begin + number * 10 * SECOND + half for number in range(360) for half in (0, 6 * SECOND)]
        batch = make_batch(CATALOGUE, [0] * 720, edges, [1.0, 0.0] * 360, receive_time=begin + HOUR)
        parts += assembler.push(batch)
        for minute in range(60):
            parts += assembler.advance(begin + HOUR + minute * MINUTE)
    assert assembler.counts.late == 0
    assert len(parts) == 3 * 360


def test_a_window_that_was_closed_is_made_once() -> None:
    line = Line(a_plan({"by": "window", "length": "10 s"}))
    line.run(30)
    line.gateway = 10 * DAY
    line.run(60)
    ids = [part.cycle_id for _, part in line.parts]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 8
