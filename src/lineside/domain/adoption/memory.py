"""Whether a frozen prototype has seen the rows that it is asked about: then its scores show memory, not foresight.

A tree file often keeps how many training rows came to each leaf. Were these drawn from the rows at hand, a share ``f``
of them, then a leaf that finds ``c`` of the rows at hand states about ``f c`` with variance ``f (1 - f) c`` (a draw
without replacement), and never more than ``c``. Rows of *another* sample of the same kind scatter on their own:
variance ``f (1 + f) c``. The mean of the squared deviations over ``f (1 - f) c`` is therefore near 1 for rows that
were seen, and near ``(1 + f) / (1 - f)`` or above for others; what lies below the geometric mean of the two has been
seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.adoption.findings import Finding, Gravity
from lineside.domain.adoption.worth import LEAST_GAP
from lineside.domain.readings import Float64, Int64

TREES_COMPARED: Final = 20
_FEWEST_LEAVES: Final = 30
_LEAST_SHARE: Final = 0.5
"""Share of the rows at hand below which seen and other rows cannot be told apart by their scatter."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LeafCounts:
    """Per leaf: its tree, the training rows that the file states, and the rows at hand that come there."""

    tree: Int64
    stated: Float64
    found: Float64


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the counts say: training rows stated, rows at hand, the scatter, and that of rows never seen."""

    stated: int
    at_hand: int
    scatter: float
    of_others: float

    @property
    def surely(self) -> bool:
        """Whether the file has seen rows at hand."""
        return self.scatter < math.sqrt(self.of_others)


def seen_by_counts(counts: LeafCounts) -> Seen | None:
    """Return what the leaves' counts say; None where they cannot say it: too few leaves, or too small a share."""
    used = (counts.tree < TREES_COMPARED) & (counts.stated > 0)
    first = counts.tree == 0
    stated, at_hand = float(counts.stated[first].sum()), float(counts.found[first].sum())
    share = stated / at_hand if at_hand else 0.0
    if used.sum() < _FEWEST_LEAVES or not _LEAST_SHARE <= share <= 1.0:
        return None
    wanted, found = counts.stated[used], counts.found[used]
    known = max(share * (1.0 - share), 1.0 / at_hand)  # all of them: a leaf may differ by nothing at all
    scatter = float(np.mean((wanted - share * found) ** 2 / (known * np.maximum(found, 1.0))))
    return Seen(stated=int(stated), at_hand=int(at_hand), scatter=scatter, of_others=share * (1.0 + share) / known)


def memory_findings(seen: Seen | None, measure: str, frozen: float, again: float, unseen: float) -> Iterator[Finding]:
    """Say whether the file has seen the rows.

    Args:
        seen: what the leaves' counts say, where there are any.
        measure: the name of the figure.
        frozen: the file's figure on all rows.
        again: the figure of a model of the same kind on rows that it has seen.
        unseen: the same on rows at random that it has not seen.
    """
    name = measure.upper()
    if seen is not None and seen.surely:
        share = seen.stated / seen.at_hand
        how = "exactly these parts" if share == 1.0 else f"a random {share:.0%} of these parts"
        yield Finding(
            code="has-seen-these-parts",
            gravity=Gravity.INFLATES,
            subject="prototype",
            text=f"The counts in the file's leaves fit {how}: the prototype was learned from them, and what it "
            f"scores on "
            f"them ({name} {frozen:.3f}) is memory.",
            remedy="Bring parts made after those that it was learned from, or the recipe (fit and predict).",
            figures={
                "stated": seen.stated,
                "at_hand": seen.at_hand,
                "scatter": seen.scatter,
                "of_others": seen.of_others,
            },
        )
    elif again - unseen >= LEAST_GAP and frozen - unseen > (again - unseen) / 2.0:
        yield Finding(
            code="scores-as-if-seen",
            gravity=Gravity.INFLATES,
            subject="prototype",
            text=f"Re-scored on all parts the prototype reaches {name} {frozen:.3f}: nearer to what a model of its "
            f"kind "
            f"reaches on parts that it has learned ({again:.3f}) than on others ({unseen:.3f}).",
            remedy="Bring parts made after those that it was learned from, or the recipe (fit and predict).",
            figures={"frozen": frozen, "seen": again, "unseen": unseen},
        )
