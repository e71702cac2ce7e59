"""The estimate without truth against the truth, on real sets: ``python benchmarks/estimate.py --data DIR``.

A backtest's scores carry risk, alarm and outcome of every unit. Per stretch of units the estimate is made of risks and
alarms alone, and then held against what the outcomes say:

- AIRTLab, stratified folds: units like those learned from, where risks should be true;
- the same with most conforming units left out, so that bad ones are several times as frequent (the mix changes);
- SKAB, one file left out at a time: an experiment that no model has seen, where risks cannot be trusted.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lineside.adapters.plan_yaml import load_plan
from lineside.domain.outcomes import is_nonconforming
from lineside.domain.performance.estimated import estimate
from lineside.domain.performance.judged import JudgedParts
from lineside.domain.performance.measured import measure
from lineside.domain.plan.model import Characteristic

PLANS = Path(__file__).parent / "plans"
FIGURES = ("recall", "precision", "false_alarms")


def main() -> None:
    """Print a table of estimated, measured and their difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    source = parser.parse_args().data
    print("| units | stretches | figure | estimated | measured | mean error | inside the interval |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        folds = ("--protocol", "repeated-stratified-kfold", "--folds", "5", "--repeats", "3", "--duplicates", "report")
        units = _run("airtlab_molding", (str(source / "airtlab_molding" / "data.csv"), *folds), out)
        _print("AIRTLab, folds", units)
        _print("AIRTLab, bad units four times as frequent", [_fewer_good(item) for item in units])
        left_out = (str(source / "skab"), "--files", "valve1/*.csv", "--protocol", "leave-one-group-out")
        _print("SKAB valve 1, a file never seen", _run("skab", left_out, out, family="supervised"))


def _run(name: str, where: tuple[str, ...], out: Path, family: str = "") -> list[JudgedParts]:
    """Run a backtest, with another family than the plan's where one is named, and return its units by group."""
    scores, plan = out / f"{name}.parquet", out / f"{name}.yaml"
    text = (PLANS / f"{name}.yaml").read_text()
    plan.write_text(re.sub(r"family: \w+", f"family: {family}", text) if family else text)
    command = [sys.executable, "-m", "lineside", "backtest", str(plan), "--data", *where, "--scores", str(scores)]
    subprocess.run(command, check=True, capture_output=True)
    characteristic = load_plan(plan).characteristics[0]
    table = pq.read_table(scores)
    groups = np.array(table["group"].to_pylist(), dtype=object)
    return [
        _judged(characteristic, table.filter(pa.array(groups == group))) for group in dict.fromkeys(groups.tolist())
    ]


def _judged(characteristic: Characteristic, table: pa.Table) -> JudgedParts:
    truth = [is_nonconforming(characteristic, text) for text in table["outcome"].to_pylist()]
    none = np.zeros(table.num_rows, dtype=np.int64)
    return JudgedParts(
        judged=none,
        delay=none,
        could=np.isin(np.array(table["state"].to_pylist(), dtype=object), ("normal", "alarm")),
        outside=none.astype(np.bool_),
        warming=none.astype(np.bool_),
        alarm=np.array(table["alarm"].to_pylist(), dtype=np.bool_),
        risk=np.array(table["risk"].to_pylist(), dtype=np.float64),
        known=np.array([item is not None for item in truth], dtype=np.bool_),
        bad=np.array([bool(item) for item in truth], dtype=np.bool_),
        lag=none,
        contradicted=none.astype(np.bool_),
    )


def _fewer_good(parts: JudgedParts) -> JudgedParts:
    good = np.cumsum(~parts.bad)
    return parts.take(parts.bad | (good % 4 == 0))


def _print(words: str, stretches: list[JudgedParts]) -> None:
    for line in _lines(words, stretches):
        print(line, flush=True)


def _lines(words: str, stretches: list[JudgedParts]) -> Iterator[str]:
    for figure in FIGURES:
        expected, found, inside = [], [], 0
        for parts in stretches:
            guess, truth = estimate(parts), getattr(measure(parts), figure)
            share = None if guess is None else getattr(guess, figure)
            if share is None or truth.value is None:
                continue
            expected.append(share.value)
            found.append(truth.value)
            inside += share.low <= truth.value <= share.high
        if not expected:
            yield f"| {words} | {len(stretches)} | {figure.replace('_', ' ')} | none: no calibrated risks | | | |"
            continue
        error = np.mean(np.abs(np.array(expected) - np.array(found)))
        means = f"{np.mean(expected):.3f} | {np.mean(found):.3f}"
        yield (
            f"| {words} | {len(expected)} | {figure.replace('_', ' ')} | {means} "
            f"| {error:.3f} | {inside} of {len(expected)} |"
        )


if __name__ == "__main__":
    main()
