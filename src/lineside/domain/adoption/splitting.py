"""What a random split shares between its two sides: copies, near copies, groups and days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from lineside.domain.adoption.case import Case, Objects
from lineside.domain.adoption.findings import Finding, Gravity
from lineside.domain.adoption.schemes import Scheme
from lineside.domain.readings import Float64, Int64
from lineside.domain.splits import duplicate_rows

MOST_ROWS: Final = 4_000
_MOST_COPIES: Final = 0.01
_OFTEN: Final = 3.0
"""Times as often as by chance that a nearest neighbour is of the same group, to be worth a word."""
_MOSTLY: Final = 0.5
Nearest = Callable[[Float64], Int64]
"""Gives for each standardised row the position of the nearest other row."""


def splitting_findings(case: Case, random: Scheme, nearest: Nearest, seed: int) -> tuple[Finding, ...]:
    """Return what a random split leaks from one side to the other."""
    return (*_copies(case, random), *_neighbours(case, nearest, seed))


def _copies(case: Case, random: Scheme) -> Iterator[Finding]:
    repeated = len(duplicate_rows(case.inputs))
    if not repeated:
        return
    seen = [_also_in(case.inputs[fold.train], case.inputs[fold.test]) for fold in random.folds]
    share = float(np.concatenate(seen).mean())
    yield Finding(
        code="copies",
        gravity=Gravity.INFLATES if share > _MOST_COPIES else Gravity.LOOK,
        subject="parts",
        text=f"{repeated} parts copy an earlier one exactly; in a random split {share:.0%} of the parts judged stand, "
        "value for value, among those learned from.",
        remedy="Drop copies before splitting; ask where they come from.",
        figures={"copies": float(repeated), "share_of_judged": share},
    )


def _also_in(learned: Float64, judged: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    known = {row.tobytes() for row in np.ascontiguousarray(learned + 0.0)}
    return np.array([row.tobytes() in known for row in np.ascontiguousarray(judged + 0.0)], dtype=np.bool_)


def _neighbours(case: Case, nearest: Nearest, seed: int) -> Iterator[Finding]:
    """Say how often the part that resembles a part most is of its own group or day."""
    rows = np.sort(np.random.default_rng([seed, 3]).permutation(len(case))[:MOST_ROWS])
    z = _standardised(case.inputs[rows])
    of = nearest(z)
    kinds: list[tuple[str, Objects]] = [("group", case.group), *case.context.items()]
    if case.day is not None:
        kinds.append(("day", case.day.astype(object)))
    for kind, names in kinds:
        own = names[rows]
        _, count = np.unique(own.astype(str), return_counts=True)
        chance = float(np.sum((count / len(own)) ** 2))
        share = float(np.mean(own[of] == own))
        if len(count) > 1 and share >= _MOSTLY and share >= _OFTEN * chance:
            yield Finding(
                code="neighbours-are-copies",
                gravity=Gravity.LOOK,
                subject=kind,
                text=f"The part that a part resembles most is of the same {kind} in {share:.0%} of cases ({chance:.0%} "
                f"by chance); all {len(count)} stand on both sides of a random split.",
                remedy=f"Hold out whole {kind}s when you validate.",
                figures={"same": share, "by_chance": chance, "shared": float(len(count))},
            )


def _standardised(rows: Float64) -> Float64:
    """Return rows in deviations from the mean; what is missing counts as the mean."""
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, rows, 0.0).sum(axis=0) / count
    z: Float64 = np.where(known, rows - centre, 0.0)
    spread = np.sqrt((z**2).sum(axis=0) / count)
    return z / np.where(spread > 0, spread, 1.0)
