"""A backtest's report as text: Markdown for a repository, HTML with plots for a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np

from lineside.domain.backtests.cost_plot import cost_plot
from lineside.domain.backtests.figures import Figures
from lineside.domain.backtests.plots import score_plot
from lineside.domain.backtests.regimes import WORST_IS
from lineside.domain.backtests.result import BacktestResult
from lineside.domain.cost_words import cost_table, share_line
from lineside.domain.costs import CostReport
from lineside.domain.outcomes import is_nonconforming
from lineside.domain.splits import Protocol

MOST_PLOTS: Final = 40
COSTS: Final = "What the limits cost"
STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto}pre{background:#f6f6f6;padding:.6rem;overflow-x:auto}"
)


def figure_text(value: object) -> str:
    """Return a figure as people read it: a dash where there is none."""
    if not isinstance(value, int | float):
        return str(value)
    if not np.isfinite(value):
        return "-"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.4g}"


def figure_rows(result: BacktestResult) -> tuple[list[str], list[list[str]]]:
    """Return the header and rows of the table of figures: the result, its interval, corrected and trivial rows."""
    beside = ({} if result.corrected is None else {"corrected": result.corrected}) | dict(result.trivial)
    header = ["figure", "result", "90 % interval", *(name.replace("_", " ") for name in beside)]
    intervals = result.metrics.get("intervals", {})
    rows = []
    for name, value in _flat(result.metrics).items():
        low, high = intervals.get(name, (np.nan, np.nan))
        interval = f"{figure_text(low)} to {figure_text(high)}" if np.isfinite(low) else ""
        trivial = [figure_text(_flat(row).get(name, float("nan"))) for row in beside.values()]
        rows.append([name.replace("_", " "), figure_text(value), interval, *trivial])
    return header, rows


def overview(result: BacktestResult, title: str) -> str:
    """Return what was done and the table of figures, as Markdown."""
    header, rows = figure_rows(result)
    lines = [f"# Backtest of {title}", "", *(f"- {text}" for text in summary(result)), "", _markdown_row(header)]
    lines += [_markdown_row(["---"] + ["---:"] * (len(header) - 1)), *map(_markdown_row, rows), ""]
    for heading, (head, body) in regime_tables(result).items():
        rule = ["---"] + ["---:"] * (len(head) - 1)
        lines += [f"## {heading}", "", *map(_markdown_row, [head, rule, *body]), ""]
    if result.costs is not None:
        head, body = cost_table(result.costs)
        rule = ["---"] + ["---:"] * (len(head) - 1)
        lines += [f"## {COSTS}", "", *map(_markdown_row, [head, rule, *body]), ""]
        lines += [*(f"- {text}" for text in cost_notes(result.costs)), ""]
    return "\n".join(lines)


def markdown(result: BacktestResult, title: str) -> str:
    """Return the overview, and what was learned in each fold."""
    lines = [overview(result, title)]
    for name, report in result.fits:
        lines += [f"## Learned: {name}", "", "```text", *report, "```", ""]
    return "\n".join(lines)


def html(result: BacktestResult, title: str) -> str:
    """Return the report as one page with a plot per group (the first `MOST_PLOTS`); it loads nothing."""
    header, rows = figure_rows(result)
    table = "".join(html_row("td", row) for row in rows)
    facts = "".join(f"<li>{escape(text)}</li>" for text in summary(result))
    learned = "".join(
        f"<h3>{escape(name)}</h3><pre>{escape(chr(10).join(report))}</pre>" for name, report in result.fits
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Backtest of {escape(title)}</title>'
        f"<style>{STYLE}</style><h1>Backtest of {escape(title)}</h1><ul>{facts}</ul>"
        f"<table>{html_row('th', header)}{table}</table>{_regimes_html(result)}"
        f"{_costs_html(result)}"
        f"<h2>Scores</h2>{''.join(plots(result).values())}"
        f"<h2>What was learned</h2>{learned}</html>\n"
    )


def regime_tables(result: BacktestResult) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return by title the tables of regimes left out: the worst by each figure beside the mean, then every one."""
    if result.regimes is None:
        return {}
    worst = [
        [item.figure.replace("_", " "), item.regime, *map(figure_text, (item.value, item.units, item.mean, item.of))]
        for item in result.regimes.worst
    ]
    names = [name for name in WORST_IS if any(name in row.figures for row in result.regimes.each)]
    each = [
        [row.name, str(row.units), str(row.nonconforming)]
        + [figure_text(row.figures.get(name, float("nan"))) for name in names]
        for row in result.regimes.each
    ]
    return {
        "Worst regime left out": (["figure", "regime", "there", "units", "mean of regimes", "regimes"], worst),
        "Each regime left out": (
            ["regime", "units", "nonconforming", *(name.replace("_", " ") for name in names)],
            each,
        ),
    }


