"""What happens in a year with events, and what became of each: named or not, after how long, and what was learned."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.year.calendar import BEGIN, SHIFT, WEEK, Season, production_days
from lineside.apps.demo.year.production import DayOfParts, YearCell, year_config
from lineside.apps.demo.year.troubles import Trouble, TroubleKind
from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import JudgementState, Prediction
from lineside.wire.records import RecordKind
from seasons.engine import SOON
from seasons.judged import Bools
from seasons.rehearsal import WRITER, Rehearsal, found_of, rehearsal

STATION, CHARACTERISTIC = "cast", "short_shot"
CHANGED = 40
"""Week from which on the die takes more metal: what was a good biscuit is a short shot."""
SILENT = range(29, 31)
_TROUBLES = (
    ("die_temperature_fixed", TroubleKind.STUCK, 4.0),
    ("cooling_out", TroubleKind.UNIT, 1.5),
    ("accumulator_pressure", TroubleKind.NOISY, 2.0),
    ("pour_temperature", TroubleKind.OFFSET, 4.0),
)
_TROUBLE_WEEKS = (18, 34)
_TOOL = (
    "{id: tool, name: Mounting of the tool, station: cast, role: context, type: text, source: machine, "
    "address: ns=2;s=DC07.tool}"
)
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A seed's events beside those that every year has."""

    troubles: tuple[Trouble, ...]
    changes: Mapping[int, CellConfig]


def scenario(seed: int) -> Scenario:
    """Return the events of a seed: two instruments in trouble for a week each, taken in turn from four."""
    chosen = [_TROUBLES[(2 * seed + place) % len(_TROUBLES)] for place in range(len(_TROUBLE_WEEKS))]
    troubles = tuple(
        Trouble(signal=signal, kind=kind, weeks=range(week, week + 1), spread=spread)
        for week, (signal, kind, spread) in zip(_TROUBLE_WEEKS, chosen, strict=True)
    )
    usual = year_config()
    changed = replace(usual, die=replace(usual.die, least_biscuit=19.0, biscuit_slope=5.0))
    return Scenario(troubles=troubles, changes={CHANGED: changed})


def plan_text(demo: str) -> str:
    """Return the demo's plan as this line would declare it: one characteristic to follow, and learning by itself."""
    changed = demo
    for old, new in (
        ("\nsignals:\n", f"\nsignals:\n  - {_TOOL}\n"),
        ("model: {family: supervised, false_alarm_rate: 0.001}", "model: {family: supervised}"),
        ("greatest_performance_loss: 0.1", "greatest_performance_loss: 0.2"),
        ("\nprivacy:\n", "\nlearn_again: {automatic: true, least_bad: 60, pause: 28 d}\n\nprivacy:\n"),
    ):  # fmt: skip
        assert changed.count(old) == 1, old
        changed = changed.replace(old, new)
    return changed


