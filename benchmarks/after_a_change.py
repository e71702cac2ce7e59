"""What older parts teach after a change of the process: `python benchmarks/after_a_change.py [--seeds 4]`.

The simulated cell goes through its year with events (docs/explanation/a-year-of-the-cell.md), in which the die changes
in week 40. Models of short shots are learned in weeks 43 and 47: from all parts, from those since the change alone, and
from these with what older parts teach of the weather. Each judges all parts from the week after next on, as a gateway
would.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.year.calendar import BEGIN, WEEK, production_days
from lineside.apps.demo.year.production import DayOfParts, YearCell
from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertKind
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState
from lineside.learn.fit import FitRequest, fit
from seasons.events import CHANGED, CHARACTERISTIC, SILENT, STATION, plan_text, scenario
from seasons.rehearsal import WRITER
from seasons.stream import lesson_of
from year import PLAN

LEARNED = (43, 47)
HEADER = "| seed | learned after week | from | recall | false alarms a shift | outside experience |"


def main() -> None:
    """Print the figures of the seeds that were asked for as a Markdown table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="How many, from the first one on.")
    parser.add_argument("--seed", type=int, default=1001, help="The first one.")
    arguments = parser.parse_args()
    plan = _plan()
    print(f"{HEADER}\n|---|---|---|---|---|---|")
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        events = scenario(seed)
        cell = YearCell(plan=plan, seed=seed, changes=events.changes, troubles=events.troubles)
        days = list(cell.days(production_days(seed)))
        for week in LEARNED:
            for row in rows(plan, seed, days, week):
                print(f"| {seed} | {week} | {row} |", flush=True)


def rows(plan: Plan, seed: int, days: list[DayOfParts], week: int) -> Iterator[str]:
    """Yield what each way of learning in a week gives on the weeks from the one after next on."""
    known = [day for day in days if day.day.week <= week and day.day.week not in SILENT]
    later = [day for day in days if day.day.week > week + 1]
    whole = lesson_of(plan, known).table(CHARACTERISTIC)
    since = BEGIN + CHANGED * WEEK
    older, new = whole.parted(since)
    ways = {"all parts": (whole, None, 0), "parts since": (new, None, since), "and older": (new, older, since)}
    for name, (table, before, start) in ways.items():
        request = FitRequest(
            plan=plan, characteristic=CHARACTERISTIC, table=table, older=before, since=start, seed=seed,
            now=known[-1].day.end,
        )  # fmt: skip
        judge = OnnxJudge(plan, STATION, [fit(request).bundle]).open()
        yield f"{name} | {figures(plan, judge, later)}"


def figures(plan: Plan, judge: OnnxJudge, days: list[DayOfParts]) -> str:
    """Return recall, alerts raised at good parts by shift, and the share of parts outside experience."""
    engine, bad_parts, found, false, outside, parts = AlertEngine(plan, STATION, WRITER), 0, 0, 0, 0, 0
    for day in days:
        for part, bad in zip(day.parts, day.truth.bad[CHARACTERISTIC].tolist(), strict=True):
            (item,) = judge.judge(part, part.received).predictions
            raised = [event for event in engine.observe(item, part.received) if event.kind is AlertKind.RAISED]
            alarm = item.state is JudgementState.ALARM
            parts, bad_parts, found = parts + 1, bad_parts + bad, found + (bad and alarm)
            false += bool(raised) and alarm and not bad
            outside += item.state is JudgementState.OUTSIDE_EXPERIENCE
    shifts = sum(day.day.shifts for day in days)
    return f"{found / max(bad_parts, 1):.2f} of {bad_parts} | {false / shifts:.1f} | {outside / parts:.1%}"


def _plan() -> Plan:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.yaml"
        file.write_text(plan_text(PLAN.read_text(encoding="utf-8")), encoding="utf-8")
        return load_plan(file)


if __name__ == "__main__":
    main()
