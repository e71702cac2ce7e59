"""The counting behind drift figures, compiled: each loop reads as its definition does.

All columns are without gaps and sorted ascending; ``D`` is the greatest distance between two empirical distribution
functions (Kolmogorov 1933, Smirnov 1939), ``W`` the area between them (first Wasserstein distance; Vallender 1973).
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from lineside.domain.readings import Float64, Int32, Int64

BINS: Final = 256
"""Bins of the running counts: each holds 1/256 of the reference, which bounds the error of ``D``."""
STEP: Final = 16
"""Of the edges every one of so many is a pivot."""


@numba.njit(cache=True, nogil=True)
def distances(reference: Float64, window: Float64) -> tuple[float, float]:
    """Return ``D`` and ``W`` of two sorted columns, neither of them empty, in one walk over both."""
    n, m = len(reference), len(window)
    i = j = 0
    gap = area = 0.0
    apart = 0.0
    last = min(reference[0], window[0])
    while i < n and j < m:
        here = min(reference[i], window[j])
        area += abs(apart) * (here - last)
        while i < n and reference[i] == here:
            i += 1
        while j < m and window[j] == here:
            j += 1
        apart = i / n - j / m
        gap = max(gap, abs(apart))
        last = here
    while i < n:
        area += abs(i / n - 1.0) * (reference[i] - last)
        last = reference[i]
        i += 1
    while j < m:
        area += abs(1.0 - j / m) * (window[j] - last)
        last = window[j]
        j += 1
    return gap, area


@numba.njit(cache=True, nogil=True)
def shares(column: Float64, edges: Float64) -> Float64:
    """Return the share of a sorted column in each of ``len(edges) + 1`` bins; an edge belongs to the bin below it."""
    found = np.empty(len(edges) + 1)
    before = 0
    for place in range(len(edges)):
        upto = np.searchsorted(column, edges[place], side="right")
        found[place] = (upto - before) / len(column)
        before = upto
    found[len(edges)] = (len(column) - before) / len(column)
    return found


@numba.njit(cache=True, nogil=True)
def count_part(features: Float64, pivots: Float64, edges: Float64, counts: Int32) -> None:
    """Count one part into the bins of every feature: ``edges`` ``(f, 255)``, ``counts`` ``(f, 256)``; gaps are left.

    The bin is the number of edges below the value. ``pivots`` ``(f, 15)``, every sixteenth edge, say in which sixteen
    to look: counted without branches, that reads four lines of memory a feature, where halving reads eight.
    """
    for feature in range(len(features)):
        value = features[feature]
        if np.isnan(value):
            continue
        sixteen = 0
        for place in range(STEP - 1):
            sixteen += pivots[feature, place] < value
        found = sixteen * STEP
        for place in range(STEP - 1):
            found += edges[feature, sixteen * STEP + place] < value
        counts[feature, found] += 1


@numba.njit(cache=True, nogil=True)
def binned_distances(below: Float64, older: Int32, newer: Int32, gaps: Float64, sizes: Int64) -> None:
    """Fill ``gaps`` with ``D`` at the edges, and ``sizes`` with the parts counted, feature by feature.

    ``below`` ``(f, 255)`` is the reference's share up to each edge, ``older`` and ``newer`` are counts ``(f, 256)``.
    """
    for feature in range(len(gaps)):
        total = 0
        for place in range(older.shape[1]):
            total += older[feature, place] + newer[feature, place]
        sizes[feature] = total
        gaps[feature] = 0.0
        if total == 0:
            continue
        upto = 0
        for place in range(below.shape[1]):
            upto += older[feature, place] + newer[feature, place]
            gaps[feature] = max(gaps[feature], abs(below[feature, place] - upto / total))
