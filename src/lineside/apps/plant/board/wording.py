"""How the board says numbers, times and states: short, in the trade's words, never with false precision."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lineside.apps.plant.floor.views import Card, Condition, Trust
from lineside.apps.web.words import age, clock_time, date_time, number, percent, quantity, span, unit_name, when
from lineside.domain.nuisance import Grounds, Notice

_LIKELIHOOD: Final = ((0.9, "very likely"), (0.66, "likely"), (0.4, "about even"), (0.1, "unlikely"))

__all__ = ["age", "clock_time", "date_time", "number", "percent", "quantity", "span", "unit_name", "when"]

CONDITIONS: Final = {
    Condition.ALARM: "likely",
    Condition.ADVISORY: "advisory",
    Condition.CONTAINMENT: "hold back: judged late",
    Condition.OUTSIDE_EXPERIENCE: "outside experience",
    Condition.BAD_DATA: "data not good enough to judge",
    Condition.NO_DATA: "no data",
    Condition.RETURNED: "back to normal, wants an answer",
    Condition.LEARNING: "learning",
    Condition.NOT_JUDGED: "not judged",
    Condition.NORMAL: "normal",
}
VERDICTS: Final = {"defect_confirmed": "defect confirmed", "no_defect": "no defect", "not_checked": "not checked"}
PRIORITY_MARKS: Final = {"critical": "1", "high": "2", "advisory": "i"}


def likelihood(risk: float | None) -> str:
    """Return a probability in words and per cent."""
    if risk is None:
        return "unusual; how likely is not known yet"
    words = next((name for least, name in _LIKELIHOOD if risk >= least), "very unlikely")
    return f"{words} ({percent(risk)})"


def trust_words(trust: Trust) -> str:
    """Return how alerts of this kind turned out: 'confirmed 17 of the last 20 here, 3 not checked'."""
    if not trust.checked:
        words = "none checked here yet"
    else:
        words = f"confirmed {trust.confirmed} of the last {trust.checked} here"
    return words + (f", {trust.unconfirmed} not checked" if trust.unconfirmed else "")


def notice_words(card: Card) -> str:
    """Return why an alert does not interrupt, empty where it does or where its kind says so already."""
    if card.grounds is Grounds.BUDGET:
        return " · advice: the interruptions of this shift are used up"
    if card.grounds is Grounds.RECORD and card.notice is not Notice.INTERRUPT:
        return f" · {card.notice.value} only: right {percent(card.expected_value)} of the time here"
    return ""


def serials(units: Sequence[str]) -> str:
    """Return unit names in short: runs of consecutive numbers as first to last."""
    runs: list[list[str]] = []
    for unit in sorted(units, key=_natural):
        if runs and _follows(runs[-1][-1], unit):
            runs[-1].append(unit)
        else:
            runs.append([unit])
    return ", ".join(_run(run) for run in runs)


def _run(run: list[str]) -> str:
    if len(run) < 3:
        return ", ".join(run)
    return f"{run[0]} \N{EN DASH} {run[-1]}"


def _natural(unit: str) -> tuple[str, int, str]:
    match = re.fullmatch(r"(.*?)(\d{1,18})", unit)
    return (unit, -1, unit) if match is None else (match[1], int(match[2]), unit)


def _follows(earlier: str, later: str) -> bool:
    first, second = _natural(earlier), _natural(later)
    return first[1] >= 0 and first[0] == second[0] and second[1] == first[1] + 1
