"""The reference of the plan's file, made from the model so that it cannot fall behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lineside.domain.plan.lint import CODES
from lineside.domain.plan.schema import plan_schema

_INTRODUCTION: Final = """# The control plan's file

One YAML file (UTF-8) per line steers everything. This page is made from the model that reads it
(`lineside plan schema --markdown`); `lineside plan schema` writes the JSON Schema by which an editor completes it.
A duration is written with its unit: `500 ms`, `30 s`, `10 min`, `8 h`, `2 d`. An id is lower case with digits and
`_`, begins with a letter, and is never changed: whatever is recorded refers to it.
"""


def reference_page() -> str:
    """Return the page in Markdown: a table of fields for each part of the plan, and the codes of the lint."""
    schema = plan_schema()
    names = ["Plan", *_order(schema)]
    sections = (_section(name, schema if name == "Plan" else schema["$defs"][name]) for name in names)
    return "\n".join([_INTRODUCTION, *sections, *_codes()])


def _order(schema: dict[str, Any]) -> list[str]:
    """Return the parts in the order in which the plan uses them first."""
    found: list[str] = []
    waiting = [schema]
    while waiting:
        node = waiting.pop(0)
        for name in _references(node):
            if name not in found:
                found.append(name)
                waiting.append(schema["$defs"][name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[-1]
        for key, value in node.items():
            if key not in {"$defs", "mapping"}:
                yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _section(name: str, node: dict[str, Any]) -> str:
    lines = [f"## {name}", "", _one_line(node.get("description", "")), ""]
    if "enum" in node:
        return "\n".join([*lines, f"One of {', '.join(f'`{value}`' for value in node['enum'])}.", ""])
    lines += ["| field | what it is | type | default |", "|---|---|---|---|"]
    required = node.get("required", ())
    for field, child in node.get("properties", {}).items():
        default = "required" if field in required else _default(child)
        lines.append(f"| `{field}` | {_escaped(child.get('description', ''))} | {_type(child)} | {default} |")
    return "\n".join([*lines, ""])


def _type(node: dict[str, Any]) -> str:
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    variants = node.get("anyOf", node.get("oneOf"))
    if variants:
        return " or ".join(_type(item) for item in variants if item.get("type") != "null")
    values = node.get("enum", [node["const"]] if "const" in node else None)
    if values:
        return " or ".join(f"`{value}`" if value != "" else "empty" for value in values)
    return _collection(node) if node.get("type") in {"array", "object"} else _scalar(node)


def _collection(node: dict[str, Any]) -> str:
    if "prefixItems" in node:
        return "two numbers"
    if node["type"] == "array":
        return f"list of {_type(node['items'])}"
    if "patternProperties" in node:
        return f"by id: {_type(next(iter(node['patternProperties'].values())))}"
    return f"by text: {_type(node['additionalProperties'])}"


def _scalar(node: dict[str, Any]) -> str:
    if "examples" in node:
        return "duration"
    kind = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    text = kind.get(node.get("type", ""), "anything")
    words = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {node[key]:.12g}" for key, sign in words.items() if key in node]
    return f"{text} {', '.join(limits)}".strip()


def _default(node: dict[str, Any]) -> str:
    value = node.get("default")
    if value is None or value in ("", [], {}):
        return ""
    return "see there" if isinstance(value, dict) else f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _codes() -> list[str]:
    lines = ["## Codes of findings", "", "What `lineside plan check` finds beyond mistakes of form.", ""]
    lines += ["| code | meaning |", "|---|---|"]
    return [*lines, *(f"| `{code}` | {_escaped(meaning)} |" for code, meaning in CODES.items()), ""]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return _one_line(text).replace("|", "\\|").replace("<", "&lt;")
