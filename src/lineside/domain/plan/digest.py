"""Two digests of a plan: what binds models, and the rest.

The judging digest covers what a model's answer depends on (signals, cycles, envelope, characteristics).
Texts, owners and escalation are in the response digest alone, so that a translation invalidates nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from lineside.domain.plan.identity import WEEKDAYS
from lineside.domain.plan.model import AlertDelays, Plan

JUDGING_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "stations": frozenset({"id", "cycle", "phases", "lateness"}),
    "signals": frozenset({"id", "station", "unit", "role", "type", "range", "features", "phase_features"}),
    "envelope": frozenset({"signal", "low", "high"}),
    "characteristics": frozenset(
        {"id", "station", "kind", "classes", "nonconforming", "specification", "model"},
    ),
}
"""The fields of each list's items that a model's answer depends on; so it does on the order of the items."""
RESPONSE_KEYS: Final[Mapping[str, str]] = {"reactions": "reactions", "shifts": "shifts", "service_levels": "levels"}
"""The plan's fields that only change what people see or do, with their names in the digest."""

DELAYS: Final = "alert"
"""The field of a characteristic that only changes when its alerts come and go."""
SILENCE: Final = "silence"
"""The field of a station that only changes which alerts are announced."""

WORDS: Final = "words"
"""The plan's texts in other languages: they only change what people read."""

LANGUAGE: Final = "language"
"""The field of the line and of a station that says what is spoken there: it only changes what people read."""


def judging_digest(plan: Plan) -> str:
    """Return 16 hexadecimal digits that change whenever a model's answer could."""
    dump = plan.model_dump(mode="json")
    return _digest({key: [_only(item, fields) for item in dump[key]] for key, fields in JUDGING_FIELDS.items()})


def response_digest(plan: Plan) -> str:
    """Return 16 hexadecimal digits that change whenever what people see or do could."""
    dump = plan.model_dump(mode="json")
    response = {name: dump[key] for key, name in RESPONSE_KEYS.items()}
    response["shifts"] = [{key: value for key, value in item.items() if key != "days"} for item in dump["shifts"]]
    usual = AlertDelays().model_dump(mode="json")
    delayed = {item["id"]: item[DELAYS] for item in dump["characteristics"] if item[DELAYS] != usual}
    silent = {item["id"]: item[SILENCE] for item in dump["stations"] if item[SILENCE]}
    days = {item.id: sorted(item.days) for item in plan.shifts if set(item.days) != set(WEEKDAYS)}
    spoken = {item.id: item.language for item in plan.stations if item.language is not None}
    spoken |= {} if plan.line.language is None else {"": plan.line.language}
    more = {
        "delays": delayed,
        "silence": silent,
        WORDS: dump[WORDS],
        LANGUAGE: spoken,
        "days": days,
        "holidays": sorted(plan.holidays),
    }
    return _digest(response | {name: found for name, found in more.items() if found})


def _only(item: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key in keys}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
