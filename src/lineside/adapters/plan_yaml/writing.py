"""Write a plan as YAML that people like to read: short lines of items, comments beside what they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lineside.domain.plan.findings import Path

WIDEST: Final = 150
"""Letters that an item on one line may have; a longer one takes a line per field."""
_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+()°-]*( [A-Za-z0-9_./+()°-]+)*|[0-9]+ [a-z]+")
_WORDS: Final = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])


def write_yaml(content: Mapping[str, Any], comments: Mapping[Path, str], header: str = "") -> str:
    """Return plain values as YAML.

    Args:
        content: mappings, lists, texts, numbers, truth values and None.
        comments: a comment for the line above each of these places.
        header: comment lines for the top, without their '# '.
    """
    top = [f"# {line}".rstrip() for line in header.splitlines()]
    return "\n".join([*top, *_block(content, (), 0, comments)]) + "\n"


def _block(content: Mapping[str, Any], path: Path, indent: int, comments: Mapping[Path, str]) -> Iterator[str]:
    for key, value in content.items():
        below = (*path, key)
        yield from _comment(below, indent, comments)
        name = f"{' ' * indent}{_scalar(key)}:"
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            if not indent:
                yield ""
            yield name
            yield from _items(value, below, indent + 2, comments)
        elif isinstance(value, Mapping) and value and (not _is_flat(value) or _has_comments(below, comments)):
            yield name
            yield from _block(value, below, indent + 2, comments)
        else:
            yield f"{name} {_flow(value)}"


def _items(items: list[Any], path: Path, indent: int, comments: Mapping[Path, str]) -> Iterator[str]:
    for position, item in enumerate(items):
        below = (*path, position)
        yield from _comment(below, indent, comments)
        line = f"{' ' * indent}- {_flow(item)}"
        if _is_flat(item) and len(line) <= WIDEST and not _has_comments(below, comments):
            yield line
            continue
        first, *others = _block(item, below, indent + 2, comments)
        yield f"{' ' * indent}- {first.lstrip()}"
        yield from others


def _comment(path: Path, indent: int, comments: Mapping[Path, str]) -> Iterator[str]:
    for line in comments.get(path, "").splitlines():
        yield f"{' ' * indent}# {line}"


def _has_comments(path: Path, comments: Mapping[Path, str]) -> bool:
    return any(other[: len(path)] == path and other != path for other in comments)


def _is_flat(value: Any) -> bool:
    """Return whether a mapping holds only scalars and lists of scalars."""
    return isinstance(value, Mapping) and not any(
        isinstance(inner, Mapping) or (isinstance(inner, list) and any(isinstance(i, Mapping | list) for i in inner))
        for inner in value.values()
    )


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