async def run_events(text: str, seed: int, tell: Tell) -> dict[str, Any]:
    """Run a year with events; return all that came of it."""
    began, events = time.perf_counter(), scenario(seed)
    days = production_days(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with rehearsal(plan_text(text), Path(folder), STATION, CHARACTERISTIC, days[0].start) as plant:
            cell = YearCell(plan=plant.plan, seed=seed, changes=events.changes, troubles=events.troubles)
            record = _Record(plant)
            made = cell.days(days)
            await _spring(plant, [next(made) for day in days if day.season is Season.SPRING])
            tell(f"the first model is {(await plant.ladder.kept())[0].name}")
            record.first = plant.opened((await plant.ladder.kept())[0])
            engine = AlertEngine(plant.plan, STATION, WRITER)
            for day in made:
                await record.day(day, engine)
                tell(f"week {day.day.week}: {record.said()}")
            return {"seed": seed, "seconds": round(time.perf_counter() - began, 1), **record.result(events)}


async def _spring(plant: Rehearsal, days: list[DayOfParts]) -> None:
    plant.clock.move(days[-1].day.end - plant.clock.now())
    for day in days:
        await plant.keep(RecordKind.PARTS, day.parts)
        known = [item for item in found_of(day.outcomes, CHARACTERISTIC) if item.found <= plant.clock.now()]
        await plant.keep(RecordKind.OUTCOMES, known)
    await plant.serve(await plant.learn("the first model of the line"))


def false_alerts(events: Sequence[AlertEvent], predictions: Sequence[Prediction], bad: Bools) -> int:
    """Return how many alerts of a shift had no reason: of their first parts, as far as in alarm, none was bad.

    Advisories about conditions that were never learned from are not of these. Counted are alerts, as the plan's budget
    counts them.
    """
    alarm = np.array([item.state is JudgementState.ALARM for item in predictions], dtype=np.bool_)
    place = {item.cycle_id: row for row, item in enumerate(predictions)}
    raised = [place[event.cycle_id] for event in events if event.kind is AlertKind.RAISED]
    return sum(bool(alarm[row]) and not (alarm & bad)[row : row + SOON].any() for row in raised)


class _Record:
    """What was seen at the end of every shift."""

    def __init__(self, plant: Rehearsal) -> None:
        self.plant = plant
        self.first: Any = None
        self.shifts: list[dict[str, Any]] = []
        self.counts: list[dict[str, Any]] = []
        self._waiting: list[Any] = []
        self._entries = 0

    async def day(self, day: DayOfParts, engine: AlertEngine) -> None:
        """Make, judge, inspect and look, shift by shift."""
        self._waiting += found_of(day.outcomes, CHARACTERISTIC) if day.day.week not in SILENT else []
        bad = day.truth.bad[CHARACTERISTIC]
        for shift in range(day.day.shifts):
            rows = np.flatnonzero(day.shift == shift)
            parts = [day.parts[row] for row in rows]
            predictions, events = self.plant.judge(parts, engine)
            self._count(day, shift, bad[rows], predictions, parts)
            self.counts[-1]["false_alerts"] = false_alerts(events, predictions, bad[rows])
            end = day.day.start + (shift + 1) * SHIFT
            self.plant.clock.move(end - self.plant.clock.now())
            await self.plant.keep(RecordKind.PARTS, parts)
            await self.plant.keep(RecordKind.PREDICTIONS, predictions)
            await self.plant.keep(RecordKind.ALERTS, events)
            due = [item for item in self._waiting if item.found <= end]
            self._waiting = [item for item in self._waiting if item.found > end]
            await self.plant.keep(RecordKind.OUTCOMES, due)
            await self.plant.look()
            self._see(day.day.week, shift)
        await self.plant.climb()

    def _count(self, day: DayOfParts, shift: int, bad: Any, predictions: list[Any], parts: list[PartRecord]) -> None:
        alarm = np.array([item.state == "alarm" for item in predictions])
        first = np.array([self.first.judge(part, part.received).predictions[0].state == "alarm" for part in parts])
        self.counts.append(
            {
                "week": day.day.week, "shift": shift, "parts": len(parts), "bad": int(bad.sum()),
                "found": int((bad & alarm).sum()), "false": int((~bad & alarm).sum()),
                "first_found": int((bad & first).sum()), "first_false": int((~bad & first).sum()),
            }
        )  # fmt: skip

    def _see(self, week: int, shift: int) -> None:
        watched = self.plant.watch.last
        new = self.plant.audit.kept[self._entries :]
        self._entries = len(self.plant.audit.kept)
        self.shifts.append(
            {
                "week": week, "shift": shift,
                "sensors": [[item.signal, item.fault] for item in (watched.drift[0].sensors if watched.drift else ())],
                "drifted": [item.name for report in watched.drift for item in report.drifted],
                "damage": [item.what for report in watched.performance for item in report.damage],
                "reasons": [
                    [str(item.reason), item.ready] for found in watched.learn_again.values() for item in found
                ],
                "worse": max((report.since.worse for report in watched.performance), default=0),
                "audit": [[entry.action, json.loads(entry.content)] for entry in new],
            }
        )  # fmt: skip

    def said(self) -> str:
        """Return the last shift in a line."""
        last = self.shifts[-1]
        jobs = [(job.reason, job.text, str(job.state)) for job in self.plant.runner.folder.all()]
        return (
            f"{last['damage']} {last['sensors']} {last['reasons']} {jobs} {self.plant.steps[-1:]} {self.plant.refused}"
        )

    def result(self, events: Scenario) -> dict[str, Any]:
        """Return the figures."""
        jobs = [
            {"reason": job.reason, "text": job.text, "state": str(job.state), "week": (job.created - BEGIN) // WEEK,
             "since": (job.since - BEGIN) / WEEK if job.since else None, "seconds": job.processor_seconds,
             "cost": job.cost, "result": job.result.partition("+")[0]}
            for job in reversed(self.plant.runner.folder.all())
        ]  # fmt: skip
        steps = [item | {"week": (item.pop("time") - BEGIN) / WEEK} for item in self.plant.steps]
        return {
            "troubles": [[item.signal, str(item.kind), item.weeks.start] for item in events.troubles],
            "jobs": jobs, "steps": steps, "refused": self.plant.refused, "shifts": self.shifts, "counts": self.counts,
        }  # fmt: skip
