"""What `train` learns from: synthetic parts made in memory, under conditions that wander, 2 % nonconforming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Plan
from lineside.testing.modelling import modelling_plan, part_table

SIGNALS = 190
CONDITIONS = 10
BAD = 0.02


def made(parts: int) -> tuple[Plan, PartTable, NDArray[np.bool_]]:
    """Return the plan, so many parts (conditions move every signal a little), and which do not conform."""
    chance = np.random.default_rng(3)
    plan = modelling_plan(SIGNALS, CONDITIONS)
    features = np.empty((parts, SIGNALS + CONDITIONS))
    wander = np.cumsum(chance.normal(size=(parts, CONDITIONS)), axis=0)
    features[:, SIGNALS:] = 20.0 + 5.0 * np.tanh(0.01 * wander)
    for signal in range(SIGNALS):
        moved = 0.1 * chance.normal() * (features[:, SIGNALS] - 20.0)
        features[:, signal] = chance.normal(size=parts) + moved
    level = features[:, :5].sum(axis=1) + chance.normal(size=parts)
    bad = level > np.quantile(level, 1.0 - BAD)
    return plan, part_table(plan, features, np.where(bad, "nonconforming", "conforming").tolist()), bad
