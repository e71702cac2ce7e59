"""Messages as brokers carry them: exactly one JSON value, or a plain one, and the paths into it.

A message comes from anyone who may publish, so nothing of it is taken on trust: its size, its encoding, its depth,
keys that come twice and whatever follows its end are looked at before any value is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from lineside.domain.errors import PlanError
from lineside.domain.intake.reasons import Reason, Refusal, refuse

LARGEST_MESSAGE: Final = 262_144
"""Bytes of a message."""
DEEPEST: Final = 64
"""Levels of lists and objects."""
_BOM: Final = b"\xef\xbb\xbf"
_STEP: Final = re.compile(r"\.([^.\[\]#]+)|\[(\d{1,6})\]")
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value is: a topic, and the path into its JSON messages; None for plain messages."""

    topic: str
    path: tuple[str | int, ...] | None


class _DuplicateKeyError(ValueError):
    pass


def parse_address(text: str) -> Address:
    """Return the address written as ``topic``, or as ``topic#$.path.into[0].json``.

    Raises:
        PlanError: it is neither.
    """
    topic, mark, path = text.partition("#")
    if not topic or "+" in topic or not topic.isprintable():
        raise PlanError(
            "not the address of a signal", value=text, next_step="write a topic without wildcards, then '#' and a path"
        )
    return Address(topic, parse_path(path) if mark else None)


def parse_path(text: str) -> tuple[str | int, ...]:
    """Return the steps of a path written as ``$.a.b[0]``.

    Raises:
        PlanError: it is none.
    """
    body = text.removeprefix("$")
    steps = tuple(match[1] if match[1] is not None else int(match[2]) for match in _STEP.finditer(body))
    if not text.startswith("$") or "".join(match[0] for match in _STEP.finditer(body)) != body:
        raise PlanError("not a path into JSON", value=text, next_step="write it as $.name.name[0]")
    return steps


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKeyError(next(name for name in names if names.count(name) > 1))
    return found


def _integer(digits: str) -> int | float:
    """Return an integer; one of thousands of digits as the float it is, which is infinite."""
    return int(digits) if len(digits) < 4_000 else float(digits)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer)


def read_json(payload: bytes, largest: int = LARGEST_MESSAGE) -> Any | Refusal:
    """Return the one JSON value that a message of so many bytes at most is, or why it is none."""
    refusal = _unreadable(payload, largest)
    if refusal is not None:
        return refusal
    try:
        # UTF-8, of which the NUL bytes of any wider encoding are no part: those were refused above.
        text = payload.removeprefix(_BOM).decode(errors="surrogatepass")
        return _DECODER.decode(text)
    except UnicodeDecodeError:
        return refuse(Reason.ENCODING, payload)
    except _DuplicateKeyError as error:
        return refuse(Reason.DUPLICATE_KEY, str(error))
    except ValueError as error:
        return refuse(Reason.MALFORMED_JSON, payload, f"{error}.")


def look_up(value: Any, path: tuple[str | int, ...]) -> Any | Refusal:
    """Return what stands at a path, or that there is no such field."""
    for step in path:
        named = isinstance(step, str) and isinstance(value, dict) and step in value
        counted = isinstance(step, int) and isinstance(value, list) and step < len(value)
        if not (named or counted):
            return refuse(Reason.MISSING_FIELD, step)
        value = value[step]
    return value


def _unreadable(payload: bytes, largest: int) -> Refusal | None:
    """Return why a message is not even looked into, or None."""
    if len(payload) > largest:
        return refuse(Reason.MESSAGE_TOO_LARGE, hint=f"It has {len(payload)} bytes.")
    if not payload.strip():
        return refuse(Reason.EMPTY)
    if b"\0" in payload:
        return refuse(Reason.ENCODING, payload)
    return refuse(Reason.TOO_DEEP, payload) if _too_deep(payload) else None


def _too_deep(payload: bytes) -> bool:
    if payload.count(b"[") + payload.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for letter in _STRING.sub(b"", payload):
        depth += (letter in b"[{") - (letter in b"]}")
        if depth > DEEPEST:
            return True
    return False