def _regimes_html(result: BacktestResult) -> str:
    return "".join(
        f"<h2>{title}</h2><table>{html_row('th', head)}{''.join(html_row('td', row) for row in body)}</table>"
        for title, (head, body) in regime_tables(result).items()
    )


def cost_notes(costs: CostReport) -> list[str]:
    """Return in sentences how the money was counted."""
    prices, alarms = costs.curve.prices, costs.curve.alarms
    moved = "Limits are relative to those in force, all moved by the same amount."
    hindsight = "The cheapest are known in hindsight: nothing was chosen on these units."
    price = f"An escape costs {prices.escape:g} {prices.currency}, a false alarm {prices.false_alarm:g}."
    counted = f"Counted are {costs.curve.counted}; for predictors that know nothing, every good part in alarm."
    merged = "A lower limit never counts for fewer false alarms than a higher one."
    budget = f"The budget allows {alarms.unit} at {alarms.rate:.3%} of good parts: {alarms.why}."
    lost = f"The budget costs {costs.budget_costs:,.0f} {prices.currency} per 1,000 parts against the cheapest of all."
    share = share_line(costs)
    notes = [f"{moved} {hindsight}", f"{price} {counted} {merged}", budget]
    return [*notes, *([lost] if costs.budget_costs > 0 else []), f"{share[:1].upper()}{share[1:]}."]


def _costs_html(result: BacktestResult) -> str:
    if result.costs is None:
        return ""
    head, body = cost_table(result.costs)
    notes = "".join(f"<li>{escape(text)}</li>" for text in cost_notes(result.costs))
    table = f"<table>{html_row('th', head)}{''.join(html_row('td', row) for row in body)}</table>"
    return f"<h2>{COSTS}</h2>{cost_plot(result.costs)}{table}<ul>{notes}</ul>"


def plots(result: BacktestResult) -> dict[str, str]:
    """Return an SVG plot for each group, up to `MOST_PLOTS`."""
    group = np.asarray(result.judged.group, dtype=object)
    drawn = {}
    for name in result.groups[:MOST_PLOTS]:
        judged = result.judged.take(np.flatnonzero(group == name))
        bad = np.array([is_nonconforming(result.characteristic, text) is True for text in judged.outcome])
        drawn[name] = score_plot(name, judged, bad)
    return drawn


def summary(result: BacktestResult) -> list[str]:
    """Return in sentences what was done."""
    kept = "kept, as the protocol counts them" if result.duplicates_kept else "dropped before splitting"
    lines = [
        f"Protocol: {result.protocol}; characteristic: {result.characteristic.label}.",
        f"{len(result.judged)} units judged in {len(result.groups)} groups, in {result.seconds:.1f} s.",
        f"Duplicates: {result.duplicates} {kept}.",
    ]
    if result.judged.time is None:
        shuffled = result.protocol is Protocol.REPEATED_STRATIFIED_KFOLD
        how = "rows are shuffled before they are cut" if shuffled else "rows are taken in the order of the file"
        lines.append(f"The data has no time: {how}, and parts of a later time may do worse.")
    if result.regimes is not None:
        lines.append("Every regime is judged by a model of all others; a unit is judged once per kind of regime.")
        lines += [f"Not left out: {text}." for text in result.regimes.passed_over]
    lines += [f"Not made into units: {count} {reason}." for reason, count in result.dropped.items()]
    return lines


def _flat(figures: Figures) -> dict[str, float]:
    """Return the figures with those of classes beside the others; intervals left out."""
    flat: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat |= {f"{name} {key}": item for key, item in value.items() if isinstance(item, float)}
        else:
            flat[name] = value
    return flat


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def html_row(tag: str, cells: Sequence[str]) -> str:
    """Return a row of a table; ``tag`` is ``td`` or ``th``."""
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
