from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.errors import PlanError
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.readings import BAD_SENSOR_FAILURE, Catalogue, Float64, make_batch
from lineside.domain.units import SECOND
from lineside.testing.plans import CASTING

SIGNALS = ("die_temp", "pressure", "hall_temp", "serial_no", "lot", "running", "counter", "stage")
CATALOGUE = Catalogue(SIGNALS, frozenset({"serial_no", "lot"}))


def a_plan(cycle: dict[str, Any], **station: Any) -> Plan:
    def signal(name: str, **more: Any) -> dict[str, Any]:
        return {"id": name, "station": "cast", "source": "machine", **more}

    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "machine", "kind": "opcua"}],
            "stations": [{"id": "cast", "cycle": cycle, "lateness": "0 s", **station}],
            "signals": [
                signal("die_temp", unit="degC", features=["mean", "max", "count", "last"]),
                signal(
                    "pressure",
                    unit="bar",
                    features=["p50", "above(1)", "curve(5)", "waves(12)", "slope", "area", "std"],
                ),
                signal("hall_temp", unit="degC", role="environment"),
                signal("serial_no", type="text", role="context"),
                signal("lot", type="text", role="context"),
                signal("running", role="trigger"),
                signal("counter", role="trigger"),
                signal("stage", role="trigger"),
            ],
        }
    )


Row = tuple[float, str, float | str]
TRIGGER = {"by": "trigger", "signal": "running"}


class Stream:
    """Readings written as (second, signal, value), in the order in which they arrive."""

    def __init__(self, *rows: Row, status: int = 0) -> None:
        texts = tuple(dict.fromkeys(value for _, _, value in rows if isinstance(value, str)))
        self.batch = make_batch(
            CATALOGUE,
            [CATALOGUE.codes()[name] for _, name, _ in rows],
            [round(second * SECOND) for second, _, _ in rows],
            [texts.index(value) if isinstance(value, str) else value for _, _, value in rows],
            status=status,
            texts=texts,
        )


def feature(part: PartRecord, plan: Plan, name: str) -> float:
    names = CycleAssembler(plan, "cast", CATALOGUE).recipe.names
    return float(part.features[names.index(name)])


def test_a_cycle_runs_from_the_rising_to_the_falling_edge() -> None:
    plan = a_plan(TRIGGER)
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    closed = assembler.push(
        Stream(
            (0, "running", 0),
            (1, "die_temp", 100),
            (2, "running", 1),
            (2, "die_temp", 200),
            (3, "die_temp", 210),
            (4, "running", 0),
            (4, "die_temp", 300),
        ).batch
    )
    [part] = closed
    assert (part.started, part.ended) == (2 * SECOND, 4 * SECOND)
    assert feature(part, plan, "die_temp.mean") == 205
    assert feature(part, plan, "die_temp.count") == 2
    assert not part.incomplete


def test_a_cycle_closes_at_the_very_reading_that_ends_it() -> None:
    assembler = CycleAssembler(a_plan(TRIGGER), "cast", CATALOGUE)
    assembler.push(Stream((0, "running", 0), (1, "running", 1), (2, "die_temp", 5)).batch)
    assert len(assembler.push(Stream((3, "running", 0)).batch)) == 1


def test_a_cycle_may_run_from_one_rising_edge_to_the_next() -> None:
    assembler = CycleAssembler(a_plan(TRIGGER | {"ends": "next"}), "cast", CATALOGUE)
    rows: list[Row] = [(0, "running", 0), (1, "running", 1), (2, "running", 0), (4, "running", 1), (5, "running", 0)]
    [part] = assembler.push(Stream(*rows).batch)
    assert (part.started, part.ended) == (1 * SECOND, 4 * SECOND)


def test_a_cycle_whose_start_was_not_seen_is_incomplete() -> None:
    assembler = CycleAssembler(a_plan(TRIGGER), "cast", CATALOGUE)
    [part] = assembler.push(Stream((1, "running", 1), (2, "running", 0)).batch)
    assert part.incomplete


def test_a_cycle_that_never_ends_is_closed_at_the_longest_the_plan_allows() -> None:
    assembler = CycleAssembler(a_plan(TRIGGER | {"longest": "10 s"}), "cast", CATALOGUE)
    assembler.push(Stream((0, "running", 0), (1, "running", 1), (2, "die_temp", 5)).batch)
    [part] = assembler.push(Stream((12, "die_temp", 7)).batch)
    assert part.ended == 11 * SECOND
    assert part.incomplete


def test_the_machines_counter_names_the_cycle() -> None:
    assembler = CycleAssembler(a_plan(TRIGGER | {"counter": "counter"}), "cast", CATALOGUE)
    rows: list[Row] = [(0, "running", 0), (1, "running", 1), (1, "counter", 118204), (2, "running", 0)]
    [part] = assembler.push(Stream(*rows).batch)
    assert part.cycle_id == "cast-0-118204"


