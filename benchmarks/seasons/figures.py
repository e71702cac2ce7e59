"""What is counted of a contender, season by season, and of two of them at equal recall.

An alert is *true* if one of the first twenty parts within it does not conform, or if something was wrong with the
process meanwhile; otherwise it is *false*. (Were all of its parts to count, an alert that always stands would always be
right.) By outcome alone (`false_by_outcome`) it is false as soon
as no part within it is bad. Recall counts bad parts that were in alarm, each part once for each defect it has;
`recall_foreseeable` leaves out those that were bad by chance, at a true risk below a tenth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.apps.demo.physics.faults import FaultKind
from lineside.domain.plan.model import Plan
from seasons.engine import engine_figures, is_true, soon
from seasons.judged import Alert, Bools, Judged, folded
from seasons.stream import ATTRIBUTES, FORESEEABLE, PROCESS_FAULTS, Stream

Figures = dict[str, Any]
CAUSES: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.CHILLER_VALVE: ("porosity_cooling",),
    FaultKind.VACUUM_LEAK: ("porosity_vacuum",),
    FaultKind.PLUNGER_WEAR: ("porosity_plunger", "cold_shut_plunger"),
    FaultKind.ALLOY_LOT: ("porosity_melt", "cold_shut_melt"),
}
"""The plan's reactions that answer what was injected; alerts of other characteristics are not about it."""
RECALLS = (0.5, 0.7, 0.9)
_GROWN = 0.1
"""Severity from which an alert counts as one about the fault."""
_LEAST_BAD = 3
"""A fault must have made so many bad parts to be one that should be found."""


def figures(plan: Plan, stream: Stream, columns: Mapping[str, Judged], season: str) -> Figures:
    """Return the figures of one season."""
    rows = stream.season == season
    shifts = np.unique(stream.shift[rows])
    by_name = {name: _alerts_of(judged.alerts, rows) for name, judged in columns.items()}
    false = {name: [a for a in found if not is_true(a, stream, name)] for name, found in by_name.items()}
    strict = sum(not stream.bad[name][soon(a)].any() for name, found in by_name.items() for a in found)
    alerts, wrong = sum(map(len, by_name.values())), sum(map(len, false.values()))
    per_shift = _per_shift(false, stream, shifts)
    hits = sum(int((judged.alarm & stream.bad[name] & rows).sum()) for name, judged in columns.items())
    bad = sum(int((stream.bad[name] & rows).sum()) for name in columns)
    alarms = sum(int((judged.alarm & rows).sum()) for judged in columns.values())
    seen = {name: stream.foreseeable(name) & rows for name in columns}
    budget = plan.service_levels.false_alarms_per_shift
    return {
        "shifts": len(shifts),
        "parts": int(rows.sum()),
        "defects": bad,
        "recall": _share(hits, bad),
        "recall_foreseeable": _share(
            sum(int((judged.alarm & seen[name]).sum()) for name, judged in columns.items()),
            sum(int(found.sum()) for found in seen.values()),
        ),
        "precision": _share(hits, alarms),
        "good_parts_in_alarm": _share(alarms - hits, int(rows.sum()) * len(columns) - bad),
        "alerts": alerts,
        "false_alarms": wrong,
        "false_alarms_per_shift": _share(wrong, len(shifts)),
        "false_by_outcome_per_shift": _share(strict, len(shifts)),
        "worst_shift": int(per_shift.max(initial=0)),
        "shifts_within_budget": float(np.mean(per_shift <= budget)),
        "predictive_value": _share(alerts - wrong, alerts),
        **engine_figures(plan, stream, columns, season),
        **_causes(plan, stream, by_name),
        **_faults_found(stream, by_name, rows),
        **_states(columns, rows, len(shifts)),
        "by_characteristic": {
            name: {
                "defects": int((stream.bad[name] & rows).sum()),
                "recall": _share((judged.alarm & stream.bad[name] & rows).sum(), (stream.bad[name] & rows).sum()),
                "false_alarms_per_shift": _share(len(false[name]), len(shifts)),
            }
            for name, judged in columns.items()
        },
    }


def at_recall(judged: Judged, stream: Stream, name: str, season: str, recall: float, wanted: Bools) -> Figures | None:
    """Return recall and false alarms per shift with the limit moved to where the season's recall is reached.

    ``wanted`` are the bad parts that the recall is one of. None where no limit reaches it: parts that are not judged
    cannot be found.
    """
    rows = stream.season == season
    bad = np.flatnonzero(wanted & rows)
    count = int(np.ceil(recall * len(bad) - 1e-9)) if len(bad) else 0
    if count == 0:
        return {"recall": 0.0, "false_alarms_per_shift": 0.0}
    margin = np.where(judged.answered, judged.margin, -np.inf)
    limit = np.sort(margin[bad])[::-1][count - 1]
    if not np.isfinite(limit):
        return None
    alarm = judged.answered & (margin >= limit)
    alerts = _alerts_of(folded(alarm & rows, judged.answered & rows, stream.day), rows)
    wrong = sum(not is_true(item, stream, name) for item in alerts)
    shifts = len(np.unique(stream.shift[rows]))
    return {"recall": float(alarm[bad].mean()), "false_alarms_per_shift": _share(wrong, shifts)}


