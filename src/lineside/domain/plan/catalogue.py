"""The catalogue of a plan: which code stands for which signal in every batch of the line."""

from __future__ import annotations

from lineside.domain.plan.model import Plan, SignalType
from lineside.domain.readings import Catalogue


def catalogue_for(plan: Plan) -> Catalogue:
    """Return the catalogue that all sources of a plan share: every signal, in the plan's order."""
    texts = frozenset(signal.id for signal in plan.signals if signal.type is SignalType.TEXT)
    return Catalogue(tuple(signal.id for signal in plan.signals), texts)
