"""The year's figures as one document and as tables: medians over the seeds, the worst beside them, and the goals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Content = Mapping[str, Any]
SHOWN = (
    ("recall", "recall", "{:.2f}"),
    ("recall_foreseeable", "of what could be foreseen", "{:.2f}"),
    ("precision", "precision of parts", "{:.2f}"),
    ("false_alarms_per_shift", "false alarms a shift", "{:.2f}"),
    ("shifts_within_budget", "shifts within budget", "{:.2f}"),
    ("predictive_value", "alerts that were right", "{:.2f}"),
    ("process_faults_found", "faults found", "{:.2f}"),
    ("cause_right", "cause right", "{:.2f}"),
    ("top_right", "top signal right", "{:.2f}"),
    ("outside_experience", "outside experience", "{:.3f}"),
    ("warming_up", "warming up", "{:.3f}"),
)
ENGINE = (
    (".alerts_per_shift", "interruptions a shift", "{:.2f}"),
    (".worst_shift", "in the worst shift", "{:.0f}"),
    (".right", "that were right", "{:.2f}"),
    (".floods", "floods", "{:.0f}"),
    ("", "bad parts of faults in or soon after one", "{:.2f}"),
    ("advised_per_shift", "advice a shift", "{:.2f}"),
    ("logged_per_shift", "logged a shift", "{:.2f}"),
    ("silenced", "suppressed by design", "{:.0f}"),
    ("escapes_in_silence", "bad parts in silence", "{:.0f}"),
)
_LOW_IS_BAD = frozenset(
    {"recall", "recall_foreseeable", "precision", "shifts_within_budget", "predictive_value"}
    | {"process_faults_found", "cause_right", "top_right"}
)
LEVELS = {
    "at_ours": "the recall of Lineside's own limits",
    "at_theirs": "the recall of the plain model's own limits",
    "foreseeable_0.5": "half of what could be foreseen",
    "foreseeable_0.7": "0.7 of what could be foreseen",
    "foreseeable_0.9": "0.9 of what could be foreseen",
}


def collected(about: Content, seeds: Sequence[Content]) -> Content:
    """Return the whole document: what was run, the goals, the spread over seeds, and every seed."""
    names = dict.fromkeys(name for seed in seeds for name in seed["contenders"])
    summary = {
        name: _summary([seed["contenders"][name] for seed in seeds if name in seed["contenders"]]) for name in names
    }
    equal = {
        season: {level: _equal([seed["equal_recall"][season][level] for seed in seeds]) for level in LEVELS}
        for season in about["judged"]
    }
    whole = {"about": dict(about), "summary": summary, "equal_recall": equal, "seeds": list(seeds)}
    return {**whole, "goals": _goals(whole)}


def _summary(per_seed: Sequence[Content]) -> Content:
    """Return median, least and greatest of each figure by season, and the worst season of any seed."""
    seasons = {
        season: {name: spread(seed[season][name] for seed in per_seed) for name, _, _ in SHOWN}
        for season in per_seed[0]
    }
    worst = {}
    for name, _, _ in SHOWN:
        lowest = name in _LOW_IS_BAD
        found = [
            (value, season)
            for season in seasons
            for value in [seasons[season][name]["least" if lowest else "greatest"]]
            if value is not None
        ]
        if found:
            value, season = min(found) if lowest else max(found)
            worst[name] = {"value": value, "season": season}
    return {"seeds": len(per_seed), "seasons": seasons, "worst_season": worst}


def spread(values: Iterable[float | None]) -> dict[str, float | None]:
    """Return median, least and greatest of the values that are numbers."""
    found = [float(value) for value in values if value is not None and not math.isnan(value)]
    if not found:
        return {"median": None, "least": None, "greatest": None}
    return {"median": float(np.median(found)), "least": min(found), "greatest": max(found)}


def _equal(points: Sequence[Content]) -> Content:
    """Return both rates over the seeds; how many times fewer is told of their sums, since a single one may be 0."""
    both = [point for point in points if point["ours"] is not None and point["theirs"] is not None]
    ours, theirs = sum(point["ours"] for point in both), sum(point["theirs"] for point in both)
    return {
        "ours": spread(point["ours"] for point in points),
        "theirs": spread(point["theirs"] for point in points),
        "reached_by_both": len(both),
        "times_fewer": theirs / ours if ours else None,
        "times_fewer_of_seeds": spread(point["times_fewer"] for point in both),
    }


def _goals(content: Content) -> list[Content]:
    """Return each goal with what was found and whether it was reached."""
    lineside, budget = content["summary"]["lineside"], content["about"]["budget_per_shift"]
    goals = [
        _goal(
            f"summer: false alarms at {LEVELS[level]}, times fewer than plain boosting",
            ">= 5",
            content["equal_recall"]["summer"][level]["times_fewer"],
            lambda value: value >= 5,
        )
        for level in LEVELS
    ]
    worst = lineside["worst_season"].get("false_alarms_per_shift", {}).get("value")
    goals.append(
        _goal("false alarms a shift, worst season of any seed", f"<= {budget:g}", worst, lambda value: value <= budget)
    )
    for name, words in (("top_right", "top contribution"), ("cause_right", "cause group")):
        for count, suffix, what in (
            ("alerts_on_injected", "", "alerts on injected causes"),
            ("alerts_during_faults", "_of_all", "alerts while a fault was at work"),
        ):
            asked, value = _pooled(content["seeds"], count, name + suffix)
            goals.append(_goal(f"{words} right, of {asked} {what}", ">= 0.9", value, lambda value: value >= 0.9))
    return goals


def _pooled(seeds: Sequence[Content], count: str, name: str) -> tuple[int, float | None]:
    """Return how many there were in all seeds and seasons, and the share of them that a figure tells of."""
    found = [season for seed in seeds for season in seed["contenders"]["lineside"].values()]
    asked = sum(season[count] for season in found)
    right = sum(season[count] * _number(season[name]) for season in found)
    return asked, right / asked if asked else None


def _goal(name: str, mark: str, value: float | None, reached: Any) -> Content:
    verdict = "not to be said" if value is None else "reached" if reached(value) else "not reached"
    return {"goal": name, "mark": mark, "found": value, "verdict": verdict}


def _number(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else float(value)


def as_markdown(content: Content) -> str:
    """Return the document as tables."""
    about = content["about"]
    lines = ["# A year of the cell", "", _origin(about), "", "## Goals", ""]
    lines += _table(
        ["goal", "mark", "found", ""],
        [[goal["goal"], goal["mark"], _shown(goal["found"]), goal["verdict"]] for goal in content["goals"]],
    )
    for season in about["judged"]:
        lines += ["", f"## {season.replace('_', ' ').capitalize()}", ""]
        rows = [
            [name.replace("_", " "), *(_of(found["seasons"][season][key], form) for key, _, form in SHOWN)]
            for name, found in content["summary"].items()
        ]
        lines += _table(["contender", *(words for _, words, _ in SHOWN)], rows)
        lines += ["", "False alarms a shift at equal recall of every characteristic:", ""]
        lines += _table(["level", "Lineside", "plain boosting", "times fewer"], _levels(content, season))
    lines += ["", "## Interruptions before and after the nuisance budget", ""]
    lines += _table(["contender, season", *(words for _, words, _ in ENGINE)], _interruptions(content))
    lines += ["", "## Worst season of any seed", ""]
    rows = [
        [name.replace("_", " "), *(_worst(found["worst_season"].get(key), form) for key, _, form in SHOWN)]
        for name, found in content["summary"].items()
    ]
    lines += _table(["contender", *(words for _, words, _ in SHOWN)], rows)
    return "\n".join([*lines, ""])


def _interruptions(content: Content) -> list[list[str]]:
    """Return a row for each contender and season: each figure before the engine, an arrow, after it."""
    rows = []
    for name in (name for name in content["summary"] if name in {"lineside", "plain_boosting"}):
        for season in content["about"]["judged"]:
            found = [seed["contenders"][name][season] for seed in content["seeds"]]
            cells = [_before_and_after(found, key, form) for key, _, form in ENGINE]
            rows.append([f"{name.replace('_', ' ')}, {season.replace('_', ' ')}", *cells])
    return rows


def _before_and_after(found: Sequence[Content], key: str, form: str) -> str:
    if key in found[0]:
        return _of(spread(item[key] for item in found), form)
    before, after = ([_dig(item, f"{when}{key}") for item in found] for when in ("before", "after"))
    return f"{_of(spread(before), form)} → {_of(spread(after), form)}"


def _dig(item: Content, path: str) -> float:
    when, _, name = path.partition(".")
    return float(item[when][name]) if name else float(item[f"faults_{when}"])


def _levels(content: Content, season: str) -> list[list[str]]:
    return [
        [
            words,
            _of(content["equal_recall"][season][level]["ours"], "{:.2f}"),
            _of(content["equal_recall"][season][level]["theirs"], "{:.2f}"),
            _shown(content["equal_recall"][season][level]["times_fewer"]),
        ]
        for level, words in LEVELS.items()
    ]


def _origin(about: Content) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    seeds = ", ".join(str(seed) for seed in about["seeds"])
    return (
        f"{about['date']}; commit {about['commit']}; {about['machine']}; {versions}. Seeds {seeds}; days of each"
        f" season: {about['days_of_each_season']}. Medians over the seeds, least to greatest in brackets."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join(['---'] + ['---:'] * (len(header) - 1))} |"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _of(found: Content, form: str) -> str:
    if found["median"] is None:
        return "-"
    middle, least, most = (form.format(found[key]) for key in ("median", "least", "greatest"))
    return middle if least == most else f"{middle} ({least} to {most})"


def _worst(found: Content | None, form: str) -> str:
    return "-" if found is None else f"{form.format(found['value'])} ({found['season'].replace('_', ' ')})"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: what is no number is null."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.integer | np.floating):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
