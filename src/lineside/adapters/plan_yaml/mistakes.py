"""What pydantic says about a plan, in words that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lineside.domain.plan.findings import Finding, Path, did_you_mean, path_in_words
from lineside.domain.plan.schema import Expected, expected_at

_PROBLEMS: Final[Mapping[str, tuple[str, str]]] = {
    # pydantic's type of error: (the problem, the next step); {name} is filled from the error's facts
    "string_type": ("must be text", 'put it in quotes: "{input}"'),
    "int_type": ("must be a whole number", ""),
    "int_parsing": ("must be a whole number", ""),
    "int_parsing_size": ("is too large", ""),
    "int_from_float": ("must be a whole number", ""),
    "float_type": ("must be a number", ""),
    "float_parsing": ("must be a number", ""),
    "finite_number": ("must be a finite number", ""),
    "bool_type": ("must be true or false", ""),
    "bool_parsing": ("must be true or false", ""),
    "tuple_type": ("must be a list", "write one item per line, each behind '- '"),
    "dict_type": ("must be a block of 'name: value' lines", ""),
    "model_type": ("must be a block of 'name: value' lines", ""),
    "model_attributes_type": ("must be a block of 'name: value' lines", ""),
    "string_too_short": ("must not be empty", ""),
    "string_too_long": ("is longer than {max_length} characters", ""),
    "string_pattern_mismatch": ("does not have the right form", ""),
    "greater_than": ("must be greater than {gt}", ""),
    "greater_than_equal": ("must be at least {ge}", ""),
    "less_than": ("must be less than {lt}", ""),
    "less_than_equal": ("must be at most {le}", ""),
    "too_short": ("needs at least {min_length}, has {actual_length}", ""),
    "too_long": ("may have at most {max_length}, has {actual_length}", ""),
    "literal_error": ("is not one of the valid values", ""),
    "enum": ("is not one of the valid values", ""),
    "union_tag_invalid": ("is not one of the valid values", ""),
    "value_error": ("{error}", ""),
}


def findings_of(error: ValidationError, data: object) -> list[Finding]:
    """Return a finding per mistake; two complaints about one place are one."""
    found: dict[tuple[Path, str], Finding] = {}
    for detail in error.errors(include_url=False):
        finding = _finding(detail, data)
        found.setdefault((finding.path, finding.code), finding)
    return list(found.values())


def _finding(detail: ErrorDetails, data: object) -> Finding:
    path = data_path(detail["loc"], data)
    if detail["type"] == "extra_forbidden":
        return _unknown_field(path, data)
    if detail["type"] in {"missing", "union_tag_not_found"}:
        return _missing(path, detail, data)
    if detail["type"] == "union_tag_invalid":
        path = (*path, _discriminator(detail))
    expected = expected_at(path, data)
    written = value_at(data, path)
    problem, next_step = _in_words(detail, expected)
    if expected.choices and isinstance(written, str):
        next_step = did_you_mean(written, expected.choices)
    return Finding(
        code=f"value-{detail['type'].replace('_', '-')}",
        path=path,
        where=path_in_words(path, data),
        problem=problem,
        found=_shown(written),
        choices=expected.choices,
        next_step=next_step,
    )


def _in_words(detail: ErrorDetails, expected: Expected) -> tuple[str, str]:
    problem, next_step = _PROBLEMS.get(detail["type"], (detail["msg"], ""))
    facts = {"input": detail["input"], **detail.get("ctx", {})}
    problem, next_step = problem.format(**facts), next_step.format(**facts)
    if detail["type"] == "string_pattern_mismatch":
        next_step = expected.description or f"it must match {facts['pattern']}"
    return problem, next_step


def _unknown_field(path: Path, data: object) -> Finding:
    known = expected_at(path[:-1], data).fields
    return Finding(
        code="unknown-field",
        path=path,
        where=path_in_words(path, data),
        problem="there is no such field",
        choices=known,
        next_step=did_you_mean(str(path[-1]), known),
    )


def _missing(path: Path, detail: ErrorDetails, data: object) -> Finding:
    if detail["type"] == "union_tag_not_found":
        path = (*path, _discriminator(detail))
    expected = expected_at(path, data)
    return Finding(
        code="missing",
        path=path,
        where=path_in_words(path, data),
        problem="is missing",
        choices=expected.choices,
        next_step=expected.description,
    )


def _discriminator(detail: ErrorDetails) -> str:
    """Return the field by which a variant is chosen, such as 'by' or 'kind'."""
    return str(detail.get("ctx", {})["discriminator"]).strip("'")


def data_path(location: Sequence[int | str], data: object) -> Path:
    """Return pydantic's location as a path of the document: without the tags of variants, which stand in neither."""
    path: list[int | str] = []
    at: Any = data
    for position, step in enumerate(location):
        is_last = position == len(location) - 1
        if isinstance(at, dict) and step not in at and (not is_last or step == "[key]"):
            continue
        if isinstance(at, dict) and step in at:
            at = at[str(step)]
        elif isinstance(at, list) and isinstance(step, int) and step < len(at):
            at = at[step]
        elif not is_last:
            continue
        path.append(step)
    return tuple(path)


def value_at(data: object, path: Path) -> object:
    """Return the value at a path of a document; None where there is none."""
    at: Any = data
    for step in path:
        if isinstance(at, dict):
            at = at.get(step)
        elif isinstance(at, list) and isinstance(step, int) and step < len(at):
            at = at[step]
        else:
            return None
    return at


def _shown(value: object) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a very large number"
    return text if len(text) <= 60 else f"{text[:57]}..."
