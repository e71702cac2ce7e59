"""What late measurements are worth to a measured value: `python benchmarks/virtual_metrology.py TEP.npz`.

The value is the Tennessee Eastman process' product composition XMEAS(40), taken of every fifth row (15 minutes) and
known 15 minutes later. A regression learns it on the 500 normal rows of `d00` from the measurements and valves that
are there at every row, and is walked once through each test run. It was chosen before any run was looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.backtests.result import BacktestResult
from lineside.domain.backtests.units import units_from_tables
from lineside.domain.plan.model import Plan
from lineside.domain.splits import Amount, Protocol
from lineside.domain.tables import Table, TableForm
from lineside.flows.backtest import BacktestRequest, run_backtest

INPUTS = (*range(1, 23), *range(42, 53))
TARGET = 40
EVERY = 5
ROW = 180 * 1_000_000_000
LEARNED = 500
ALONE = ("training_mean", "regime_mean", "last_measured", "measured_ewma")


def main() -> None:
    """Print the table as Markdown, a run a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    runs = np.load(parser.parse_args().data)
    names = ["model", "corrected", *(name.replace("_", " ") for name in ALONE), "90 % held: model", "corrected"]
    print(f"| run | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}")
    rows = []
    for number in range(22):
        result = walk(np.concatenate([runs["d00"], runs[f"d{number:02d}_te"]]).astype(np.float64))
        rows.append(figures(result))
        print(_row(f"d{number:02d}", rows[-1]), flush=True)
    print(_row("mean", np.mean(rows, axis=0).tolist()))


def walk(values: Any) -> BacktestResult:
    """Return the backtest of a run of rows ``(n, 52)`` that begins with those to learn from."""
    plan = make_plan()
    truth = [repr(float(value)) if row % EVERY == 0 else None for row, value in enumerate(values[:, TARGET - 1])]
    table = Table(
        name="run",
        columns={f"v{i}": values[:, i - 1] for i in INPUTS} | {"value": np.array(truth, dtype=np.object_)},
        rows=np.arange(len(values), dtype=np.int64),
        times=np.arange(len(values), dtype=np.int64) * ROW,
        form=TableForm(kind="csv"),
    )
    request = BacktestRequest(
        plan=plan, characteristic="value", protocol=Protocol.WALK_FORWARD, start=Amount(rows=LEARNED), folds=1
    )
    units = units_from_tables(plan, plan.characteristics[0], [("run", table)])
    return run_backtest(request, units, lambda plan, bundle: OnnxJudge(plan, "reactor", (bundle,)).open())


def figures(result: BacktestResult) -> list[float]:
    """Return the errors and coverages of a row of the table."""
    assert result.corrected is not None
    ours: list[Mapping[str, Any]] = [result.metrics, result.corrected]
    errors = [*ours, *(result.trivial[name] for name in ALONE)]
    return [float(item["rmse"]) for item in errors] + [float(item["interval_coverage"]) for item in ours]


def make_plan() -> Plan:
    """Return the plan of the process with its one variable."""
    value = {"id": "value", "station": "reactor", "kind": "variable", "outcome": {"delay": "15 min", "column": "value"}}
    step = {"do": "inspect", "text": "Look."}
    return Plan.model_validate(
        {
            "lineside": 1,
            **{name: {"id": name} for name in ("site", "area", "line")},
            "part": {"number": "product"},
            "sources": [{"id": "files", "kind": "files", "path": "data", "time_column": "time"}],
            "stations": [{"id": "reactor", "cycle": {"by": "rows"}}],
            "signals": [{"id": f"v{i}", "station": "reactor", "unit": "1", "source": "files"} for i in INPUTS],
            "characteristics": [value | {"model": {"family": "regression"}}],
            "reactions": [{"id": "look", "characteristic": "value", "text": "Look at it.", "steps": [step]}],
        }
    )


def _row(name: str, values: list[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |"


if __name__ == "__main__":
    main()
