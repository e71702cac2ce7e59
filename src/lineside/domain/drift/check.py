"""The exact check of a window of parts against a reference, and what it amounts to.

A test asks whether distributions are *equal*, and given enough parts the answer is always no; a verdict by its p value
flips with the size of the window. What is asked here is whether they differ by more than matters: *drifted* means
that ``D`` is greater than ``relevant``, with confidence. ``D - relevant`` is held against the distribution of
Kolmogorov (by the triangle inequality an observed ``D`` exceeds the true one by no more than the greatest deviation of
the two empirical distributions from their own), and Holm's correction (Scand. J. Statistics 6, 1979) shares the level
over all features, so that in a window without drift *any* feature is named with at most probability ``level``.

Neighbouring parts are nearly copies: sizes are counted in effective parts (`lineside.domain.effective`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from lineside.domain.drift.kernels import distances, shares
from lineside.domain.drift.reference import LEAST_PARTS, Reference
from lineside.domain.effective import effective_rows
from lineside.domain.readings import Float64

RELEVANT: Final = 0.1
"""``D`` that matters: a shift of a normal feature by a quarter of its standard deviation."""
LEVEL: Final = 0.01
"""Chance that a window without drift has any feature named."""
_PSI_FLOOR: Final = 1e-4
_MOST_TERMS: Final = 100


class Verdict(StrEnum):
    """What a feature's drift amounts to."""

    STEADY = "steady"
    DRIFTED = "drifted"
    EXPLAINED = "explained by conditions"
    CONDITION = "conditions have changed"
    TOO_FEW = "too few parts"


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDrift:
    """One feature of a window against the reference.

    ``ks`` is ``D`` (0 to 1). ``p_equal`` is the p value of the textbook's test of equality, which counts every part as
    one, ``p_relevant`` that of a distance of no more than matters, by effective parts; both before correction.
    ``wasserstein`` is in the feature's own unit, ``psi`` the population stability index over twenty bins of the
    reference, ``shift`` the move of the mean in standard deviations of the reference. ``beyond`` is ``D`` of what is
    left beyond the conditions (None: no conditions). ``effect`` ranks: ``D`` of what is not explained, times the
    feature's weight in the model.
    """

    name: str
    parts: int
    ks: float
    p_equal: float
    p_relevant: float
    wasserstein: float
    psi: float
    shift: float
    verdict: Verdict
    beyond: float | None = None
    effect: float = 0.0


@dataclass(frozen=True, slots=True)
class Distance:
    """Distances of one feature, and the sizes that count for their p values."""

    parts: int
    ks: float = 0.0
    wasserstein: float = 0.0
    psi: float = 0.0
    shift: float = 0.0
    worth: float = 0.0


def check_window(
    reference: Reference,
    window: Float64,
    *,
    weights: Sequence[float] = (),
    relevant: float = RELEVANT,
    level: float = LEVEL,
) -> tuple[FeatureDrift, ...]:
    """Return every feature of a window ``(n, f)`` against the reference, what moves the model most first.

    Args:
        reference: what was summarised.
        window: the parts, in the order they were made.
        weights: how much each feature moves the model's score (none: all alike).
        relevant: the ``D`` that matters.
        level: chance that any feature of a window without drift is named.
    """
    plain = _measure(reference, window, relevant)
    rest = None
    if reference.given is not None and reference.rest is not None:
        rest = _measure(reference.rest, reference.given.rest(window), relevant)
    named = _beyond(plain, relevant, level)
    named_rest = None if rest is None else _beyond(rest, relevant, level)
    conditions = () if reference.given is None else reference.given.conditions
    shared = list(weights) or [1.0] * len(plain)
    found = []
    for place, item in enumerate(plain):
        left = None if rest is None or place in conditions else rest[place]
        left_named = False if named_rest is None or place in conditions else named_rest[place]
        found.append(
            FeatureDrift(
                name=reference.names[place],
                parts=item.parts,
                ks=item.ks,
                p_equal=kolmogorov(item.ks, _pairs(item.parts, len(reference.columns[place]))),
                p_relevant=kolmogorov(item.ks - relevant, item.worth),
                wasserstein=item.wasserstein,
                psi=item.psi,
                shift=item.shift,
                verdict=_verdict(item, named=named[place], condition=place in conditions, rest=left, left=left_named),
                beyond=None if left is None else left.ks,
                effect=shared[place] * (item.ks if left is None else left.ks),
            )
        )
    return tuple(sorted(found, key=lambda item: (item.verdict is not Verdict.DRIFTED, -item.effect, item.name)))


