"""What is found wrong with a plan: one noun for mistakes of form, of reference and of sense.

A finding names the place by its path in the plan; whoever read the plan from a file adds line and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

Path = tuple[str | int, ...]
"""Keys and list positions from the plan's root, such as ``("signals", 3, "unit")``."""


MOST_CHOICES: Final = 30
"""Valid choices that are shown in a line."""


class Severity(StrEnum):
    """An error stops the plan from being used; a warning wants a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing found wrong: a stable ``code``, the place, and what to do about it.

    ``where`` says the place in words; ``file``, ``line`` and ``column`` (from 1; 0: unknown) where the plan came
    from a file. ``found`` is the value as written, empty where there is none.
    """

    code: str
    path: Path
    problem: str
    severity: Severity = Severity.ERROR
    where: str = ""
    found: str = ""
    choices: tuple[str, ...] = ()
    next_step: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return the finding in one line, as compilers write theirs."""
        text = f"{self._place()}{self.severity}: "
        if self.where:
            text += f"{self.where}: "
        text += self.problem
        if self.found:
            text += f" (found {self.found})"
        if self.choices:
            more = [f"and {len(self.choices) - MOST_CHOICES} more"] if len(self.choices) > MOST_CHOICES else []
            text += f"; valid: {', '.join([*self.choices[:MOST_CHOICES], *more])}"
        if self.next_step:
            text += f"; {self.next_step}"
        return f"{text} [{self.code}]"

    def _place(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}" if place else f"line {self.line}"
        return f"{place}: " if place else ""


def errors_among(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that stop the plan from being used."""
    return tuple(item for item in findings if item.severity is Severity.ERROR)


def path_in_words(path: Sequence[str | int], document: object) -> str:
    """Return a path as people follow it, with the ids of list items: ``stations[0] 'cast' . cycle . signal``."""
    parts: list[str] = []
    at: Any = document
    for step in path:
        if isinstance(step, int):
            at = at[step] if isinstance(at, list | tuple) and 0 <= step < len(at) else None
            label = f"[{step}]{_id_of(at)}"
            parts = [*parts[:-1], f"{parts[-1]}{label}"] if parts else [label]
        else:
            at = at.get(step) if isinstance(at, Mapping) else None
            parts.append(step)
    return " . ".join(parts)


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest known name, or ``""`` where none is near."""
    near = get_close_matches(written, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def _id_of(item: object) -> str:
    identity = item.get("id") if isinstance(item, Mapping) else None
    return f" '{identity}'" if isinstance(identity, str) else ""
