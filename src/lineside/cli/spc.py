"""`lineside spc`: control charts of a column, with signals and the false alarms to expect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from lineside.adapters.tables import read_table
from lineside.domain.errors import InputError
from lineside.domain.readings import Float64
from lineside.domain.spc.charts import Chart, average_and_range, ewma, individuals
from lineside.domain.spc.run_rules import RULES, false_alarm_rate, find_signals

_SEED = 1


@click.command("spc")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--column", required=True, help="The column of values, in order of production.")
@click.option(
    "--baseline", type=int, required=True, metavar="N", help="The first N points were stable: limits are theirs."
)
@click.option(
    "--chart",
    type=click.Choice(["individuals", "averages", "ewma"]),
    default="individuals",
    show_default=True,
    help="Single values, averages of groups, or an average that remembers.",
)
@click.option("--size", default=5, show_default=True, help="Values in a group, for averages.")
@click.option("--weight", default=0.2, show_default=True, help="Of the newest value, for ewma.")
@click.option("--rules", default="1,2,3", show_default=True, help="Nelson's rules, for individuals and averages.")
@click.option("--per-shift", default=1000, show_default=True, help="Points in a shift, for the false alarms to expect.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per chart.")
def command(file: Path, column: str, rules: str, per_shift: int, *, as_json: bool, **asked: Any) -> None:
    """Judge a COLUMN of FILE by control charts whose limits come from its first N points.

    Rules 2 and up are asked of individuals and averages only: ranges are not symmetric, and an EWMA remembers.
    """
    values, left_out = numbers_of(file, column)
    chosen = _read_rules(rules)
    for made in _charts(values, **asked):
        runs = made.name in {"individuals", "averages"}
        found = {**_said(made, chosen if runs else (1,), per_shift if runs else None), "left_out": left_out}
        click.echo(json.dumps(found) if as_json else _text(found))


def _charts(values: Float64, chart: str, baseline: int, size: int, weight: float) -> tuple[Chart, ...]:
    if chart == "averages":
        return average_and_range(values, size, baseline)
    return (ewma(values, baseline, weight),) if chart == "ewma" else individuals(values, baseline)


def numbers_of(file: Path, column: str) -> tuple[Float64, int]:
    """Return the finite values of a column in the file's order, and how many rows had none.

    Raises:
        DataError: there is no such column, or it holds text.
    """
    table = read_table(file)
    values = table.numbers(column)
    known = values[np.isfinite(values)]
    return known, len(values) - len(known) + len(table.rejected)


def _read_rules(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or any(not part.isdecimal() or int(part) not in RULES for part in parts):
        raise InputError("no such rules", field="--rules", value=text, choices=tuple(RULES))
    return tuple(sorted({int(part) for part in parts}))


def _said(chart: Chart, rules: tuple[int, ...], per_shift: int | None) -> dict[str, Any]:
    outside = (chart.points > chart.upper) | (chart.points < chart.lower)
    signals = {
        rule: np.flatnonzero(outside if rule == 1 else find_signals(chart.deviations, rule)).tolist() for rule in rules
    }
    rate = None if per_shift is None else false_alarm_rate(rules, _SEED)
    return {
        "chart": chart.name,
        "points": len(chart.points),
        "baseline": chart.baseline,
        "centre": chart.centre,
        "lower": float(chart.lower[-1]),
        "upper": float(chart.upper[-1]),
        "sigma": chart.sigma,
        "signals": {rule: [place + 1 for place in places] for rule, places in signals.items()},
        "false_alarms_per_shift": None if rate is None or per_shift is None else rate * per_shift,
        "points_between_false_alarms": None if rate is None else 1.0 / rate,
    }


def _text(found: dict[str, Any], most: int = 10) -> str:
    lines = [
        f"{found['chart']}: {found['points']} points, limits from the first {found['baseline']}",
        (
            f"  centre {found['centre']:.6g}, limits {found['lower']:.6g} to {found['upper']:.6g},"
            f" sigma {found['sigma']:.6g}"
        ),
    ]
    if found["left_out"]:
        lines.append(f"  {found['left_out']} rows without a number are left out")
    for rule, places in found["signals"].items():
        shown = ", ".join(str(place) for place in places[:most]) + (", ..." if len(places) > most else "")
        meaning = RULES[rule] if rule > 1 else "one point beyond the limits"
        lines.append(f"  rule {rule} ({meaning}): {'at points ' + shown if places else 'none'}")
    if found["false_alarms_per_shift"] is not None:
        lines.append(
            f"  to expect of a stable process: {found['false_alarms_per_shift']:.1f} false alarms a shift,"
            f" one in {found['points_between_false_alarms']:.0f} points"
        )
    return "\n".join(lines)
