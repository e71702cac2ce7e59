"""The administrator's file of targets, ``notify.yaml``: who is told what, where; secrets are only named in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lineside.adapters.notifiers import check_options
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.addresses import parse_target
from lineside.domain.notifying.andon import AndonNode
from lineside.domain.notifying.messages import Occasion
from lineside.domain.notifying.routing import Channel, Notifying, Route, Target
from lineside.domain.nuisance import Notice
from lineside.domain.plan.model import Plan, Priority
from lineside.domain.said import Language

_TARGET_FIELDS: Final = frozenset({"id", "kind", "when", "per_minute", "language"})
_ANDON_TEXTS: Final = {
    "id": "", "host": "", "group": "", "edge": "lineside", "authority": "", "user": "", "secret": "",
}  # fmt: skip
"""What an edge node says in text, and what is taken where it says nothing; what is empty here is needed or unused."""
_ANDON_FIELDS: Final = frozenset({*_ANDON_TEXTS, "port", "tls", "stations", "language"})
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MOST_TARGETS: Final = 100


def load_notifying(path: Path, plan: Plan) -> Notifying:
    """Return what the file says; nobody is told anything where there is no file.

    Raises:
        ConfigurationError: the file does not say what it must; the error names the field and the valid choices.
    """
    if not path.exists():
        return Notifying()
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(
            "the file of targets cannot be read", where=str(path), value=type(error).__name__
        ) from error
    try:
        return _notifying(content or {}, plan)
    except ConfigurationError as error:
        error.where = error.where or str(path)
        raise


def _notifying(content: Any, plan: Plan) -> Notifying:
    _only(content, {"andon", "board", "inside", "targets"}, "")
    inside = tuple(str(item) for item in _list(content.get("inside", []), "inside"))
    for place, item in enumerate(inside):
        try:
            ip_network(item, strict=False)
        except ValueError as error:
            raise ConfigurationError(
                "no address and no range of addresses", field=f"inside[{place}]", value=item, choices=("10.20.0.0/16",)
            ) from error
    found = _list(content.get("targets", []), "targets")
    if len(found) > _MOST_TARGETS:
        raise ConfigurationError("too many targets", field="targets", value=len(found), choices=(_MOST_TARGETS,))
    targets = tuple(_target(item, f"targets[{place}]", plan) for place, item in enumerate(found))
    seen: set[str] = set()
    for place, target in enumerate(targets):
        if target.id in seen:
            raise ConfigurationError("two targets have one id", field=f"targets[{place}].id", value=target.id)
        seen.add(target.id)
        if "url" in target.options:
            parse_target(target.options["url"], inside, field=f"targets[{place}].url")
    board = str(content.get("board", ""))
    if board:
        parse_target(board, ("0.0.0.0/0",), field="board")
    nodes = _list(content.get("andon", []), "andon")
    andons = tuple(_andon(item, f"andon[{place}]", plan) for place, item in enumerate(nodes))
    return Notifying(board=board.rstrip("/"), inside=inside, targets=targets, andons=andons)


def _target(item: Any, where: str, plan: Plan) -> Target:
    if not isinstance(item, Mapping):
        raise ConfigurationError("not a target", field=where, next_step="give 'id', 'kind' and the kind's options")
    name = str(item.get("id", ""))
    if not _ID.fullmatch(name):
        raise ConfigurationError("a target needs an id: lower case, digits, '_'", field=f"{where}.id", value=name)
    kind = str(item.get("kind", ""))
    if kind not in set(Channel):
        raise ConfigurationError("no such kind of target", field=f"{where}.kind", value=kind, choices=tuple(Channel))
    per_minute = item.get("per_minute", 30)
    if not isinstance(per_minute, int) or isinstance(per_minute, bool) or not 1 <= per_minute <= 600:
        raise ConfigurationError(
            "not a number of messages a minute", field=f"{where}.per_minute", choices=("1 to 600",)
        )
    options = {
        str(key): "true" if value is True else "false" if value is False else str(value)
        for key, value in item.items()
        if key not in _TARGET_FIELDS
    }
    target = Target(
        id=name,
        channel=Channel(kind),
        route=_route(item.get("when", {}), f"{where}.when", plan),
        per_minute=per_minute,
        language=_language(item.get("language", plan.line.language or Language.ENGLISH), f"{where}.language"),
        options=options,
    )
    check_options(target, where)
    return target


def _andon(item: Any, where: str, plan: Plan) -> AndonNode:
    _only(item, _ANDON_FIELDS, where)
    texts = {name: str(item.get(name, usual)) for name, usual in _ANDON_TEXTS.items()}
    for name in ("id", "host", "group", "edge"):
        if not texts[name]:
            raise ConfigurationError("an edge node needs it", field=f"{where}.{name}")
    for name in ("group", "edge"):
        if any(char in texts[name] for char in "/+#\0"):
            raise ConfigurationError(
                "a name in a topic has no '/', '+' or '#'", field=f"{where}.{name}", value=texts[name]
            )
    tls = item.get("tls", False)
    if not isinstance(tls, bool):
        raise ConfigurationError(
            "yes or no is expected here", field=f"{where}.tls", value=str(tls), choices=("true", "false")
        )
    port = item.get("port", 8883 if tls else 1883)
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65_535:
        raise ConfigurationError("no port", field=f"{where}.port", value=str(port), choices=("1 to 65535",))
    stations = tuple(str(name) for name in _list(item.get("stations", []), f"{where}.stations"))
    known = tuple(station.id for station in plan.stations)
    for name in stations:
        if name not in known:
            raise ConfigurationError("no such station", field=f"{where}.stations", value=name, choices=known)
    language = _language(item.get("language", plan.line.language or Language.ENGLISH), f"{where}.language")
    return AndonNode(**texts, port=port, tls=tls, stations=stations, language=language)


def _language(item: Any, where: str) -> Language:
    if item not in set(Language):
        raise ConfigurationError(
            "no language that messages are told in", field=where, value=str(item), choices=tuple(Language)
        )
    return Language(item)


def _route(item: Any, where: str, plan: Plan) -> Route:
    roles = {
        role for reaction in plan.reactions for role in (reaction.owner, *(step.to for step in reaction.escalation))
    }
    known: Mapping[str, Collection[str]] = {
        "stations": [station.id for station in plan.stations],
        "priorities": list(Priority),
        "notices": list(Notice),
        "occasions": list(Occasion),
        "shifts": [shift.id for shift in plan.shifts],
        "roles": sorted(roles),
    }
    _only(item, set(known), where)
    given: dict[str, tuple[str, ...]] = {}
    for key, value in item.items():
        said = tuple(str(word) for word in _list(value, f"{where}.{key}"))
        for word in said:
            if word not in known[key]:
                raise ConfigurationError(
                    f"none of the {key}", field=f"{where}.{key}", value=word, choices=tuple(known[key])
                )
        given[key] = said
    return Route(**given)


def _only(item: Any, known: Collection[str], where: str) -> None:
    if not isinstance(item, Mapping):
        raise ConfigurationError("fields are expected here", field=where, choices=tuple(sorted(known)))
    for key in item:
        if key not in known:
            field = f"{where}.{key}" if where else str(key)
            raise ConfigurationError("no such field", field=field, choices=tuple(sorted(known)))


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigurationError("a list is expected here", field=where, value=str(value)[:50])
    return value
