"""The production-readiness report as text for a terminal, and as one page for a browser that loads nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from lineside.domain.adoption.chart import Bar, bars
from lineside.domain.adoption.findings import Gravity
from lineside.domain.adoption.result import Readiness
from lineside.domain.adoption.sensitivity import SHOWN
from lineside.domain.adoption.verdicts import Judgement
from lineside.domain.backtests.report import STYLE, html_row

_MORE_STYLE: Final = (
    ".met{color:#166534}.missed{color:#b91c1c;font-weight:bold}.open{color:#555}td{vertical-align:top}"
    "td.text{text-align:left}.blocks{border-left:4px solid #b91c1c}.inflates{border-left:4px solid #c2410c}"
    ".look{border-left:4px solid #999}.finding{padding:.1rem .8rem;margin:.5rem 0}.headline{font-size:1.2rem}"
    "svg text{font:12px sans-serif}"
)
_CLASS: Final = {Judgement.MET: "met", Judgement.MISSED: "missed", Judgement.OPEN: "open"}
_WORDS: Final = {
    Gravity.BLOCKS: "stops it from running, or empties its figures of meaning",
    Gravity.INFLATES: "makes the laboratory figure better than production will be",
    Gravity.LOOK: "wants a look by somebody who knows the line",
}


def headline(report: Readiness) -> str:
    """Return the report in one sentence."""
    name, lab, honest = report.lab.measure.upper(), report.lab, report.honest
    told = f"{name} {shown(lab.told)} was told; " if lab.told is not None else ""
    if honest is None:
        return f"{told}at random {name} {shown(lab.here.value)}; the data has no time, days or groups to re-run it by."
    worst = report.inflated[0] if report.inflated else None
    what = "a stand-in of its kind" if report.about.is_stand_in else "the prototype"
    if worst is None:
        return (
            f"{told}{what} reaches {name} {shown(lab.here.value)} at random and {shown(honest.figure.value)} at the "
            f"worst, "
            f"with {honest.label}: the random split did not flatter it beyond chance."
        )
    return (
        f"{told}{what} reaches {name} {shown(lab.here.value)} at random, and {shown(worst.figure.value)} with "
        f"{worst.label}: "
        f"{shown(worst.gap.gap)} was the split's."
    )


def overview(report: Readiness) -> str:
    """Return the report as a person at a terminal reads it."""
    lines = [
        f"{report.about.characteristic}: {report.about.prototype}",
        f"  {headline(report)}",
        f"  tried        {report.about.tried}",
        f"  parts        {report.about.parts}, {report.about.nonconforming} nonconforming",
        "",
        f"  {report.lab.measure.upper():26} value   90 % interval     at random, same parts   worst",
        f"  {'at random':26} {_figure_line(report.lab.here.value, report.lab.here.low, report.lab.here.high)}",
    ]
    for item in report.reruns:
        line = _figure_line(item.figure.value, item.figure.low, item.figure.high)
        mark = "INFLATED" if item.gap.inflated else ""
        worst = f"{shown(item.figure.worst)} {item.figure.worst_fold}"
        lines.append(f"  {item.scheme[:26]:26} {line}  {shown(item.gap.random):>8} {mark:10} {worst}")
    lines += [f"  {name.replace('_', ' '):26} {shown(value)}" for name, value in report.trivial.items()]
    lines += ["", "  alarms"]
    lines += [
        f"    {item.rule}: recall {shown(item.recall)}, false alarms {shown(item.false_per_shift)} a shift"
        for item in report.alarms
    ]
    lines += ["", "  findings"]
    lines += [f"    [{item.gravity}] {item.text}" for item in report.findings] or ["    none"]
    lines += ["", "  service levels"]
    lines += [f"    {v.level:34} {v.judgement:22} {v.measured} (asked: {v.asked})" for v in report.verdicts]
    lines += ["", "  what would fix it"]
    lines += [f"    {number}. {text}" for number, text in enumerate(report.remedies, start=1)] or ["    nothing found"]
    lines += [f"  {text}" for text in report.wrapped]
    return "\n".join(lines)


def html(report: Readiness) -> str:
    """Return the report as one page."""
    about = report.about
    title = f"Production readiness of {about.prototype} for {about.characteristic}"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{STYLE}{_MORE_STYLE}</style><h1>{escape(title)}</h1>",
        f'<p class="headline">{escape(headline(report))}</p>',
        _list(_facts(report)),
        "<h2>What the service levels say</h2>",
        _table(("service level", "asked", "measured", "verdict"), _verdict_rows(report)),
        "<h2>What becomes of the laboratory figure</h2>",
        _chart(report),
        _table(_FIGURES, _figure_rows(report)),
        _list([*report.shown, *(f"Not shown: {text}" for text in report.not_shown)]),
        "<h2>What was found</h2>",
        _findings(report),
        "<h2>Alarms by the shift</h2>",
        f"<p>Counted with {escape(_label_of(report))}.</p>",
        _table(_ALARMS, _alarm_rows(report)),
        "<h2>What would fix it</h2>",
        _list(report.remedies, "ol") or "<p>Nothing was found that wants fixing.</p>",
        "<h2>When a sensor fails</h2>",
        _disturbed(report),
        "<h2>Conditions</h2>",
        _coverage(report),
        "<h2>What judging costs</h2>",
        _cost(report),
        "<h2>Inputs</h2>",
        _table(("input", "taken from", "unit", "a gateway delivers it"), _input_rows(report)),
        "<h2>On the line</h2>",
        _list(report.wrapped) or "<p>Nothing was made for the line.</p>",
        "</html>\n",
    ]
    return "".join(parts)


def shown(value: float | None) -> str:
    """Return a figure as people read it: a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1.0 else f"{value:.3f}"


