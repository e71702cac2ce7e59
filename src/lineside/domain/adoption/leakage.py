"""Inputs that know more than they may: the outcome, the clock, the position in the file, or what comes later.

Each is a question put to one input at a time, with a threshold that honest inputs do not reach by chance. What is found
is a reason to look, and its sentence says what to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lineside.domain.adoption.case import Case
from lineside.domain.adoption.findings import Finding, Gravity
from lineside.domain.metrics.ranking import roc_auc
from lineside.domain.readings import Float64

_PERFECT: Final = 0.995
_FEWEST: Final = 5
"""Parts of either kind from which a ranking says something."""
_CLOCK: Final = 0.98
"""Rank correlation with time from which an input tells the time."""
_FEWEST_PARTS: Final = 30
_SHIFTED: Final = 0.95
"""Share of parts in which an input equals the next part's value of another, from which it is taken from the future."""
_FEWEST_VALUES: Final = 10


def leakage_findings(case: Case) -> tuple[Finding, ...]:
    """Return what is found of a case's inputs, input after input."""
    found = [item for j in range(len(case.names)) for item in _of_input(case, j)]
    return (*found, *_from_the_future(case))


def _of_input(case: Case, j: int) -> Iterator[Finding]:
    name, values = case.names[j], case.inputs[:, j]
    missing = np.isnan(values)
    enough = min(case.bad.sum(), (~case.bad).sum()) >= _FEWEST
    if enough and not missing.any() and _is_the_outcome(values, case):
        yield Finding(
            code="constant-per-class",
            gravity=Gravity.BLOCKS,
            subject=name,
            text=f"'{name}' has one value for good parts and another for bad ones: it is the outcome in other words.",
            remedy=f"Train without {name}.",
        )
    elif enough and (apart := _apart(case, values)) >= _PERFECT:
        yield Finding(
            code="knows-the-outcome",
            gravity=Gravity.LOOK,
            subject=name,
            text=f"'{name}' alone tells good parts from bad ones (AUC {apart:.3f}). Is it known before the outcome is?",
            remedy=f"If {name} is measured, set or corrected after the inspection, train without it.",
            figures={"auc_alone": apart},
        )
    if enough and missing.any() and (told := _apart(case, missing.astype(np.float64))) >= _PERFECT:
        yield Finding(
            code="gaps-know-the-outcome",
            gravity=Gravity.INFLATES,
            subject=name,
            text=f"Where '{name}' is missing tells good parts from bad ones (AUC {told:.3f}).",
            remedy=f"Find out why {name} is missing; fill it the same way for all parts, or train without it.",
            figures={"auc_of_gaps": told},
        )
    if (told := _clock(case, values)) >= _CLOCK:
        yield Finding(
            code="tells-the-time",
            gravity=Gravity.LOOK,
            subject=name,
            text=f"'{name}' moves with time (rank correlation {told:.3f}): to a model it is a clock.",
            remedy=f"Train without {name}, or with its difference to a baseline that follows it.",
            figures={"rank_correlation_with_time": told},
        )


def _is_the_outcome(values: Float64, case: Case) -> bool:
    good, bad = np.unique(values[~case.bad]), np.unique(values[case.bad])
    return len(good) == 1 and len(bad) == 1 and good[0] != bad[0]


def _apart(case: Case, values: Float64) -> float:
    """Return how well values alone tell good from bad, in either direction."""
    here = np.isfinite(values)
    bad = case.bad[here]
    if min(bad.sum(), (~bad).sum()) < _FEWEST:
        return 0.5
    auc = roc_auc(bad, values[here])
    return max(auc, 1.0 - auc)


def _clock(case: Case, values: Float64) -> float:
    """Return the greatest rank correlation with time that holds over all parts, 0 where they have no time."""
    if case.time is None:
        return 0.0
    here = np.isfinite(values)
    if here.sum() < _FEWEST_PARTS or len(np.unique(values[here])) < _FEWEST_PARTS:
        return 0.0
    return abs(_rank_correlation(values[here], case.time[here].astype(np.float64)))


def _rank_correlation(a: Float64, b: Float64) -> float:
    """Return Spearman's rank correlation, equal values with their mean rank."""
    ranks = [_mean_ranks(item) for item in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _mean_ranks(values: Float64) -> Float64:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    mean: Float64 = (np.cumsum(count) - (count - 1) / 2)[place]
    return mean


def _from_the_future(case: Case) -> Iterator[Finding]:
    """Find inputs that equal what another will be at the next part."""
    if case.time is None or len(case) < _FEWEST_PARTS:
        return
    follows = np.flatnonzero((case.group[1:] == case.group[:-1]) & (np.diff(case.time) > 0))
    many = [len(np.unique(column[np.isfinite(column)])) >= _FEWEST_VALUES for column in case.inputs.T]
    for i, name in enumerate(case.names):
        now = case.inputs[follows, i]
        moves = now != case.inputs[follows + 1, i]  # an input that stands still says nothing of its direction
        for j, other in enumerate(case.names):
            same = (now == case.inputs[follows + 1, j]) & (now != case.inputs[follows, j])
            if i != j and many[i] and many[j] and moves.sum() >= _FEWEST_PARTS and same[moves].mean() >= _SHIFTED:
                yield Finding(
                    code="from-the-future",
                    gravity=Gravity.BLOCKS,
                    subject=name,
                    text=f"'{name}' is what '{other}' will be at the next part: it is not known in time.",
                    remedy=f"Train without {name}; shift it by one part if it was meant to be the last value.",
                    figures={"share_equal": float(same[moves].mean())},
                )
