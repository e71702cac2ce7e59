"""Do explanations name the true cause? Faults are put into the simulated cell, and the alerts' first contribution read.

``python benchmarks/faithfulness.py [--days 12] [--seeds 5] [--json FILE]``

What is *right* was written down before anything was run: for each fault the signals that physically carry it, by the
cell's own equations (`lineside.apps.demo.physics`), with the reason. The cell that is learned from and the cells that
are judged have different seeds, and none of these was looked at while the explanations were made.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.history import STATION, PastParts, ProductionDay, production_days
from lineside.apps.demo.physics.cell import Cell, CellState, ShotBlock
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.physics.readings import readings
from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertKind
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND
from lineside.learn.fit import FitRequest, fit

PLAN: Final = Path(str(resources.files("lineside.apps.demo") / "plan.yaml"))
UNTIL: Final = 1_767_225_600 * SECOND
LEARNED: Final = 7
HELD_OUT: Final = 4_000
"""Seeds of the cells that are judged begin here."""
MONTH: Final = 29 * DAY
QUIET: Final = 4_000
"""Shots of the quiet stretch."""
WARM: Final = 110
"""Shots before the fault: the die is warm by then, and the last of them are judged as good ones."""
BROKEN: Final = 90
"""Shots with the fault."""
FULL: Final = 0.5
"""Parts count from this share of the fault's full severity on: before it, there may be nothing to be seen yet."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What physically carries a fault: signals, and why these."""

    signals: frozenset[str]
    why: str
    ramp: int


def _carried(signals: str, why: str, ramp: int) -> Carried:
    return Carried(frozenset(signals.split()), why, ramp)


RIGHT: Final[Mapping[FaultKind, Carried]] = {
    FaultKind.CHILLER_VALVE: _carried(
        "cooling_flow cooling_out die_temperature_moving die_temperature_fixed die_surface_temperature",
        "a closed valve takes flow away, the water that is left leaves hotter, and both die halves heat up",
        MINUTE,
    ),
    FaultKind.VACUUM_LEAK: _carried("vacuum_pressure", "a leak leaves air in the cavity, and nothing else", MINUTE),
    FaultKind.PLUNGER_WEAR: _carried(
        "plunger_velocity fill_time gate_velocity metal_pressure intensification_pressure plunger_lubricant",
        "a worn tip takes flow and pressure from the shot: slower fill, lower pressure behind it, less lubricant kept",
        15 * MINUTE,
    ),
    FaultKind.ALLOY_LOT: _carried(
        "melt_hydrogen alloy_silicon alloy_iron",
        "the lot carries more hydrogen and iron and less silicon; the machine does what it did",
        5 * MINUTE,
    ),
    FaultKind.SENSOR_STUCK: _carried("die_temperature_moving", "this thermocouple alone is read wrongly", SECOND),
    FaultKind.SENSOR_DRIFT: _carried("die_temperature_fixed", "this thermocouple alone is read wrongly", 90 * MINUTE),
}
CAUSES: Final[Mapping[FaultKind, frozenset[str]]] = {
    FaultKind.CHILLER_VALVE: frozenset({"porosity_cooling"}),
    FaultKind.VACUUM_LEAK: frozenset({"porosity_vacuum"}),
    FaultKind.PLUNGER_WEAR: frozenset({"porosity_plunger", "cold_shut_plunger"}),
    FaultKind.ALLOY_LOT: frozenset({"porosity_melt", "cold_shut_melt"}),
    FaultKind.SENSOR_STUCK: frozenset({"porosity_cooling", "cold_shut_die"}),
    FaultKind.SENSOR_DRIFT: frozenset({"porosity_cooling", "cold_shut_die"}),
}
"""The plan's reactions whose signals these are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Figures of one fault under one kind of model.

    ``alerts`` are those raised while the fault was there, ``right_alerts`` those whose first contribution is a signal
    that carries it, ``right_causes`` those with the reaction to it; ``parts`` and ``right_parts`` count parts in alarm.
    """

    model: str
    fault: str
    alerts: int
    right_alerts: int
    right_causes: int
    parts: int
    right_parts: int


def plan_with(family: str) -> Plan:
    """Return the demo's plan, its attributes learned by one family."""
    plan = load_plan(PLAN)
    given: dict[str, Any] = plan.model_dump(mode="json", exclude_unset=True)
    kept = [item for item in given["characteristics"] if item["id"] in {"porosity", "cold_shut"}]
    for item in kept:
        item["model"] = {**item.get("model", {}), "family": family}
    if family != "supervised":
        kept = kept[:1]  # a model of normal learns the same of every attribute
    ids = {item["id"] for item in kept}
    given["characteristics"] = kept
    given["reactions"] = [item for item in given["reactions"] if item["characteristic"] in ids]
    return Plan.model_validate(given)