_FIGURES: Final = (
    "held out", "figure", "90 % interval", "at random, same parts", "flattered by", "90 % interval", "worst", "",
)  # fmt: skip
_ALARMS: Final = (
    "rule", "recall", "90 % interval", "precision", "false-alarm rate", "false alarms a shift", "90 % interval",
    "parts a shift",
)  # fmt: skip


def _facts(report: Readiness) -> list[str]:
    about = report.about
    left = ", ".join(f"{count} {reason}" for reason, count in about.left_out.items() if count)
    data = f"{about.parts} parts with known outcome, {about.nonconforming} of them nonconforming"
    return [
        f"Plan: {about.plan}. Data: {about.data}, {data}{f'; left out: {left}' if left else ''}.",
        f"Re-run with {about.tried}. Seed {about.seed}; {report.seconds:.0f} s.",
        *report.notes,
    ]


def _verdict_rows(report: Readiness) -> list[str]:
    rows = []
    for item in report.verdicts:
        cells = [_text(item.asked), _text(item.measured), _text(item.judgement, _CLASS[item.judgement])]
        rows.append(f"<tr><td>{escape(item.level)}</td>{''.join(cells)}</tr>")
    return rows


def _text(words: str, kind: str = "text") -> str:
    return f'<td class="{kind}">{escape(words)}</td>'


def _figure_rows(report: Readiness) -> list[str]:
    return [_cells(row) for row in (*_lab_rows(report), *_rerun_rows(report), *_frozen_rows(report), *_trivial(report))]


def _cells(row: Sequence[str]) -> str:
    return html_row("td", [*row, *[""] * (len(_FIGURES) - len(row))])


def _lab_rows(report: Readiness) -> list[list[str]]:
    here, told = report.lab.here, report.lab.told
    rows = [["as told by the laboratory", shown(told)]] if told is not None else []
    return [
        *rows,
        [f"at random ({report.lab.measure.upper()})", shown(here.value), _between(here.low, here.high)],
    ]


def _rerun_rows(report: Readiness) -> list[list[str]]:
    rows = []
    for item in report.reruns:
        figure, gap = item.figure, item.gap
        cells = [item.label, shown(figure.value), _between(figure.low, figure.high), shown(gap.random), shown(gap.gap)]
        cells += [_between(gap.low, gap.high), f"{shown(figure.worst)} ({figure.worst_fold})"]
        rows.append([*cells, "inflated" if gap.inflated else ""])
    return rows


def _frozen_rows(report: Readiness) -> list[list[str]]:
    rows, later = [], report.later_frozen
    if math.isfinite(report.frozen):
        what = "itself, on all parts, which it may have seen" if report.about.is_stand_in else "as it was brought"
        rows.append([f"the prototype {what}", shown(report.frozen)])
    if later is not None:
        rows.append(["the prototype itself on later parts", shown(later.value), _between(later.low, later.high)])
    return rows


