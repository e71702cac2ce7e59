"""The honest figures on four published sets: `python benchmarks/backtests.py --out DIR --data DIR [--only SET]`.

Each set is prepared, run through the command `lineside backtest` by its published protocol with the plan in
``benchmarks/plans``, and reported beside its marks and the trivial rows: ``backtests.json``, ``backtests.md``, and
a folder per set with scores, report and plots. What is learned, and by what settings, is the plan's business alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import backtest_data as data
import backtest_figures as figures
import backtest_peers as peers
from lineside.adapters.plan_yaml import load_plan
from lineside.domain.plan.model import AlertDelays
from lineside.domain.splits import Amount, GivenSplit

PROJECT = Path(__file__).resolve().parent.parent
PLANS = Path("benchmarks/plans")
TEP_SPLIT = GivenSplit(train_groups=("d00",), calibrate_groups=("d00_te",), calibrate=Amount(rows=480))
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that counts: its mark and stretch in words, and how it is held against the mark."""

    name: str
    mark: str = ""
    stretch: str = ""
    least: float | None = None
    most: float | None = None

    def verdict(self, value: float | None) -> str:
        """Say whether the mark is reached."""
        if self.least is None and self.most is None:
            return ""
        reached = (
            value is not None
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )
        return "reached" if reached else "not reached"