def test_a_changed_serial_number_delimits_cycles_and_names_units() -> None:
    assembler = CycleAssembler(a_plan({"by": "serial", "signal": "serial_no"}), "cast", CATALOGUE)
    rows: list[Row] = [
        (0, "serial_no", "A1"),
        (1, "die_temp", 10),
        (2, "serial_no", "A1"),
        (3, "serial_no", "A2"),
        (4, "die_temp", 30),
        (5, "serial_no", ""),
    ]
    first, second = assembler.push(Stream(*rows).batch)
    assert (first.unit, first.incomplete) == ("A1", True)
    assert (second.unit, second.started, second.ended) == ("A2", 3 * SECOND, 5 * SECOND)


def test_a_continuous_process_is_cut_into_windows_and_empty_ones_make_no_part() -> None:
    plan = a_plan({"by": "window", "length": "10 s"})
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    parts = assembler.push(Stream((3, "die_temp", 1), (9, "die_temp", 3), (41, "die_temp", 5)).batch)
    parts += assembler.flush()
    assert [part.started // SECOND for part in parts] == [0, 40]
    assert feature(parts[0], plan, "die_temp.mean") == 2


def test_a_serial_number_is_used_once_and_then_the_cycle_names_the_unit() -> None:
    assembler = CycleAssembler(a_plan(TRIGGER, serial="serial_no"), "cast", CATALOGUE)
    rows: list[Row] = [
        (0, "running", 0),
        (1, "serial_no", "S1"),
        (1, "running", 1),
        (2, "running", 0),
        (3, "running", 1),
        (4, "running", 0),
    ]
    first, second = assembler.push(Stream(*rows).batch)
    assert first.unit == "S1"
    assert second.unit == second.cycle_id


def test_conditions_and_context_hold_from_before_the_cycle() -> None:
    plan = a_plan(TRIGGER)
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    rows: list[Row] = [
        (0, "hall_temp", 31.5),
        (0, "lot", "L7"),
        (0, "running", 0),
        (1, "running", 1),
        (2, "running", 0),
    ]
    [part] = assembler.push(Stream(*rows).batch)
    assert feature(part, plan, "hall_temp.last") == 31.5
    assert part.context["lot"] == "L7"
    assert "hall_temp" not in part.missing
    assert "die_temp" in part.missing


def test_phases_are_cut_by_time_or_by_a_signal() -> None:
    plan = a_plan(
        TRIGGER,
        phases=[{"id": "fill", "until": "2 s"}, {"id": "hold", "signal": "stage", "equals": 2}],
    )
    raw = plan.model_dump(mode="json")
    raw["signals"][0]["phase_features"] = {"fill": ["mean"], "hold": ["mean"]}
    plan = Plan.model_validate(raw)
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    rows: list[Row] = [
        (0, "running", 0),
        (1, "running", 1),
        (1, "die_temp", 10),
        (2, "die_temp", 20),
        (3, "die_temp", 99),
        (4, "stage", 2),
        (4, "die_temp", 30),
        (5, "stage", 3),
        (5, "die_temp", 99),
        (6, "running", 0),
    ]
    [part] = assembler.push(Stream(*rows).batch)
    assert feature(part, plan, "die_temp.fill.mean") == 15
    assert feature(part, plan, "die_temp.hold.mean") == 30


def test_statistics_agree_with_their_definitions() -> None:
    plan = a_plan(TRIGGER)
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    times = np.linspace(1, 9, 200)
    values = np.sin(times) + 0.3 * times
    rows: list[Row] = [(0, "running", 0), (1, "running", 1)]
    rows += [(float(t), "pressure", float(v)) for t, v in zip(times, values, strict=True)]
    [part] = assembler.push(Stream(*rows, (10, "running", 0)).batch)
    exact = np.round(times * SECOND) / SECOND - 1
    assert feature(part, plan, "pressure.p50") == pytest.approx(np.percentile(values, 50))
    assert feature(part, plan, "pressure.slope") == pytest.approx(np.polyfit(exact, values, 1)[0])
    assert feature(part, plan, "pressure.area") == pytest.approx(np.trapezoid(values, exact))
    assert feature(part, plan, "pressure.std") == pytest.approx(values.std(ddof=1))
    fine = np.linspace(exact[0], exact[-1], 400_001)
    above = np.mean(np.interp(fine, exact, values) > 1) * (exact[-1] - exact[0])
    assert feature(part, plan, "pressure.above(1)") == pytest.approx(above, abs=1e-3)
    pieces = np.array_split(np.interp(fine[:-1], exact, values), 5)
    for number, piece in enumerate(pieces, start=1):
        assert feature(part, plan, f"pressure.curve({number}of5)") == pytest.approx(piece.mean(), abs=1e-4)


def test_movements_agree_with_convolution_and_tell_a_chatter_from_a_ramp() -> None:
    plan = a_plan(TRIGGER)

    def movements(values: Float64) -> list[float]:
        assembler = CycleAssembler(plan, "cast", CATALOGUE)
        times = np.linspace(1, 7.3, 64)
        rows: list[Row] = [(float(t), "pressure", float(v)) for t, v in zip(times, values, strict=True)]
        [part] = assembler.push(Stream((0, "running", 0), (0.5, "running", 1), *rows, (10, "running", 0)).batch)
        return [feature(part, plan, f"pressure.waves({number}of12)") for number in range(1, 13)]

    ramp = np.linspace(0.0, 1.0, 64)
    chatter = ramp + 0.2 * np.where(np.arange(64) % 2, 1.0, -1.0)
    weights = np.full(9, -1.0)
    weights[:3] = 2.0  # the first pattern, at neighbouring points
    answer = np.correlate(np.pad(chatter, 4, mode="edge"), weights, mode="valid") / np.sqrt(18.0)
    assert movements(chatter)[0] == pytest.approx(np.sqrt(np.mean(answer**2)), rel=1e-5)
    assert movements(np.full(64, 3.0)) == pytest.approx([0.0] * 12, abs=1e-9)
    assert max(np.array(movements(chatter)) / np.array(movements(ramp))) > 1.5


def test_a_curve_is_the_same_whatever_the_speed_of_the_cycle_and_missing_where_it_is_a_single_point() -> None:
    plan = a_plan(TRIGGER)

    def pieces(rows: list[Row], end: float) -> list[float]:
        assembler = CycleAssembler(plan, "cast", CATALOGUE)
        stream = Stream((0, "running", 0), (1, "running", 1), *rows, (end, "running", 0))
        [part] = assembler.push(stream.batch)
        return [feature(part, plan, f"pressure.curve({number}of5)") for number in range(1, 6)]

    line: list[Row] = [(2.0, "pressure", 0.0), (4.5, "pressure", 5.0), (7.0, "pressure", 10.0)]
    slow: list[Row] = [(2.0 * when, name, value) for when, name, value in line]
    assert pieces(line, 8) == pytest.approx([1, 3, 5, 7, 9])
    assert pieces(slow, 16) == pytest.approx([1, 3, 5, 7, 9])
    assert np.isnan(pieces(line[:1], 8)).all()


def test_a_reading_beyond_the_lateness_is_counted_and_left_out() -> None:
    plan = a_plan(TRIGGER, lateness="2 s")
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    rows: list[Row] = [
        (0, "running", 0),
        (1, "running", 1),
        (5, "die_temp", 10),
        (2.9, "die_temp", 99),
        (3.1, "die_temp", 20),
    ]
    assembler.push(Stream(*rows).batch)
    [part] = assembler.push(Stream((6, "running", 0), (9, "hall_temp", 20)).batch)
    assert assembler.counts.late == 1
    assert feature(part, plan, "die_temp.mean") == 15


def test_bad_duplicate_and_conflicting_readings_are_counted_and_left_out() -> None:
    plan = a_plan(TRIGGER)
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    assembler.push(Stream((0, "running", 0), (1, "running", 1), (2, "die_temp", 10)).batch)
    assembler.push(Stream((3, "die_temp", 500), status=BAD_SENSOR_FAILURE).batch)
    rows: list[Row] = [(4, "die_temp", 20), (4, "die_temp", 20), (4, "die_temp", 30), (5, "running", 0)]
    [part] = assembler.push(Stream(*rows).batch)
    assert feature(part, plan, "die_temp.mean") == 15
    counts = assembler.counts
    assert (counts.bad, counts.duplicate, counts.conflicting) == (1, 1, 1)


def test_silence_closes_a_cycle_once_the_lateness_has_passed() -> None:
    assembler = CycleAssembler(a_plan({"by": "window", "length": "10 s"}, lateness="1 s"), "cast", CATALOGUE)
    assert assembler.push(Stream((3, "die_temp", 1)).batch) == []
    assert assembler.advance(10 * SECOND) == []
    assert len(assembler.advance(11 * SECOND)) == 1


def test_finished_part_rows_have_nothing_to_assemble() -> None:
    with pytest.raises(PlanError, match="finished"):
        CycleAssembler(a_plan({"by": "rows"}), "cast", CATALOGUE)


def test_kept_values_grow_with_a_long_cycle() -> None:
    plan = a_plan(TRIGGER)
    assembler = CycleAssembler(plan, "cast", CATALOGUE)
    rows: list[Row] = [(0, "running", 0), (1, "running", 1)]
    rows += [(1 + index / 1000, "pressure", float(index)) for index in range(1, 1001)]
    [part] = assembler.push(Stream(*rows, (5, "running", 0)).batch)
    assert feature(part, plan, "pressure.p50") == 500.5
