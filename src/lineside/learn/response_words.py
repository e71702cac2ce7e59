"""What features do under their conditions: as facts of a manifest, and as lines that a person reads."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.domain.features.recipe import FeatureSpec
from lineside.domain.judging.wording import format_value
from lineside.learn.given import Given
from lineside.wire.bundle import EffectFact, ResponseFact


def response_facts(given: Given | None) -> tuple[ResponseFact, ...]:
    """Return the features that respond, those explained most first."""
    if given is None:
        return ()
    found = given.response
    facts = [
        ResponseFact(
            feature=int(given.process[j]),
            effects=tuple(
                EffectFact(
                    condition=int(given.conditions[item.condition]),
                    slope=item.slope,
                    low=item.low,
                    high=item.high,
                    bends=item.bends,
                )
                for item in found.effects
                if item.feature == j
            ),
            explained=float(found.explained[j]),
            low=float(found.low[j]),
            high=float(found.high[j]),
        )
        for j in found.responds.nonzero()[0].tolist()
    ]
    return tuple(sorted(facts, key=lambda fact: -fact.explained))


def word_responses(facts: Sequence[ResponseFact], features: Sequence[FeatureSpec]) -> tuple[str, ...]:
    """Return a line per feature that responds; ``features`` is the recipe that the facts' positions are of.

    "die_temperature.mean: +0.8 degC per degC of hall_temperature.mean; explains 63 % of its variance".
    """
    return tuple(_line(fact, features) for fact in facts)


def _line(fact: ResponseFact, features: Sequence[FeatureSpec]) -> str:
    own = features[fact.feature]
    effects = ", ".join(_effect(item, own, features[item.condition]) for item in fact.effects)
    return f"{own.name}: {effects}; explains {fact.explained:.0%} of its variance"


def _effect(effect: EffectFact, own: FeatureSpec, condition: FeatureSpec) -> str:
    size = f"{'+' if effect.slope >= 0.0 else ''}{format_value(effect.slope)} {own.unit}".rstrip()
    bends = ", in a bend" if effect.bends else ""
    return f"{size} per {condition.unit or 'unit'} of {condition.name}{bends}"
