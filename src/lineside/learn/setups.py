"""What setups have in common and how they differ, learned from conforming parts: see `lineside.domain.baselines`.

A *run* is a stretch of parts of one setup without another in between. From the runs' scatter about their own means the
within-variance ``W`` is estimated (Ledoit and Wolf, J. Multivariate Analysis 88, 2004), from their means, less what
``W`` alone would make them differ by, the between-variance ``B`` (method of moments, as in the analysis of variance
with random effects: Searle, Casella and McCulloch, *Variance Components*, 1992). The directions are those in which
``W`` is 1 and ``B`` diagonal. Few setups say little of where the next will lie, so every direction is given the mean
variance of all as if `PRIOR_SETUPS` more setups had shown it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from lineside.domain.baselines import SetupFacts, posterior
from lineside.domain.plan.model import ModelWish
from lineside.domain.readings import Float64, Int64
from lineside.learn.normal import robust_scale, standardise

PRIOR_SETUPS: Final = 2.0
"""How many setups the mean over all directions counts as, where one direction is estimated."""
LEAST_RUN: Final = 5
"""Parts of a run below which its mean says too little."""
MOST_WORTH: Final = 200.0
"""Parts that an earlier run of a setup is worth at most."""
_UNKNOWN_BETWEEN: Final = 1.0
"""Between-variance where learning saw one setup only: as much as the parts of one setup scatter."""
_LEAST_BETWEEN: Final = 0.02
_FLATTEST: Final = 1e-3
_CLIPPED: Final = 6.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runs:
    """Rows by run: ``first`` and ``end`` positions, and the setup of each."""

    first: Int64
    end: Int64
    setup: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self.setup)


def runs_of(setup: NDArray[np.object_], group: NDArray[np.object_]) -> Runs:
    """Return the runs of rows in time order; a new group begins a new run."""
    change = np.ones(len(setup), dtype=np.bool_)
    change[1:] = [a != b for a, b in zip(setup[1:], setup[:-1], strict=True)]
    change[1:] |= group[1:] != group[:-1]
    first = np.flatnonzero(change)
    return Runs(first=first, end=np.append(first[1:], len(setup)), setup=tuple(setup[first].tolist()))


def learn_setups(rows: Float64, runs: Runs, places: Sequence[int] | Int64, wish: ModelWish) -> SetupFacts | None:
    """Return what conforming rows ``(r, inputs)`` say of setups; None where there is nothing that a setup could move.

    ``places`` are the inputs that a setup may move: process features, not conditions.
    """
    chosen = np.asarray(places, dtype=np.int64)
    if not len(chosen) or not len(rows):
        return None
    values = rows[:, chosen]
    centre, scale = _scales(values, runs)
    z = standardise(values, centre, scale)
    means, counts = _run_means(z, runs)
    away = np.clip(z - np.repeat(means, runs.end - runs.first, axis=0), -_CLIPPED, _CLIPPED)
    into = _whitening(away)
    long = counts >= LEAST_RUN
    setups = [name for name, enough in zip(runs.setup, long, strict=True) if enough]
    turned = means[long] @ into
    between, turn = _between(turned, counts[long], len(set(setups)))
    return SetupFacts(
        signals=wish.setup,
        parts=wish.setup_parts,
        places=chosen,
        centre=centre,
        scale=scale,
        into=into @ turn,
        between=between,
        worth=_worth(turned @ turn, counts[long], setups, between, float(wish.setup_parts)),
    )


@dataclass(slots=True)
class Place:
    """Where a setup's parts so far lie: their count, and their sum in the directions of the facts."""

    count: float
    total: Float64


