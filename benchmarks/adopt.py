"""Three prototypes as notebooks make them, and what `lineside adopt` finds: `benchmarks/adopt.py --out DIR`.

Each is learned from published data by a random split of its rows, and its figure on the held-out rows is what a
notebook would show. The command is told that figure and nothing else. ``adopt.json`` and ``adopt.md`` hold what it
said, as it came out; a folder per prototype holds its report.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow.parquet as pq
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

import backtest_data as data

PROJECT = Path(__file__).resolve().parent.parent
PLANS = PROJECT / "benchmarks/plans"
HELD_OUT = 0.2
RECIPE = '''"""A random forest over all 52 variables, the way a notebook defines it."""

from sklearn.ensemble import RandomForestClassifier


class Forest:
    inputs = {inputs}

    def __init__(self):
        self.model = RandomForestClassifier({settings})

    def fit(self, rows, fault):
        self.model.fit(rows, fault)
        return self

    def predict_proba(self, rows):
        return self.model.predict_proba(rows)
'''
SETTINGS = {"n_estimators": 30, "min_samples_leaf": 2, "random_state": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Notebook:
    """What a notebook leaves behind: the model, the figure it showed, and what `lineside adopt` is called with."""

    model: str
    lab: float
    plan: str
    arguments: tuple[str, ...]


def split(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to learn from and rows to show the figure on, drawn at random."""
    order = np.random.default_rng(seed).permutation(rows)
    held = int(rows * HELD_OUT)
    return np.sort(order[held:]), np.sort(order[:held])


def boost(names: list[str], inputs: np.ndarray, bad: np.ndarray, path: Path) -> float:
    """Learn boosted trees with LightGBM's own settings from a random split, write them, and return the figure shown."""
    train, test = split(len(bad), 1)
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1}
    table = lightgbm.Dataset(inputs[train], bad[train], feature_name=[name.replace(" ", "_") for name in names])
    booster = lightgbm.train(settings, table, num_boost_round=100)
    booster.save_model(path)
    return float(roc_auc_score(bad[test], booster.predict(inputs[test])))


def skab(source: Path, out: Path) -> Notebook:
    """Pump rig: the rows of all 34 experiments in one heap, split at random."""
    files = sorted([*(source / "skab").glob("valve*/*.csv"), *(source / "skab").glob("other/*.csv")])
    rows, bad, names = [], [], []
    for path in files:
        with path.open() as file:
            reader = csv.DictReader(file, delimiter=";")
            names = [name for name in reader.fieldnames or [] if name not in {"datetime", "anomaly", "changepoint"}]
            for row in reader:
                rows.append([float(row[name]) for name in names])
                bad.append(float(row["anomaly"]))
    model = out / "skab.txt"
    lab = boost(names, np.array(rows, dtype=np.float32), np.array(bad), model)
    where = ("--data", str(source / "skab"), "--files", "valve*/*.csv", "--files", "other/*.csv")
    return Notebook(model=str(model), lab=lab, plan="skab", arguments=where)


def tep(source: Path, out: Path) -> Notebook:
    """Chemical plant: the rows of 21 fault runs in one heap; the recipe is brought as a Python class."""
    folder = data.prepare_tep(source, out / "data" / "tep")
    files = [path for path in sorted(folder.glob("d*.parquet")) if path.stem not in {"d00", "d00_te"}]
    names = data.tep_columns()
    tables = [pq.read_table(path) for path in files]
    inputs = np.concatenate([np.column_stack([table[name].to_numpy() for name in names]) for table in tables])
    bad = np.concatenate([table["fault"].to_numpy() for table in tables])
    train, test = split(len(bad), 1)
    forest = RandomForestClassifier(**SETTINGS).fit(inputs[train].astype(np.float32), bad[train])
    lab = float(roc_auc_score(bad[test], forest.predict_proba(inputs[test].astype(np.float32))[:, 1]))
    model = out / "tep.py"
    settings = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
    model.write_text(RECIPE.format(inputs=tuple(names), settings=settings))
    where = ("--data", str(folder), "--files", "d[0-2][1-9]*.parquet", "--files", "d[12]0*.parquet")
    return Notebook(model=f"{model}:Forest", lab=lab, plan="tep", arguments=where)


