"""Two digests of a plan: what binds models, and the rest.

The judging digest covers what a model's answer depends on (signals, cycles, envelope, characteristics).
Texts, owners and escalation are in the response digest alone, so that a translation invalidates nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lineside.domain.plan.model import Plan

_SIGNAL = {"id", "station", "unit", "role", "type", "range", "features", "phase_features"}
_STATION = {"id", "cycle", "phases", "lateness"}
_CHARACTERISTIC = {"id", "station", "kind", "classes", "nonconforming", "specification", "model"}


def judging_digest(plan: Plan) -> str:
    """Return 16 hexadecimal digits that change whenever a model's answer could."""
    dump = plan.model_dump(mode="json")
    return _digest(
        {
            "stations": [_only(item, _STATION) for item in dump["stations"]],
            "signals": [_only(item, _SIGNAL) for item in dump["signals"]],
            "envelope": dump["envelope"],
            "characteristics": [_only(item, _CHARACTERISTIC) for item in dump["characteristics"]],
        }
    )


def response_digest(plan: Plan) -> str:
    """Return 16 hexadecimal digits that change whenever what people see or do could."""
    dump = plan.model_dump(mode="json")
    return _digest({"reactions": dump["reactions"], "shifts": dump["shifts"], "levels": dump["service_levels"]})


def _only(item: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key in keys}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