def learned_judge(plan: Plan, days: Iterable[ProductionDay]) -> OnnxJudge:
    """Return a judge that has learned from a cell's past."""
    past = PastParts(plan)
    for day in days:
        past.add(day)
    bundles = [
        fit(FitRequest(plan=plan, characteristic=item.id, table=past.table(item.id), timed=True)).bundle
        for item in plan.characteristics
    ]
    return OnnxJudge(plan, STATION, bundles).open()


def a_year(days: int) -> Iterable[ProductionDay]:
    """Return days spread over a year before `UNTIL`, most of them with episodes of faults."""
    return production_days(LEARNED, days, UNTIL)[1]


def a_quiet_stretch(shots: int) -> Iterable[ProductionDay]:
    """Return shots of the days after `UNTIL` in which nothing was wrong."""
    yield ProductionDay(name="quiet", block=Cell(CellConfig(), LEARNED, CellState(time=UNTIL)).step(shots))


def parts_of(plan: Plan, block: ShotBlock) -> list[PartRecord]:
    """Return the parts of some shots, as the gateway would make them."""
    catalogue = catalogue_for(plan)
    assembler = CycleAssembler(plan, STATION, catalogue)
    closed = assembler.push(readings(block, catalogue))
    closed += assembler.advance(int(block.schedule.start[-1]) + HOUR)
    return [part for part in closed if not part.incomplete]


def faulty_parts(plan: Plan, kind: FaultKind, seed: int, apart: int) -> tuple[list[PartRecord], int]:
    """Return parts of a cell in which a fault comes up, and from when on (UTC ns) it is there.

    Cells of one seed after another run ``apart`` (ns) from each other.
    """
    cell = Cell(CellConfig(), seed, CellState(time=UNTIL + (seed % 12) * apart))
    warm = parts_of(plan, cell.step(WARM))
    begun = cell.state.time
    ramp = RIGHT[kind].ramp
    cell.begin(kind, at=begun)
    shots = BROKEN + int(FULL * ramp / (44 * SECOND))
    return warm + parts_of(plan, cell.step(shots)), begun + int(FULL * ramp)


def alarms_of(judge: OnnxJudge, parts: Sequence[PartRecord], since: int) -> Iterator[Prediction]:
    """Yield the predictions in alarm of parts made since a time; the judge sees the earlier ones too."""
    judge.reset()
    for part in parts:
        for prediction in judge.judge(part, part.ended).predictions:
            if part.started >= since and prediction.state is JudgementState.ALARM:
                yield prediction


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of model: its plan, its judge, and how far apart in time the cells run that it judges."""

    name: str
    plan: Plan
    judge: OnnxJudge
    apart: int


def row_of(subject: Subject, kind: FaultKind, seeds: Sequence[int]) -> Row:
    """Return the figures of a fault over several cells."""
    carried, causes = RIGHT[kind].signals, CAUSES[kind]
    counts = dict.fromkeys(("alerts", "right_alerts", "right_causes", "parts", "right_parts"), 0)
    for seed in seeds:
        engine = AlertEngine(subject.plan, STATION, "faithfulness")
        parts, since = faulty_parts(subject.plan, kind, seed, subject.apart)
        for prediction in alarms_of(subject.judge, parts, since):
            right = prediction.contributions[0].signal in carried
            counts["parts"] += 1
            counts["right_parts"] += right
            if any(event.kind is AlertKind.RAISED for event in engine.observe(prediction, prediction.judged)):
                counts["alerts"] += 1
                counts["right_alerts"] += right
                counts["right_causes"] += prediction.cause in causes
    return Row(model=subject.name, fault=str(kind), **counts)


def subjects(days: int) -> Iterator[Subject]:
    """Yield what is looked at: the plan's models, and models of normal of a year and of a quiet stretch."""
    for name, family, past, apart in (
        ("supervised, a year", "supervised", a_year(days), MONTH),
        ("normal, a year", "normal", a_year(days), MONTH),
        ("normal, a quiet stretch", "normal", a_quiet_stretch(QUIET), DAY // 4),
    ):
        plan = plan_with(family)
        yield Subject(name, plan, learned_judge(plan, past), apart)


def table(rows: Sequence[Row]) -> str:
    """Return the figures as Markdown."""
    lines = [
        "| model | fault | alerts raised | first contribution right | reaction right | parts in alarm | first right |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        share = f"{row.right_parts / row.parts:.0%}" if row.parts else "-"
        lines.append(
            f"| {row.model} | {row.fault} | {row.alerts} | {row.right_alerts} | {row.right_causes} | {row.parts} |"
            f" {share} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=12, help="days of the year to learn from")
    parser.add_argument("--seeds", type=int, default=5, help="cells per fault")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for subject in subjects(arguments.days):
        for kind in RIGHT:
            rows.append(row_of(subject, kind, range(HELD_OUT, HELD_OUT + arguments.seeds)))
            print(rows[-1], flush=True)
    print(table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