GOALS = {
    "tep": (
        Goal("fdr18", ">= 0.78", "0.94 at FAR 0.01 (CVA)", least=0.78),
        Goal("far_prefault", "<= 0.01", most=0.01),
        Goal("far_second_half", "<= 0.02", most=0.02),
        Goal("median_delay_min", "", "below 48"),
    ),
    "skab": (
        Goal("f1", ">= 0.65", "0.784 (Conv-AE)", least=0.65),
        Goal("far", "<= 0.15", "0.1355 (Conv-AE)", most=0.15),
        Goal("mar", "", "0.2802 (Conv-AE)"),
        Goal("events_found", ">= 28 of 34", "31 of 34", least=28),
        Goal("false_episodes_per_hour", "<= 8.5", "8.5", most=8.5),
    ),
    "airtlab_molding": (
        Goal("accuracy", ">= 0.940", "0.9504 (random forest)", least=0.94),
        Goal("waste_recall", ">= 0.94", least=0.94),
        Goal("waste_precision", ">= 0.94", least=0.94),
        Goal("ece", "<= 0.03", most=0.03),
    ),
    "nab_temperature": (
        Goal("machine_found", "4 of 4", least=4),
        Goal("ambient_found", "2 of 2", least=2),
        Goal("false_alarms", "<= 8", most=8),
        Goal("nab_score", "", "85.1 (ARTime); 66.7 (random)"),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One call of `lineside backtest`: the plan, what follows it on the command line, and where its output goes."""

    plan: str
    arguments: tuple[str, ...]
    folder: Path

    def command(self) -> list[str]:
        """Return the command line."""
        output = ["--json", "--scores", str(self.folder / "scores.parquet"), "--report", str(self.folder)]
        return [
            sys.executable,
            "-m",
            "lineside",
            "backtest",
            str(PLANS / f"{self.plan}.yaml"),
            *self.arguments,
            *output,
        ]

    def run(self) -> dict[str, Any]:
        """Run it; its progress goes to the terminal, its JSON is returned."""
        print(f"-- lineside backtest {PLANS / self.plan}.yaml {' '.join(self.arguments)}", file=sys.stderr)
        environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
        done = subprocess.run(self.command(), cwd=PROJECT, env=environment, stdout=subprocess.PIPE, check=True)
        result: dict[str, Any] = json.loads(done.stdout)
        (self.folder / "backtest.json").write_text(json.dumps(result, indent=1))
        return result


def delays(plan: str) -> AlertDelays:
    """Return the delays of a plan's only characteristic."""
    (characteristic,) = load_plan(PROJECT / PLANS / f"{plan}.yaml").characteristics
    return characteristic.alert


def run_tep(source: Path, out: Path) -> Figures:
    """Learn from d00, set the limit by the first half of d00_te, judge the rest of everything."""
    folder = data.prepare_tep(source, out / "data" / "tep")
    split = ("--train-group", "d00", "--calibrate-group", "d00_te", "--calibrate", "480")
    arguments = ("--data", str(folder), "--protocol", "fit-then-run", *split)
    result = Run(plan="tep", arguments=arguments, folder=out / "tep").run()
    scores = figures.read_scores(out / "tep" / "scores.parquet")
    check_tep_limits(scores)
    names = ("fdr18", "far_prefault", "median_delay_min")
    beside = {
        "intervals": figures.intervals(scores, figures.tep, names, always=("d00_te",)),
        "peers": peers.compared("tep", [peers.read_set(PLANS / "tep.yaml", folder, TEP_SPLIT)], peers.one(figures.tep)),
    }
    return figures.tep(scores) | beside | _with_trivial(figures.trivial(scores, figures.tep), result)


def check_tep_limits(scores: figures.Scores) -> None:
    """Refuse a result whose limit could have seen what it judged."""
    judged = scores.group.count("d00_te")
    if judged != 480 or "d00" in scores.group:
        raise SystemExit(f"leak: {judged} rows of d00_te were judged instead of its second half")


def run_skab(source: Path, out: Path) -> Figures:
    """Learn from the first 400 rows of each experiment, without labels, and judge the rest of it."""
    where = ("--data", str(source / "skab"), "--files", "valve*/*.csv", "--files", "other/*.csv")
    protocol = ("--protocol", "fit-then-run", "--train", "400", "--per-group", "--unlabelled")
    result = Run(plan="skab", arguments=(*where, *protocol), folder=out / "skab").run()
    scores = figures.read_scores(out / "skab" / "scores.parquet", delays=delays("skab"))
    names = ("f1", "far", "mar", "events_found", "false_episodes_per_hour")
    split = GivenSplit(train=Amount(rows=400), per_group=True)
    read = peers.read_set(PLANS / "skab.yaml", source / "skab", split, ("valve*/*.csv", "other/*.csv"))
    beside = {
        "intervals": figures.intervals(scores, figures.skab, names),
        "peers": peers.compared("skab", [read], peers.one(figures.skab)),
    }
    return figures.skab(scores) | beside | _with_trivial(figures.trivial(scores, figures.skab), result)


def run_airtlab(source: Path, out: Path) -> Figures:
    """Stratified 5-fold, three repeats; the published protocol counts every row, so copies are only reported."""
    path = source / "airtlab_molding" / "data.csv"
    where = ("--data", str(path))
    split = ("--protocol", "repeated-stratified-kfold", "--folds", "5", "--repeats", "3", "--duplicates", "report")
    result = Run(plan="airtlab_molding", arguments=(*where, *split), folder=out / "airtlab_molding").run()
    scores = figures.read_scores(out / "airtlab_molding" / "scores.parquet", bad="1")
    trivial = figures.airtlab_trivial(scores, result["trivial"])
    names = ("accuracy", "waste_recall", "waste_precision")
    beside = {
        "intervals": figures.intervals(scores, lambda drawn: figures.airtlab(drawn, {}), names),
        "peers": peers.classifiers(PLANS / "airtlab_molding.yaml", path, 5, 3, "1"),
    }
    return figures.airtlab(scores, result["metrics"]) | beside | _with_trivial(trivial, result)


def run_nab(source: Path, out: Path) -> Figures:
    """Learn from the first 15 % (at most 750 rows) of each series, and judge the rest."""
    scores, read = [], []
    seconds = 0.0
    for series in data.NAB_SERIES:
        path = data.prepare_nab(source, out / "data" / "nab", series)
        split = ("--protocol", "fit-then-run", "--train", "15%", "--train-most", "750", "--unlabelled")
        result = Run(plan=series, arguments=("--data", str(path), *split), folder=out / series).run()
        seconds += result["seconds"]
        read.append(peers.read_set(PLANS / f"{series}.yaml", path, GivenSplit(train=Amount(share=0.15, most=750))))
        scores.append(figures.read_scores(out / series / "scores.parquet", delays=delays(series)))
    machine, ambient = scores
    trivial = figures.nab_trivial(machine, ambient)
    beside = {"peers": peers.compared("nab", read, lambda series: figures.nab(*series))}
    return figures.nab(machine, ambient) | beside | _with_trivial(trivial, {"seconds": seconds})


RUNS: Mapping[str, Callable[[Path, Path], Figures]] = {
    "tep": run_tep,
    "skab": run_skab,
    "airtlab_molding": run_airtlab,
    "nab_temperature": run_nab,
}


def _with_trivial(trivial: Mapping[str, Figures], result: Mapping[str, Any]) -> Figures:
    return {"seconds": result["seconds"], "trivial": dict(trivial)}


# -- what is written --------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: what is no number is null."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(value: float | None) -> str:
    """Return a figure as people read it."""
    if value is None:
        return "-"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) >= 2 else f"{value:.3f}"


def table(name: str, result: Figures) -> list[str]:
    """Return a set's tables: result, interval, mark, stretch and the trivial rows; then the peers."""
    trivial, intervals = result["trivial"], result.get("intervals", {})
    header = ["figure", "result", "90 %", "mark", "", "best published", *(item.replace("_", " ") for item in trivial)]
    ruler = ["---", "---:", "---", "---", "---", "---", *["---:"] * len(trivial)]
    lines = [f"## {name}", "", _row(header), _row(ruler)]
    for goal in GOALS[name]:
        value = result.get(goal.name)
        interval = " to ".join(shown(end) for end in intervals.get(goal.name, ()))
        beside = [shown(row.get(goal.name)) for row in trivial.values()]
        cells = [f"`{goal.name}`", shown(value), interval, goal.mark, goal.verdict(value), goal.stretch, *beside]
        lines.append(_row(cells))
    known = {goal.name for goal in GOALS[name]} | {"trivial", "seconds", "intervals", "peers"}
    rest = [f"`{key}` {shown(value)}" for key, value in result.items() if key not in known]
    beside_them = f"Beside them: {', '.join(rest)}. Run time {result['seconds']:.0f} s."
    return [*lines, "", *peer_table(name, result), beside_them, ""]


def peer_table(name: str, result: Figures) -> list[str]:
    """Return the table of the peers under the same protocol and rule for the limit, ours above them."""
    rows = result.get("peers", {})
    if not rows:
        return []
    goals = GOALS[name]
    lines = [_row(["detector", *(f"`{goal.name}`" for goal in goals)]), _row(["---", *["---:"] * len(goals)])]
    for title, row in {"**Lineside**": result, **rows}.items():
        lines.append(_row([title, *(shown(row.get(goal.name)) for goal in goals)]))
    return [*lines, ""]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def where_from() -> str:
    """Return date, machine and commit, without any name of a host."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return f"{today}; {machine}; commit {commit.stdout.strip() or 'unknown'}."


def write(out: Path, results: Mapping[str, Figures]) -> None:
    """Write ``backtests.json`` and ``backtests.md``."""
    content = {name: plain(result) for name, result in results.items()}
    (out / "backtests.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    lines = ["# Backtests on published data", "", where_from(), ""]
    for name, result in content.items():
        lines += table(name, result)
    (out / "backtests.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    """Run the sets that were asked for; a set whose data is missing is said to be, and fails the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--only", choices=tuple(RUNS), action="append", help="Only this set; may be given again.")
    arguments = parser.parse_args()
    out, source = arguments.out.resolve(), arguments.data.resolve()
    if not source.is_dir():
        raise SystemExit(f"no data in {source}: docs/reference/figures/backtests.md says where to get the sets")
    out.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in arguments.only or RUNS:
        began = time.perf_counter()
        print(f"== {name}", file=sys.stderr)
        results[name] = RUNS[name](source, out)
        print(f"== {name} done in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    write(out, results)


if __name__ == "__main__":
    main()