def equal_recall(stream: Stream, ours: Mapping[str, Judged], theirs: Mapping[str, Judged], season: str) -> Figures:
    """Return the false alarms per shift of two contenders when every characteristic is at the same recall of both.

    ``at_ours`` is at the recall that the first has by its own limits, ``at_theirs`` at that of the second.
    """
    rows = stream.season == season
    result: Figures = {}
    for level, leading in (("at_ours", ours), ("at_theirs", theirs)):
        own = {
            name: _share((leading[name].alarm & stream.bad[name] & rows).sum(), (stream.bad[name] & rows).sum())
            for name in ATTRIBUTES
        }
        result[level] = _compared(stream, ours, theirs, season, own, stream.bad)
    foreseeable = {name: stream.foreseeable(name) for name in ATTRIBUTES}
    for recall in RECALLS:
        level, own = f"foreseeable_{recall:g}", dict.fromkeys(ATTRIBUTES, recall)
        result[level] = _compared(stream, ours, theirs, season, own, foreseeable)
    return result


def _compared(
    stream: Stream,
    ours: Mapping[str, Judged],
    theirs: Mapping[str, Judged],
    season: str,
    recall: Mapping[str, float],
    wanted: Mapping[str, Bools],
) -> Figures:
    """Return both contenders' false alarms per shift at a recall of each characteristic, None where out of reach."""
    found: Figures = {"recall": dict(recall)}
    for who, columns in (("ours", ours), ("theirs", theirs)):
        points = [at_recall(columns[name], stream, name, season, recall[name], wanted[name]) for name in ATTRIBUTES]
        reached = all(point is not None for point in points)
        found[who] = sum(point["false_alarms_per_shift"] for point in points if point) if reached else None
    mine, yours = found["ours"], found["theirs"]
    found["times_fewer"] = None if mine is None or yours is None else _share(yours, mine)
    return found


def _alerts_of(alerts: tuple[Alert, ...], rows: Bools) -> list[Alert]:
    return [item for item in alerts if rows[item.first]]


def _per_shift(false: Mapping[str, list[Alert]], stream: Stream, shifts: NDArray[np.int64]) -> NDArray[np.int64]:
    raised = [int(stream.shift[item.first]) for found in false.values() for item in found]
    return np.array([raised.count(int(shift)) for shift in shifts], dtype=np.int64)


def _causes(plan: Plan, stream: Stream, alerts: Mapping[str, list[Alert]]) -> Figures:
    """Return how often alerts about an injected cause named it: by the cause group, and by the first contribution.

    An alert is about a fault that was at work when it was raised and had made that defect likely by then or soon
    after. ``*_of_all`` counts all that were raised while a fault was at work that can make that defect.
    """
    about: list[tuple[bool, bool]] = []
    meanwhile: list[tuple[bool, bool]] = []
    for name, found in alerts.items():
        signals = {item.id: item.signals for item in plan.reactions_to(name)}
        for alert in found:
            for kind, reactions in CAUSES.items():
                fitting = [item for item in reactions if item in signals]
                if stream.fault[kind][alert.first] < _GROWN or not fitting:
                    continue
                right = alert.cause in fitting, any(alert.top in signals[item] for item in fitting)
                meanwhile.append(right)
                within = soon(alert)
                if (stream.risk[name][within][stream.fault[kind][within] > 0] >= FORESEEABLE).any():
                    about.append(right)
    return {
        "alerts_on_injected": len(about),
        "cause_right": _share(sum(cause for cause, _ in about), len(about)),
        "top_right": _share(sum(top for _, top in about), len(about)),
        "alerts_during_faults": len(meanwhile),
        "cause_right_of_all": _share(sum(cause for cause, _ in meanwhile), len(meanwhile)),
        "top_right_of_all": _share(sum(top for _, top in meanwhile), len(meanwhile)),
    }


def _faults_found(stream: Stream, alerts: Mapping[str, list[Alert]], rows: Bools) -> Figures:
    """Return the share of process faults with bad parts that raised an alert, and alerts during sensor faults."""
    firsts = np.array([(a.first, a.last) for found in alerts.values() for a in found], dtype=np.int64).reshape(-1, 2)
    faults = found = 0
    any_bad = np.logical_or.reduce([stream.bad[name] for name in ATTRIBUTES])
    for kind in PROCESS_FAULTS:
        active = (stream.fault[kind] > 0) & rows
        starts = np.flatnonzero(active & ~np.concatenate(([False], active[:-1])))
        for start in starts.tolist():
            length = int(np.argmin(active[start:])) or len(active) - start
            if any_bad[start : start + length].sum() >= _LEAST_BAD:
                faults += 1
                found += bool(((firsts[:, 0] < start + length) & (firsts[:, 1] >= start)).any())
    quiet = stream.sensor_fault & ~stream.process_fault
    blamed = sum(bool(quiet[a.first]) and not is_true(a, stream, name) for name, items in alerts.items() for a in items)
    return {
        "process_faults": faults,
        "process_faults_found": _share(found, faults),
        "silence": _share(faults - found, faults),
        "false_alarms_on_sensor_faults": blamed,
    }


def _states(columns: Mapping[str, Judged], rows: Bools, shifts: int) -> Figures:
    total = max(int(rows.sum()) * len(columns), 1)
    counts = {
        state: sum(int((item.state[rows] == state).sum()) for item in columns.values())
        for state in ("outside_experience", "warming_up", "bad_data")
    }
    advisories = sum(len(_alerts_of(item.advisories, rows)) for item in columns.values())
    return {name: count / total for name, count in counts.items()} | {
        "advisories_per_shift": _share(advisories, shifts)
    }


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
