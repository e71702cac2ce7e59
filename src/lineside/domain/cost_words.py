"""What a limit costs, in words, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any, Final

import numpy as np

from lineside.domain.costs import THOUSAND, CostPoint, CostReport, Int64

MOST_POINTS: Final = 60
"""Points of the curve that are written down."""
_RARER: Final = 0.1
"""Share of bad parts, of that in the data, at which the choice is looked at once more."""


def cost_lines(report: CostReport) -> tuple[str, ...]:
    """Return what the chosen limit costs and what the alternatives would, in four lines and one of the share taken."""
    curve, chosen = report.curve, report.chosen
    caught = f"{chosen.escapes:.0f} of {curve.bad} bad parts escape"
    false = f"{chosen.false_alarms:.0f} {curve.counted}, of {curve.parts} parts"
    return (
        f"at {_limit(chosen)}: {_money(report, chosen)}; {caught}, {false}",
        f"{_beside(report)}; {_budget(report)}",
        "; ".join(f"{point.name}: {_amount(report, point.per_thousand)}" for point in report.trivial)
        + " (each good part in alarm is paid for)",
        share_line(report),
    )


def share_line(report: CostReport) -> str:
    """Return which share of bad parts the money is worked out with, and what a smaller one would choose."""
    curve = report.curve
    known = "" if report.known > 1.0 - 1e-9 else f" (outcomes are known of {report.known:.0%} of all)"
    words = f"{curve.bad / curve.parts:.2%} of the {curve.parts} parts counted are bad{known}"
    if not 0 < curve.bad < curve.parts:
        return words
    rarer = curve.at_share(_RARER * curve.bad / curve.parts)
    place = rarer.cheapest(report.budget)
    there = rarer.point("", place)
    return (
        f"{words}, and production is taken to be so; were they a tenth of that, the cheapest limit within the budget "
        f"would be {_limit(there)}, at {_amount(report, there.per_thousand)}"
    )


def cost_table(report: CostReport) -> tuple[list[str], list[list[str]]]:
    """Return the header and rows of the table of what was chosen and its alternatives."""
    money = report.curve.prices.currency
    shift = report.curve.alarms.shift_parts is not None
    header = ["decision", "limit", "escapes", report.curve.counted, f"{money} per 1,000 parts"]
    rows = []
    for point in report.points:
        row = [point.name, "" if point.limit is None else _limit(point), f"{point.escapes:.0f}"]
        row += [f"{point.false_alarms:.0f}", f"{point.per_thousand:,.0f}"]
        rows.append([*row, f"{point.per_shift:,.0f}"] if shift and point.per_shift is not None else row)
    return [*header, f"{money} per shift"] if shift else header, rows


def cost_object(report: CostReport) -> dict[str, Any]:
    """Return the report for JSON; a limit below every score is null."""
    curve = report.curve
    return {
        "currency": curve.prices.currency,
        "escape": curve.prices.escape,
        "false_alarm": curve.prices.false_alarm,
        "counted": curve.counted,
        "parts": curve.parts,
        "nonconforming": curve.bad,
        "known": report.known,
        "parts_per_shift": curve.alarms.shift_parts,
        "in_hindsight": report.in_hindsight,
        "budget_limit": report.budget,
        "budget_costs_per_thousand": report.budget_costs,
        "points": [asdict(point) for point in report.points],
        "curve": [asdict(curve.point("", place)) for place in shown_places(report)],
    }


def shown_places(report: CostReport) -> Int64:
    """Return places of the curve, evenly spaced in their order, with those of the points that were named."""
    curve = report.curve
    spaced = np.linspace(0, len(curve.limit) - 1, min(MOST_POINTS, len(curve.limit))).astype(np.int64)
    named = [curve.at(point.limit) for point in report.points if point.limit is not None]
    return np.unique(np.concatenate((spaced, named, [curve.at(report.budget)]))).astype(np.int64)


def _beside(report: CostReport) -> str:
    within, cheapest = report.within, report.cheapest
    all_of_them = f"cheapest of all: {_limit(cheapest)}, {_amount(report, cheapest.per_thousand)}"
    if report.chosen.per_thousand <= within.per_thousand + 1e-9:
        return f"none within the budget is cheaper; {all_of_them}"
    return f"cheapest within the budget: {_limit(within)}, {_amount(report, within.per_thousand)}; {all_of_them}"


def _budget(report: CostReport) -> str:
    if report.budget_costs <= 1e-9:
        return "the budget costs nothing"
    shift = report.curve.alarms.shift_parts
    each = "" if shift is None else f" ({report.budget_costs * shift / THOUSAND:,.0f} a shift)"
    return f"the budget costs {_amount(report, report.budget_costs)}{each}"


def _money(report: CostReport, point: CostPoint) -> str:
    shift = "" if point.per_shift is None else f" ({point.per_shift:,.0f} a shift)"
    return f"{_amount(report, point.per_thousand)}{shift}"


def _amount(report: CostReport, per_thousand: float) -> str:
    return f"{per_thousand:,.0f} {report.curve.prices.currency} per 1,000 parts"


def _limit(point: CostPoint) -> str:
    if point.limit is None or not isfinite(point.limit):
        return "no alarm" if point.limit == float("inf") else "below every score"
    return f"{point.limit:.4g}"