def follow(
    facts: SetupFacts, rows: Float64, runs: Runs, teaches: NDArray[np.bool_], places: dict[tuple[str, ...], Place]
) -> tuple[Float64, Float64]:
    """Return rows ``(r, inputs)`` as a judge would give them to the model, and the good parts before each ``(r,)``.

    From every row goes what the earlier ones of its setup that teach say of its place. ``places`` are taken up and
    left where the rows end.
    """
    result, counts = rows.astype(np.float32), np.zeros(len(rows))
    for name, first, end in zip(runs.setup, runs.first.tolist(), runs.end.tolist(), strict=True):
        place = places.pop(name, None) or Place(0.0, np.zeros(len(facts.places)))
        share = min(1.0, facts.worth / place.count) if place.count else 1.0
        some = slice(first, end)
        taught = teaches[some].astype(np.float64)
        turned = (standardise(rows[some, facts.places], facts.centre, facts.scale) @ facts.into) * taught[:, None]
        count = place.count * share + np.cumsum(taught)
        total = place.total * share + np.cumsum(turned, axis=0)
        counts[some] = count - taught
        means, _ = posterior(counts[some][:, None], total - turned, facts.between)
        result[some, facts.places] -= ((means @ facts.back) * facts.scale).astype(np.float32)
        places[name] = Place(float(count[-1]), total[-1])
    return result.astype(np.float64), counts


def _scales(values: Float64, runs: Runs) -> tuple[Float64, Float64]:
    """Return where runs lie (median of their medians) and how far parts scatter about their run's median."""
    with np.errstate(all="ignore"):
        medians = np.array([_medians(values[a:b]) for a, b in zip(runs.first, runs.end, strict=True)])
    about = values - np.repeat(medians, runs.end - runs.first, axis=0)
    centre = _medians(medians)
    _, scale = robust_scale(about + centre)
    return centre, scale


def _medians(values: Float64) -> Float64:
    """Return the median of each column, 0 where it has no value."""
    empty = np.all(np.isnan(values), axis=0)
    filled = np.where(empty, 0.0, values)
    result: Float64 = np.nanmedian(filled, axis=0)
    return result


def _run_means(z: Float64, runs: Runs) -> tuple[Float64, Float64]:
    counts = (runs.end - runs.first).astype(np.float64)
    return np.add.reduceat(z, runs.first, axis=0) / counts[:, None], counts


def _whitening(away: Float64) -> Float64:
    """Return the matrix that makes the scatter about the runs' means 1 in every direction."""
    moment = away.T @ away / len(away)
    mean = max(float(np.trace(moment)) / len(moment), 1e-12)
    shrinkage = float(ledoit_wolf_shrinkage(away, assume_centered=True))
    values, vectors = np.linalg.eigh(moment)
    return np.asarray(vectors / np.sqrt(np.maximum((1 - shrinkage) * values + shrinkage * mean, _FLATTEST * mean)))


def _between(means: Float64, counts: Float64, setups: int) -> tuple[Float64, Float64]:
    """Return the between-variance in each direction, and the rotation into these directions."""
    width = means.shape[1]
    if setups < 2:
        return np.full(width, _UNKNOWN_BETWEEN), np.eye(width)
    about = means - means.mean(axis=0)
    moment = about.T @ about / (len(means) - 1)
    values, vectors = np.linalg.eigh(moment - float(np.mean(1.0 / counts)) * np.eye(width))
    found = np.maximum(values, 0.0)
    shrunk = ((setups - 1) * found + PRIOR_SETUPS * found.mean()) / (setups - 1 + PRIOR_SETUPS)
    return np.maximum(shrunk, _LEAST_BETWEEN), vectors


def _worth(
    means: Float64, counts: Float64, setups: Sequence[tuple[str, ...]], between: Float64, unknown: float
) -> float:
    """Return how many parts an earlier run of a setup is worth: 1 over the variance between its runs.

    Directions weigh as setups differ in them. ``unknown`` where no setup came twice.
    """
    spent, degrees = np.zeros(means.shape[1]), 0
    for name in set(setups):
        own = np.flatnonzero([item == name for item in setups])
        if len(own) > 1:
            about = means[own] - means[own].mean(axis=0)
            spent += (about**2).sum(axis=0) - (len(own) - 1) * float(np.mean(1.0 / counts[own]))
            degrees += len(own) - 1
    if not degrees:
        return unknown
    variance = float(np.maximum(spent / degrees, 0.0) @ between / between.sum())
    return min(max(1.0 / max(variance, 1e-9), 1.0), MOST_WORTH)
