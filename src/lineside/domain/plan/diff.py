"""The difference between two plans, in words, told apart by what it costs.

A change of what a model's answer depends on (the judging digest) means that models must be validated again; a change
of what people see or do (the response digest) invalidates nothing; all else is paper. Things are followed by
their ids: what has the same id is the same thing, wherever it stands and whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lineside.domain.errors import InputError
from lineside.domain.plan.digest import DELAYS, JUDGING_FIELDS, LANGUAGE, RESPONSE_KEYS, WORDS
from lineside.domain.plan.findings import Finding, Path, Severity
from lineside.domain.plan.model import Plan
from lineside.domain.units import parse_duration

ITEMS: Final[Mapping[str, str]] = {
    "shifts": "shift",
    "sources": "source",
    "stations": "station",
    "signals": "signal",
    "envelope": "envelope of",
    "characteristics": "characteristic",
    "reactions": "reaction",
    "phases": "phase",
}
"""Lists of things with an id (the envelope's is its signal), and what one of them is called."""


class Effect(StrEnum):
    """What a change costs."""

    JUDGING = "judging"
    RESPONSE = "response"
    RECORD = "record"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference: ``path`` in the new plan (in the old one for what is gone), and a sentence."""

    path: Path
    text: str
    effect: Effect


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanDiff:
    """All differences, in the order of the plan, and what is wrong with how they were made."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    def of(self, effect: Effect) -> tuple[Change, ...]:
        """Return the changes of one effect."""
        return tuple(change for change in self.changes if change.effect is effect)


def compare(old: Plan, new: Plan) -> PlanDiff:
    """Return the difference of two plans."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    changes = tuple(
        Change(path=path, text=text, effect=_effect(path, before, after))
        for path, text in _differences(before, after, (), "")
    )
    return PlanDiff(changes=changes, findings=tuple(_revision(old, new, changes)))


def _revision(old: Plan, new: Plan, changes: Sequence[Change]) -> Iterator[Finding]:
    """A change raises the revision; for what models depend on that is a must (IATF 16949, 7.5.3: document control)."""
    path: Path = ("revision", "number")
    numbers = f"{old.revision.number} to {new.revision.number}"
    if not changes or new.revision.number > old.revision.number:
        return
    if new.revision.number < old.revision.number:
        problem, severity = f"the revision went back from {numbers}", Severity.ERROR
    elif any(change.effect is Effect.JUDGING for change in changes):
        problem, severity = "what models depend on has changed under the same revision", Severity.ERROR
    else:
        problem, severity = "the plan has changed under the same revision", Severity.WARNING
    yield Finding(
        code="revision",
        path=path,
        where="revision . number",
        problem=problem,
        severity=severity,
        found=str(new.revision.number),
        next_step=f"raise it to {old.revision.number + 1}",
    )


# -- what a change costs ----------------------------------------------------------------------------------


def _effect(path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> Effect:
    top = str(path[0])
    if top in RESPONSE_KEYS or top in {WORDS, "holidays"}:
        return Effect.RESPONSE
    if path[-1] == LANGUAGE:
        return Effect.RESPONSE
    if top not in JUDGING_FIELDS:
        return Effect.RECORD
    if len(path) <= 2:
        return _effect_of_list(top, before, after)
    if top == "characteristics" and path[2] == DELAYS:
        return Effect.RESPONSE
    return Effect.JUDGING if path[2] in JUDGING_FIELDS[top] else Effect.RECORD


def _effect_of_list(top: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Effect:
    """Items that came, went or changed places: models depend on which there are and on their order."""
    same = [_key(item) for item in before[top]] == [_key(item) for item in after[top]]
    return Effect.RECORD if same else Effect.JUDGING


# -- the difference in words ------------------------------------------------------------------------------


def _differences(old: Any, new: Any, path: Path, subject: str) -> Iterator[tuple[Path, str]]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*new, *old]):
            yield from _field(old.get(key), new.get(key), (*path, key), subject)
    elif _is_items(path, old) and _is_items(path, new):
        yield from _items(old, new, path, subject)
    elif _is_plain_list(old) and _is_plain_list(new):
        yield path, f"{subject}: {_list_in_words(old, new)}"
    elif isinstance(old, list) and isinstance(new, list):
        yield from _positions(old, new, path, subject)
    else:
        yield path, f"{subject} {_value_in_words(old, new)}"


def _field(old: Any, new: Any, path: Path, subject: str) -> Iterator[tuple[Path, str]]:
    key = str(path[-1])
    if old == new:
        return
    if key == "name" and subject:
        yield path, f"{subject} renamed from {_shown(old)} to {_shown(new)}"
    elif key == "station" and subject:
        yield path, f"{subject} moved from station {_shown(old)} to {_shown(new)}"
    elif key in ITEMS and isinstance(old, list) and isinstance(new, list) and _is_items(path, old + new):
        yield from _items(old, new, path, subject)
    else:
        glue = "" if not subject else ": " if subject.endswith("'") or ":" not in subject else " . "
        yield from _differences(old, new, path, f"{subject}{glue}{key}")


def _items(old: list[Any], new: list[Any], path: Path, subject: str) -> Iterator[tuple[Path, str]]:
    kind = ITEMS[str(path[-1])]
    prefix = f"{subject}: " if subject else ""
    before, after = {_key(item): item for item in old}, {_key(item): item for item in new}
    places = {_key(item): position for position, item in enumerate(new)}
    gone = [key for key in before if key not in after]
    for key, item in after.items():
        at: Path = (*path, places[key])
        if key in before:
            yield from _differences(before[key], item, at, f"{prefix}{kind} '{key}'")
            continue
        twin = next((name for name in gone if _same_but_id(before[name], item)), None)
        if twin is None:
            yield at, f"{prefix}{kind} '{key}' added"
        else:
            gone.remove(twin)
            yield at, f"{prefix}{kind} '{twin}' has the new id '{key}': what was recorded under the old one stays there"
    for key in gone:
        yield (*path, [_key(item) for item in old].index(key)), f"{prefix}{kind} '{key}' removed"
    common = [key for key in before if key in after]
    if common != [key for key in after if key in before]:
        yield path, f"{prefix}{path[-1]} stand in another order"


def _positions(old: list[Any], new: list[Any], path: Path, subject: str) -> Iterator[tuple[Path, str]]:
    """Lists of things without ids, such as the steps of a reaction: compared place by place."""
    for position in range(max(len(old), len(new))):
        at, name = (*path, position), f"{subject} {position + 1}"
        if position >= len(old):
            yield at, f"{name} added: {_brief(new[position])}"
        elif position >= len(new):
            yield at, f"{name} removed: {_brief(old[position])}"
        else:
            yield from _differences(old[position], new[position], at, name)


def _key(item: Mapping[str, Any]) -> str:
    return str(item.get("id", item.get("signal")))


def _same_but_id(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return {**old, "id": "", "name": "", "signal": ""} == {**new, "id": "", "name": "", "signal": ""} and "id" in old


def _is_items(path: Path, value: Any) -> bool:
    return (
        bool(path) and path[-1] in ITEMS and isinstance(value, list) and all(isinstance(item, dict) for item in value)
    )


def _is_plain_list(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)


def _list_in_words(old: list[Any], new: list[Any]) -> str:
    if all(isinstance(item, int | float) for item in [*old, *new]):
        return f"changed from {_shown(old)} to {_shown(new)}"
    added = [_shown(item) for item in new if item not in old]
    removed = [_shown(item) for item in old if item not in new]
    words = [f"{', '.join(items)} {done}" for items, done in ((added, "added"), (removed, "removed")) if items]
    return "; ".join(words) or f"stands in another order: {_shown(new)}"


def _value_in_words(old: Any, new: Any) -> str:
    if old in (None, ""):
        return f"set to {_shown(new)}"
    if new in (None, ""):
        return f"removed (was {_shown(old)})"
    before, after = _amount(old), _amount(new)
    verb = "changed" if before is None or after is None else "raised" if after > before else "lowered"
    return f"{verb} from {_shown(old)} to {_shown(new)}"


def _amount(value: Any) -> float | None:
    """Return how much a value is: a number, or a duration as written."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(parse_duration(value)) if isinstance(value, str) else None
    except InputError:
        return None


def _brief(item: Any) -> str:
    return (
        _shown(item.get("text") or item.get("to") or item.get("of") or item) if isinstance(item, dict) else _shown(item)
    )


def _shown(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items() if item not in (None, "", [], {}))
    text = f"'{value}'" if isinstance(value, str) and _amount(value) is None else str(value)
    return text if len(text) <= 80 else f"{text[:76]}...'"
