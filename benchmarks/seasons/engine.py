"""Alerts before and after the nuisance budget and the context gate: how often people are interrupted, and how rightly.

*Before* is every alert that is raised. *After* are those that interrupt: not in a context of silence, at a record of
the cause that is good enough, within the station's budget of the shift. The verdict on every alert is taken to be
known, and right, at the end of the shift in which it was raised; that is kind to the engine where people do not answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lineside.domain.alarm_load import floods_of
from lineside.domain.nuisance import Notice, Seen, decide
from lineside.domain.plan.model import Plan
from seasons.judged import Alert, Bools, Judged
from seasons.stream import PROCESS_FAULTS, STATION, Stream

SOON = 20
"""Parts from its raising on by which an alert must have shown its reason: a quarter of an hour."""


def is_true(alert: Alert, stream: Stream, name: str) -> bool:
    """Whether an alert had a reason."""
    within = soon(alert)
    return bool(stream.bad[name][within].any() or any(stream.fault[kind][within].any() for kind in PROCESS_FAULTS))


def soon(alert: Alert) -> slice:
    """Return the rows of the first parts of an alert."""
    return slice(alert.first, min(alert.last, alert.first + SOON - 1) + 1)


def engine_figures(plan: Plan, stream: Stream, columns: Mapping[str, Judged], season: str) -> dict[str, Any]:
    """Return the figures of one season before and after; records run through all seasons."""
    rows = stream.season == season
    shifts = np.unique(stream.shift[rows])
    found = [(name, alert) for name, judged in columns.items() for alert in judged.alerts]
    notices = _notices(plan, stream, found)
    before = [item for item in found if rows[item[1].first]]
    after = [item for item in before if notices.get(_id(*item)) is Notice.INTERRUPT]
    return {
        "before": _load(stream, before, shifts),
        "after": _load(stream, after, shifts),
        "advised_per_shift": sum(notices.get(_id(*item)) is Notice.ADVISE for item in before) / max(1, len(shifts)),
        "logged_per_shift": sum(notices.get(_id(*item)) is Notice.LOG for item in before) / max(1, len(shifts)),
        "faults_before": _faults(stream, before, rows),
        "faults_after": _faults(stream, after, rows),
        "silenced": sum(bool(alert.suppressed) for _, alert in before),
        "escapes_in_silence": sum(
            int(stream.bad[name][alert.first : alert.last + 1].sum()) for name, alert in before if alert.suppressed
        ),
    }


def _notices(plan: Plan, stream: Stream, found: list[tuple[str, Alert]]) -> dict[str, Notice]:
    """Return the notice of each alert that is announced, by its id."""
    ends = np.append(np.flatnonzero(np.diff(stream.shift)), len(stream) - 1)
    seen = [
        Seen(
            id=_id(name, alert),
            key=(STATION, name, alert.cause),
            model=name,
            raised=stream.parts[alert.first].received,
            shift=int(stream.shift[alert.first]),
            right=is_true(alert, stream, name),
            found=stream.parts[int(ends[np.searchsorted(ends, alert.first)])].received,
        )
        for name, alert in found
        if not alert.suppressed
    ]
    decided = decide(seen, plan.service_levels.interruptive_alerts_per_shift).decisions
    return {name: decision.notice for name, decision in decided.items()}


def _id(name: str, alert: Alert) -> str:
    return f"{name}/{alert.cause}/{alert.first:09d}"


def _load(stream: Stream, alerts: list[tuple[str, Alert]], shifts: Any) -> dict[str, float]:
    raised = [int(stream.shift[alert.first]) for _, alert in alerts]
    counts = np.array([raised.count(int(shift)) for shift in shifts], dtype=np.int64)
    times = sorted(stream.parts[alert.first].received for _, alert in alerts)
    return {
        "alerts_per_shift": float(counts.mean()) if len(counts) else 0.0,
        "worst_shift": int(counts.max(initial=0)),
        "right": sum(is_true(alert, stream, name) for name, alert in alerts) / len(alerts) if alerts else float("nan"),
        "floods": len(floods_of(times, times[-1] + 1 if times else 0)),
    }


def _faults(stream: Stream, alerts: list[tuple[str, Alert]], rows: Bools) -> float:
    """Return the share of bad parts that lay within an alert or came within a quarter of an hour after it began."""
    bad = np.logical_or.reduce(list(stream.bad.values())) & rows & stream.process_fault
    covered = np.zeros(len(stream), dtype=np.bool_)
    for _, alert in alerts:
        covered[alert.first : max(alert.last, alert.first + SOON) + 1] = True
    return float((bad & covered).sum() / bad.sum()) if bad.any() else float("nan")
