"""A year of the simulated cell: `python benchmarks/year.py --out DIR [--seeds 3] [--days N] [--seed S]`.

Lineside and a plain boosted model learn from the spring of each seed and judge the seasons that follow, a part at a
time, beside rows that know nothing. Written are ``year.json``, with every figure of every seed, season and contender,
and ``year.md``, the same as tables. docs/explanation/a-year-of-the-cell.md says what the year is and is not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.year.calendar import Season
from lineside.apps.demo.year.production import year_plan
from lineside.domain.plan.model import Plan
from seasons import contenders, figures, writing
from seasons.stream import make_year

PROJECT = Path(__file__).resolve().parent.parent
PLAN = PROJECT / "src" / "lineside" / "apps" / "demo" / "plan.yaml"
JUDGED = tuple(str(season) for season in Season if season is not Season.SPRING)
VERSIONS = ("lineside", "lightgbm", "numpy", "numba", "onnxruntime", "scikit-learn")
Tell = Callable[[str], None]


def the_plan() -> Plan:
    """Return the demo's plan as a user would have it who leaves models and limits to Lineside."""
    return contenders.left_open(year_plan(load_plan(PLAN)))


def run_seed(plan: Plan, seed: int, days: int | None, tell: Tell, *, ablations: bool = False) -> dict[str, Any]:
    """Return all figures of one seed; with ``ablations`` also those of Lineside with other wishes."""
    began, spent = time.perf_counter(), time.process_time()
    lesson, stream = make_year(plan, seed, days)
    tell(f"{len(lesson.parts):,} parts of spring, {len(stream):,} to be judged")
    answers = {
        "lineside": contenders.lineside(lesson, stream, seed, tell),
        "plain_boosting": contenders.plain(lesson, stream, seed, plan.service_levels.false_alarms_per_shift),
    }
    for name, changed in contenders.ablations(lesson).items() if ablations else ():
        answers[name] = contenders.lineside(changed, stream, seed, tell)
    answers |= contenders.trivial(stream, seed)
    ours, theirs = answers["lineside"].columns, answers["plain_boosting"].columns
    return {
        "seed": seed,
        "learned_from": len(lesson.parts),
        "facts": {name: dict(answer.facts) for name, answer in answers.items()},
        "contenders": {
            name: {season: figures.figures(plan, stream, answer.columns, season) for season in JUDGED}
            for name, answer in answers.items()
        },
        "equal_recall": {season: figures.equal_recall(stream, ours, theirs, season) for season in JUDGED},
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - spent, 1),
    }


def about(plan: Plan, seeds: list[int], days: int | None) -> dict[str, Any]:
    """Return date, commit, versions and what was asked for, without any name of a host."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
        "seeds": seeds,
        "days_of_each_season": days or "all",
        "budget_per_shift": plan.service_levels.false_alarms_per_shift,
        "learned_from": str(Season.SPRING),
        "judged": JUDGED,
    }


def run(out: Path, seeds: list[int], days: int | None, tell: Tell, ablations: int = 0) -> Mapping[str, Any]:
    """Run the seeds and write what came of them; after each seed, so that a long run can be watched.

    The first ``ablations`` seeds are also run with other wishes.
    """
    plan = the_plan()
    out.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    for seed in seeds:
        tell(f"== seed {seed}")
        results.append(run_seed(plan, seed, days, tell, ablations=len(results) < ablations))
        tell(f"== seed {seed} done in {results[-1]['seconds']:.0f} s ({results[-1]['cpu_seconds']:.0f} s of processor)")
        content = writing.collected(about(plan, [item["seed"] for item in results], days), results)
        (out / "year.json").write_text(json.dumps(writing.plain(content), indent=1) + "\n", encoding="utf-8")
        (out / "year.md").write_text(writing.as_markdown(content), encoding="utf-8")
    return content


def main() -> None:
    """Run the seeds that were asked for: the published figures are of seeds 1 to 10."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, help="How many, from the first one on.")
    parser.add_argument("--seed", type=int, default=1, help="The first one.")
    parser.add_argument(
        "--days", type=int, default=None, help="Days of each season, for a quick look; all if not said."
    )
    parser.add_argument("--ablations", type=int, default=1, help="Of how many seeds Lineside is run in other ways too.")
    arguments = parser.parse_args()
    seeds = list(range(arguments.seed, arguments.seed + arguments.seeds))

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    content = run(arguments.out.resolve(), seeds, arguments.days, tell, arguments.ablations)
    print(writing.as_markdown(content))


if __name__ == "__main__":
    main()
