"""The names people use for features: the signal's label and, in words, the statistic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from lineside.domain.features.recipe import FeatureRecipe, FeatureSpec, trace_kind
from lineside.domain.plan.model import Plan
from lineside.domain.remembering import once_each

_KINDS: Final = {
    "value": "",
    "mean": "average",
    "std": "spread",
    "min": "lowest",
    "max": "highest",
    "range": "range",
    "slope": "slope",
    "count": "readings",
    "area": "area",
    "first": "at start",
    "last": "at end",
}


MOST_STATIONS: Final = 256
"""Stations whose names of features are kept in words."""


def signal_label(plan: Plan, signal_id: str) -> str:
    """Return the name of a signal, or its id readable where the plan does not know it."""
    try:
        label = plan.signal(signal_id).label
    except KeyError:
        label = signal_id
    return label if label != signal_id else _sentence(signal_id)


@once_each(MOST_STATIONS)
def feature_labels(plan: Plan, recipe: FeatureRecipe) -> Mapping[str, str]:
    """Return the name in words of every feature: 'Die temperature, highest in fill', 'Fill time'.

    A signal with a single feature goes by its own name.
    """
    count = Counter(spec.signal for spec in recipe.features)
    return {
        spec.name: signal_label(plan, spec.signal) if count[spec.signal] == 1 else _feature_label(plan, spec)
        for spec in recipe.features
    }


def _feature_label(plan: Plan, spec: FeatureSpec) -> str:
    words = _kind_words(spec.kind)
    if spec.phase:
        words = f"{words} in {spec.phase.replace('_', ' ')}".strip()
    return ", ".join(part for part in (signal_label(plan, spec.signal), words) if part)


def characteristic_label(plan: Plan, characteristic_id: str) -> str:
    """Return the name of a characteristic."""
    try:
        label = plan.characteristic(characteristic_id).label
    except KeyError:
        label = characteristic_id
    return label if label != characteristic_id else _sentence(characteristic_id)


def station_label(plan: Plan, station_id: str) -> str:
    """Return the name of a station."""
    try:
        label = plan.station(station_id).label
    except KeyError:
        label = station_id
    return label if label != station_id else _sentence(station_id)


def _kind_words(kind: str) -> str:
    if kind in _KINDS:
        return _KINDS[kind]
    if kind.startswith("above("):
        return f"time above {kind[6:-1]}"
    trace = trace_kind(kind)
    if trace is not None:
        name, number, count = trace
        return f"part {number} of {count}" if name == "curve" else f"movement {number}"
    return f"{kind[1:]}th percentile"


def _sentence(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