def nab(source: Path, out: Path) -> Notebook:
    """Machine temperature: the value and, as happens after ``reset_index``, the number of the row."""
    path = data.prepare_nab(source, out / "data" / "nab", "nab_machine")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    inputs = np.array([[i, float(row["value"])] for i, row in enumerate(rows)], dtype=np.float32)
    model = out / "nab.txt"
    lab = boost(["index", "value"], inputs, np.array([float(row["failure"]) for row in rows]), model)
    return Notebook(model=str(model), lab=lab, plan="nab_machine", arguments=("--data", str(path)))


NOTEBOOKS: Mapping[str, tuple[str, Callable[[Path, Path], Notebook]]] = {
    "skab": ("Pump rig, LightGBM on pooled rows", skab),
    "tep": ("Tennessee Eastman, random forest on pooled rows", tep),
    "nab": ("Machine temperature, LightGBM with the row's number", nab),
}


def adopt(name: str, notebook: Notebook, out: Path) -> dict[str, Any]:
    """Run the command and return its JSON."""
    command = [
        sys.executable,
        "-m",
        "lineside",
        "adopt",
        notebook.model,
        "--plan",
        str(PLANS / f"{notebook.plan}.yaml"),
    ]
    command += [*notebook.arguments, "--lab", f"auc={notebook.lab:.4f}", "--report", str(out / name), "--json"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
    done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def row(title: str, report: dict[str, Any]) -> list[str]:
    """Return a line of the table: the figure told, at random, at its worst, what the split made, and the alarms."""
    known = [item for item in report["reruns"] if item["figure"]["value"] is not None]
    worst = min(known, key=lambda item: item["figure"]["value"])
    gap, alarms = worst["gap"], report["alarms"][-1] if report["alarms"] else {}
    interval = f"{worst['figure']['low']:.3f} to {worst['figure']['high']:.3f}"
    return [
        title,
        f"{report['lab']['told']:.3f}",
        f"{report['lab']['here']['value']:.3f}",
        f"{worst['figure']['value']:.3f} ({interval})",
        worst["label"],
        f"{gap['gap']:.3f} ({gap['low']:.3f} to {gap['high']:.3f})",
        ", ".join(report["inflated"]) or "nothing",
        f"{alarms.get('recall') or 0:.2f}",
        f"{alarms.get('false_per_shift') or 0:.1f}",
        f"{report['seconds']:.0f} s",
    ]


HEADER = (
    "prototype", "told", "at random here", "worst honest AUC (90 %)", "held out", "made by the split (90 %)",
    "found inflated by", "recall", "false alarms a shift", "took",
)  # fmt: skip


def page(reports: Mapping[str, dict[str, Any]]) -> str:
    """Return the table and what was found of each prototype, as Markdown."""
    lines = ["# Prototypes adopted", "", INTRODUCTION, "", "```text", "make adopt OUT=DIR [DATA=DIR]", "```", ""]
    lines += [_environment(), "", _line(HEADER), _line(["---"] * len(HEADER))]
    lines += [_line(row(NOTEBOOKS[name][0], report)) for name, report in reports.items()]
    for name, report in reports.items():
        lines += ["", f"## {NOTEBOOKS[name][0]}", "", f"Re-run with {report['about']['tried']}.", ""]
        lines += [f"- *{item['gravity']}*: {item['text']}" for item in report["findings"]]
        lines += ["", "What would fix it, as the report ranks it:", ""]
        lines += [f"{number}. {text}" for number, text in enumerate(report["remedies"], start=1)]
    return "\n".join(lines) + "\n"


INTRODUCTION = (
    "Three prototypes made from published data by a random split of its rows, as notebooks do, and brought to "
    "`lineside adopt`. The figures stand here as they came out. *Told* is what the notebook shows; *at random here* is "
    "the same split, recomputed; *made by the split* is the difference on the same parts, models of equally many."
)


def _environment() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return f"{dt.datetime.now(tz=dt.UTC).date()}; a virtual machine with {machine}; commit {commit.stdout.strip()}."


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Make the prototypes, adopt them, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared/data")
    parser.add_argument("--only", choices=list(NOTEBOOKS), action="append")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(
            f"there is no data at {options.data}: see docs/reference/figures/backtests.md for where it is from"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    reports = {}
    for name in options.only or NOTEBOOKS:
        print(f"-- {NOTEBOOKS[name][0]}", file=sys.stderr)
        reports[name] = adopt(name, NOTEBOOKS[name][1](options.data, options.out), options.out)
    (options.out / "adopt.json").write_text(json.dumps(reports, indent=1) + "\n")
    (options.out / "adopt.md").write_text(page(reports))
    print(page(reports))


if __name__ == "__main__":
    main()