def _measure(reference: Reference, window: Float64, relevant: float) -> list[Distance]:
    """Return the distances of every feature; one that lacks parts on a side has none.

    Effective parts are counted where ``D`` is above ``relevant``: below it they change nothing.
    """
    columns = np.ascontiguousarray(window.T)
    ordered = np.sort(np.where(np.isfinite(columns), columns, np.nan), axis=1)  # gaps go to the end
    parts = len(window) - np.isnan(ordered).sum(axis=1)
    found = []
    for place, column in enumerate(reference.columns):
        count = int(parts[place])
        if min(count, len(column)) < LEAST_PARTS:
            found.append(Distance(parts=count))
            continue
        values = ordered[place, :count]
        ks, area = distances(column, values)
        effective = _effective_parts(columns[place]) if ks > relevant else float(count)
        found.append(
            Distance(
                parts=count,
                ks=ks,
                wasserstein=area,
                psi=stability(column, values, reference.psi_edges[place]),
                shift=float((values.mean() - reference.centre[place]) / reference.spread[place]),
                worth=_pairs(effective, len(column)),
            )
        )
    return found


def _pairs(window: float, reference: int) -> float:
    return window * reference / (window + reference) if window else 0.0


def _effective_parts(column: Float64) -> float:
    """Return how many independent parts a column is worth, by how its values lie about their own median.

    A value that stays, as a lot's does, is one however many parts were made of it.
    """
    values = column[np.isfinite(column)]
    stretches = 1.0 + np.count_nonzero(values[1:] != values[:-1])
    return min(effective_rows((values > np.median(values)).astype(np.float64)), stretches)


def stability(column: Float64, window: Float64, edges: Float64) -> float:
    """Return the population stability index of two sorted columns: ``sum((a - b) ln(a / b))`` over bins."""
    before = np.maximum(shares(column, edges), _PSI_FLOOR)
    now = np.maximum(shares(window, edges), _PSI_FLOOR)
    return float(((now - before) * np.log(now / before)).sum())


def kolmogorov(distance: float, worth: float) -> float:
    """Return the chance of a greater ``D`` where there is none, ``worth`` being ``n m / (n + m)``.

    The limiting distribution with Stephens' correction for finite sizes (JRSS B 32, 1970).
    """
    if distance <= 0.0 or worth <= 0.0:
        return 1.0
    root = math.sqrt(worth)
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < 0.3:
        return 1.0
    total = 0.0
    for k in range(1, _MOST_TERMS):
        term = math.exp(-2.0 * (k * scaled) ** 2)
        total += term if k % 2 else -term
        if term < 1e-16:
            break
    return min(max(2.0 * total, 0.0), 1.0)


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Return which hypotheses fall, the chance that any true one falls being at most ``level``."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    falls = [False] * len(p_values)
    for rank, place in enumerate(order):
        if p_values[place] > level / (len(p_values) - rank):
            break
        falls[place] = True
    return falls


def _beyond(found: Sequence[Distance], relevant: float, level: float) -> list[bool]:
    return holm([kolmogorov(item.ks - relevant, item.worth) for item in found], level)


def _verdict(item: Distance, *, named: bool, condition: bool, rest: Distance | None, left: bool) -> Verdict:
    """Return what it amounts to: what conditions explain is no drift of the process, whatever ``D`` is."""
    if item.worth == 0.0:
        return Verdict.TOO_FEW
    if condition:
        return Verdict.CONDITION if named else Verdict.STEADY
    if rest is None:
        return Verdict.DRIFTED if named else Verdict.STEADY
    if left:
        return Verdict.DRIFTED
    return Verdict.EXPLAINED if named else Verdict.STEADY