def _trivial(report: Readiness) -> list[list[str]]:
    names = {
        "chance": "trivial: chance",
        "clock": "trivial: the later, the worse",
        "clock_backwards": "trivial: the earlier, the worse",
    }
    return [[names[name], shown(value)] for name, value in report.trivial.items()]


def _alarm_rows(report: Readiness) -> list[str]:
    return [
        html_row(
            "td",
            [
                item.rule,
                shown(item.recall),
                _between(item.recall_low, item.recall_high),
                shown(item.precision),
                shown(item.false_alarm_rate),
                shown(item.false_per_shift),
                _between(item.per_shift_low, item.per_shift_high),
                shown(item.parts_per_shift),
            ],
        )
        for item in report.alarms
    ]


def _findings(report: Readiness) -> str:
    if not report.findings:
        return "<p>No input knows too much, and no part stands on both sides of a split.</p>"
    shown_ones = []
    for item in report.findings:
        words = f"{escape(item.text)} <em>({escape(_WORDS[item.gravity])})</em>"
        shown_ones.append(f'<div class="finding {item.gravity}"><p>{words}</p></div>')
    return "".join(shown_ones)


def _disturbed(report: Readiness) -> str:
    if not report.disturbed:
        return "<p>Not measured: every answer of this prototype costs a process of its own.</p>"
    header = ("input", "fault", "recall", "then", "false-alarm rate", "then", "parts without answer")
    rows = [
        html_row(
            "td",
            [
                item.input,
                item.fault,
                shown(item.recall),
                shown(item.recall_after),
                shown(item.false_alarm_rate),
                shown(item.false_alarm_rate_after),
                shown(item.unanswered),
            ],
        )
        for item in report.disturbed[:SHOWN]
    ]
    return f"<p>The {len(rows)} worst; the prototype as it was brought.</p>{_table(header, rows)}"


def _coverage(report: Readiness) -> str:
    if not report.coverage:
        return "<p>The plan declares no range of conditions (envelope) that this data measures.</p>"
    header = ("condition", "declared", "seen", "of the declared range unseen")
    rows = [
        html_row(
            "td",
            [
                item.signal,
                f"{item.low:g} to {item.high:g} {item.unit}",
                f"{item.seen_low:.4g} to {item.seen_high:.4g} {item.unit}",
                f"{item.unseen:.0%}",
            ],
        )
        for item in report.coverage
    ]
    return _table(header, rows)


def _cost(report: Readiness) -> str:
    cost = report.cost
    if cost is None:
        return "<p>Not measured.</p>"
    price = f"{cost.per_part:.2e} {cost.currency} a part at {cost.hour_price:g} {cost.currency} an hour of one core"
    return (
        f"<p>{escape(cost.where)}, a part at a time, processor time on this machine: p50 {cost.p50_us:.0f} us, p99 "
        f"{cost.p99_us:.0f} us; {cost.bytes} bytes; {escape(price)}. {escape(cost.note)}</p>"
    )


def _input_rows(report: Readiness) -> list[str]:
    return [
        html_row("td", [item.name, item.source, item.unit, "yes" if item.of_plan else "no"]) for item in report.inputs
    ]


def _label_of(report: Readiness) -> str:
    return next((item.label for item in report.reruns if item.scheme == report.primary), "a random split")


def _chart(report: Readiness) -> str:
    here = report.lab.here
    items = [Bar(name="at random", value=here.value, low=here.low, high=here.high, lab=True)]
    for item in report.reruns:
        figure, flattered = item.figure, item.gap.inflated
        items.append(Bar(name=item.label, value=figure.value, low=figure.low, high=figure.high, flattered=flattered))
    title = f"{report.lab.measure.upper()} by what was held out; dashed: a predictor that knows nothing"
    return bars(items, report.trivial.get("chance", 0.0), title)


def _between(low: float, high: float) -> str:
    return f"{shown(low)} to {shown(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def _figure_line(value: float, low: float, high: float) -> str:
    return f"{shown(value):>6}  {_between(low, high):16}"


def _table(header: Sequence[str], rows: Sequence[str]) -> str:
    return f"<table>{html_row('th', header)}{''.join(rows)}</table>"


def _list(items: Sequence[str], kind: str = "ul") -> str:
    return f"<{kind}>{''.join(f'<li>{escape(text)}</li>' for text in items)}</{kind}>" if items else ""
