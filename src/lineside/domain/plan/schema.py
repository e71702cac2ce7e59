"""The JSON Schema of a plan: for editors that complete it, and for naming what is valid at a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from lineside.domain.plan.model import Plan

HEADER: Final = "# yaml-language-server: $schema="
"""Comment on a plan's first line by which editors find the schema; the file's name follows."""


@cache
def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a plan's file."""
    schema = Plan.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Lineside control plan",
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What may stand at a place: its description, the valid values, the names of its fields (each empty if free)."""

    description: str = ""
    choices: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def expected_at(path: Sequence[str | int], document: object) -> Expected:
    """Return what the schema expects at a path; where variants differ, the document says which one is meant."""
    node: dict[str, Any] = plan_schema()
    description = ""
    at: Any = document
    for step in path:
        node = _variant(node, at)
        node = _child(node, step)
        description = node.get("description", "")
        at = _value(at, step)
    node = _variant(node, at)
    choices = node.get("enum") or ([node["const"]] if "const" in node else [])
    return Expected(
        description=description or node.get("description", ""),
        choices=tuple(str(choice) for choice in choices),
        fields=tuple(node.get("properties", {})),
    )


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    if reference is None:
        return node
    found: dict[str, Any] = plan_schema()["$defs"][reference.rsplit("/", 1)[-1]]
    return {**found, **{key: value for key, value in node.items() if key != "$ref"}}


def _variant(node: dict[str, Any], value: object) -> dict[str, Any]:
    """Return the node itself, or of several variants the one that the value chooses."""
    node = _resolved(node)
    discriminator = node.get("discriminator", {})
    mapping = discriminator.get("mapping")
    if mapping:
        name = discriminator["propertyName"]
        tag = value.get(name) if isinstance(value, dict) else None
        if tag in mapping:
            return _resolved({"$ref": mapping[tag]})
        return {"properties": {name: {"enum": list(mapping)}}}
    variants = [_resolved(item) for item in node.get("anyOf", ()) if item.get("type") != "null"]
    return {**variants[0], **{key: node[key] for key in ("description",) if key in node}} if variants else node


def _child(node: dict[str, Any], step: str | int) -> dict[str, Any]:
    if isinstance(step, int):
        items = node.get("prefixItems", ())
        child = items[step] if step < len(items) else node.get("items", {})
    else:
        by_id: dict[str, Any] = next(iter(node.get("patternProperties", {}).values()), {})
        child = node.get("properties", {}).get(step, by_id)
    return _resolved(child) if isinstance(child, dict) else {}


def _value(value: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None
