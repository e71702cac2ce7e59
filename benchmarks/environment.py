"""What the environment response does to a model of normal: learned in spring, judged in summer, with it and without.

Parts of the cell of the simulated year (`lineside.apps.demo.year`), once as they come and once in steady running only
(the first `STEADY` parts after each stop left out), without mounting offsets, which are for baselines. Nothing is wrong
in the spring that is learned from; the summer is judged twice, without faults (false alarms) and with them (recall).

    python -m benchmarks.environment [--seeds 3]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

import lineside.apps.demo
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.physics.constants import Instruments
from lineside.apps.demo.year.calendar import ProductionDay, Season, season_days
from lineside.apps.demo.year.production import DayOfParts, YearCell, year_config, year_plan
from lineside.domain.features.recipe import recipe_for
from lineside.domain.metrics.ranking import roc_auc
from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.domain.units import MINUTE
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.learn.runtime import ExportedModel

FIRST_SEED: Final = 2003
"""Not those that anything was tried on."""
CHARACTERISTIC: Final = "porosity"
STEADY: Final = 60
_PAUSE: Final = 5 * MINUTE
_RATE: Final = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One row of the table: where, how, and what came of it."""

    seed: int
    parts: str
    conditions: str
    false_alarms: float
    recall: float
    auc: float
    median: float
    """Median score of the summer's good parts over that of the spring's."""
    why: str


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=3)
    print(
        "| seed | parts | conditions | false alarms in summer | recall | AUC | median score, summer over spring | why |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for seed in range(FIRST_SEED, FIRST_SEED + parser.parse_args().seeds):
        for line in lines(seed):
            figures = f"{line.false_alarms:.2%} | {line.recall:.2f} | {line.auc:.3f} | {line.median:.2f}"
            print(f"| {line.seed} | {line.parts} | {line.conditions} | {figures} | {line.why} |", flush=True)


def lines(seed: int) -> Iterator[Line]:
    """Yield the rows of one seed."""
    plan = year_plan(load_plan(Path(lineside.apps.demo.__file__).with_name("plan.yaml")))
    spring = _parts(plan, seed, season_days(seed, Season.SPRING), faults=False)
    calm, faulty = (_parts(plan, seed, season_days(seed, Season.SUMMER), faults=wrong) for wrong in (False, True))
    for name, chosen in (("all", 0), ("steady", STEADY)):
        tables = [_table(plan, days, chosen) for days in (spring, calm, faulty)]
        for conditions in ("ignore", "auto"):
            yield _judged(plan, tables, conditions, seed, name)


def _parts(plan: Plan, seed: int, days: tuple[ProductionDay, ...], *, faults: bool) -> list[DayOfParts]:
    config = replace(year_config(), instruments=Instruments(surroundings=1.0, mounting=0.0))
    chosen = days if faults else tuple(replace(day, faults=()) for day in days)
    return list(YearCell(plan=plan, seed=seed, config=config).days(chosen))


def _table(plan: Plan, days: list[DayOfParts], after: int) -> PartTable:
    """Return the parts of days that come so many after a stop at least."""
    parts = [(day, part) for day in days for part in day.parts]
    started = np.array([part.started for _, part in parts], dtype=np.int64)
    starts = np.flatnonzero(np.diff(started, prepend=0) > _PAUSE)
    since = np.arange(len(parts)) - starts[np.searchsorted(starts, np.arange(len(parts)), side="right") - 1]
    kept = [item for item, count in zip(parts, since.tolist(), strict=True) if count >= after]
    return PartTable(
        recipe=recipe_for(plan, plan.characteristic(CHARACTERISTIC).station),
        unit=tuple(part.unit for _, part in kept),
        started=np.array([part.started for _, part in kept], dtype=np.int64),
        ended=np.array([part.ended for _, part in kept], dtype=np.int64),
        features=np.stack([part.features for _, part in kept]),
        group=tuple(f"week {day.day.week}" for day, _ in kept),
        outcome=tuple(day.outcomes.get((part.unit, CHARACTERISTIC), ("", 0))[0] for day, part in kept),
    )


def _judged(plan: Plan, tables: list[PartTable], conditions: str, seed: int, name: str) -> Line:
    wish = {"family": "normal", "conditions": conditions, "false_alarm_rate": _RATE}
    dump = plan.model_dump(mode="json", exclude_none=True)
    for item in dump["characteristics"]:
        item["model"] = wish if item["id"] == CHARACTERISTIC else item["model"]
    result = fit(FitRequest(plan=Plan.model_validate(dump), characteristic=CHARACTERISTIC, table=tables[0], timed=True))
    spring, calm, faulty = (_scores(result, table) for table in tables)
    bad = [np.array([text == "nonconforming" for text in table.outcome]) for table in tables]
    limit = result.bundle.manifest.limit
    return Line(
        seed=seed,
        parts=name,
        conditions=conditions,
        false_alarms=float(np.mean(calm[~bad[1]] > limit)),
        recall=float(np.mean(faulty[bad[2]] > limit)),
        auc=roc_auc(bad[2], faulty),
        median=float(np.median(calm[~bad[1]]) / np.median(spring[~bad[0]])),
        why=result.report.conditions,
    )


def _scores(result: FitResult, table: PartTable) -> Float64:
    manifest = result.bundle.manifest
    model = ExportedModel(
        graph=result.bundle.files["model.onnx"], width=len(manifest.inputs) - manifest.conditions,
        weight=manifest.memory, lags=manifest.lags, drift=manifest.drift, allowance=manifest.cusum,
    )  # fmt: skip
    rows = np.asarray(table.features, dtype=np.float32).astype(np.float64)[:, list(manifest.inputs)]
    nobody = np.full(len(rows), "", dtype=object)
    return model.run(rows, nobody)["score"].ravel().astype(np.float64)


if __name__ == "__main__":
    main()
