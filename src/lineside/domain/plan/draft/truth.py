"""Which column tells the truth about a part, and which of its values do not conform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.outcomes import BAD_WORDS, GOOD_WORDS
from lineside.domain.plan.draft.facts import Facts, tidy
from lineside.domain.plan.draft.names import read_name, slug
from lineside.domain.tables import Table

WORDS: Final = (
    *("nonconforming", "conforming", "quality", "qualitaet", "outcome", "verdict", "label", "anomaly", "defect"),
    *("nok", "ok", "nio", "io", "pass", "passed", "fail", "failed", "failure", "reject", "rejected", "scrap"),
    *("ausschuss", "fehler", "fault", "faulty", "outlier", "target", "class", "result", "good", "bad", "gut", "y"),
    *("changepoint", "rework"),
)
"""Words in the names of such columns, the surest first."""
GOOD_NAMES: Final = frozenset(["ok", "io", "pass", "passed", "good", "gut", "conforming"])
"""Names under which 1 means that the part is good."""
BAD_PARTS: Final = (
    "nok",
    "bad",
    "fail",
    "defect",
    "reject",
    "scrap",
    "waste",
    "anomal",
    "fault",
    "nio",
    "ng",
    "schlecht",
)
MOST_CLASSES: Final = 20
MEASURED: Final = frozenset(["quality", "qualitaet", "target", "result", "outcome", "y"])
"""Names that a measured value may have as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """The column that tells the truth: classes (empty: good or bad as written), or limits of a measured value."""

    column: str
    classes: tuple[str, ...] = ()
    nonconforming: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    remark: str = ""


def truth_columns(facts: Mapping[str, Facts]) -> tuple[str, ...]:
    """Return the columns that could tell the truth about a part, the likeliest first."""
    ranked = [(rank, name) for name, item in facts.items() if (rank := _rank(name, item)) is not None]
    return tuple(name for _, name in sorted(ranked, key=lambda pair: pair[0]))


def _rank(column: str, facts: Facts) -> int | None:
    words = read_name(column).words
    ranks = [WORDS.index(word) for word in words if word in WORDS]
    few = 2 <= facts.distinct <= MOST_CLASSES
    measured = facts.numeric and facts.distinct > MOST_CLASSES and bool(MEASURED.intersection(words))
    return min(ranks) if ranks and (few or measured) else None


def read_truth(table: Table, column: str, facts: Facts) -> Truth:
    """Return the truth that a column tells, with what was guessed about it as a remark."""
    if facts.distinct > MOST_CLASSES:
        low, high = (tidy(float(f"{edge:.4g}")) for edge in np.nanquantile(table.numbers(column), (0.005, 0.995)))
        remark = "specification limits guessed: 99 % of the values lie within; write the drawing's"
        return Truth(column=column, limits=(low, high), remark=remark)
    counts = Counter(cell.strip() for cell in table.texts(column) if cell is not None)  # as the plan's file keeps it
    values = _in_order(list(counts))
    if all(value.lower() in GOOD_WORDS | BAD_WORDS for value in values):
        return _good_or_bad(column, values)
    bad = tuple(value for value in values if any(part in slug(value) for part in BAD_PARTS))
    how = "by their names"
    if not bad or len(bad) == len(values):
        bad, how = (min(values, key=lambda value: counts[value]),), "the rarest class"
    remark = f"nonconforming classes guessed ({how}): {', '.join(bad)}"
    return Truth(column=column, classes=tuple(values), nonconforming=bad, remark=remark)


def _good_or_bad(column: str, values: Sequence[str]) -> Truth:
    """Words that mean good or bad by themselves; bare 0 and 1 depend on what the column is called."""
    bare = {"0", "1", "true", "false"}
    if not GOOD_NAMES.intersection(read_name(column).words) or not {value.lower() for value in values} <= bare:
        return Truth(column=column, remark="1 (or true, nok, bad ...) read as nonconforming")
    bad = tuple(value for value in values if value.lower() in {"0", "false"})
    return Truth(column=column, classes=tuple(values), nonconforming=bad, remark=f"{bad[0]} read as nonconforming")


def _in_order(values: list[str]) -> list[str]:
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)
