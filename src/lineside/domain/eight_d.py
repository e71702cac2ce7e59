"""An alert as the beginning of an 8D report: D2, the problem, and D3, containment; the rest is the team's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What an alert tells of a problem. ``causes`` are lines of words; ``done`` the steps that were done."""

    alert: str
    line: str
    part: str
    station: str
    characteristic: str
    text: str
    raised: str
    ended: str
    score: float | None
    limit: float | None
    causes: tuple[str, ...]
    suspects: tuple[str, ...]
    steps: tuple[str, ...]
    done: tuple[str, ...]
    checked: int
    nonconforming: int
    verdict: str


def eight_d(problem: Problem) -> dict[str, Any]:
    """Return D2 and D3 of an 8D report, as plain values."""
    return {
        "D2": {
            "what": f"{problem.characteristic}: {problem.text}",
            "where": f"line {problem.line}, station {problem.station}, part {problem.part}",
            "when": problem.raised,
            "until": problem.ended,
            "how_found": "predicted from the process before inspection",
            "how_many": f"{len(problem.suspects)} suspect parts, {problem.nonconforming} of {problem.checked} checked "
            "do not conform",
            "score": problem.score,
            "limit": problem.limit,
            "is_unusual": list(problem.causes),
            "verdict": problem.verdict,
        },
        "D3": {
            "hold_back": list(problem.suspects),
            "since": "the last good part",
            "planned": list(problem.steps),
            "done": list(problem.done),
        },
        "reference": problem.alert,
    }


def safe_cell(value: object) -> str:
    """Return a value as a table's program shows it, and never runs it: a formula's first character is put in quotes.

    Source: OWASP, CSV Injection.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r", "|"} and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
