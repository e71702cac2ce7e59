"""Read a plan: text to document, document to plan, plan to lint; every mistake is reported at once, by its line.

A plan with a mistake of form cannot be linted as it stands. Where leaving out the faulty fields gives a plan of the
right form, that one is linted, so that mistakes of both kinds are seen together; findings about an item that has a
mistake of form itself are left for the next time, as they may only follow from it.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Final
from zoneinfo import available_timezones

from pydantic import ValidationError

from lineside.adapters.plan_yaml.document import Document, read_document
from lineside.adapters.plan_yaml.mistakes import findings_of, value_at
from lineside.domain.errors import PlanError
from lineside.domain.plan.basics import WRITTEN
from lineside.domain.plan.findings import Finding, Path, errors_among
from lineside.domain.plan.lint import lint
from lineside.domain.plan.model import Plan

MOST_BYTES: Final = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedPlan:
    """A plan (None where it does not have the right form) and all that was found, in the order of the text."""

    plan: Plan | None
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether the plan has the right form and no errors."""
        return self.plan is not None and not errors_among(self.findings)


def load_plan(path: FilePath) -> Plan:
    """Return the plan of a file.

    Raises:
        PlanError: it cannot be read, or has mistakes; all of them are in its ``findings``. Warnings are not raised.
    """
    return _plan_or_error(check_file(path), str(path))


def parse_plan(text: str, name: str) -> Plan:
    """Return the plan of a YAML (or JSON) text; ``name`` stands for the file in messages.

    Raises:
        PlanError: it has mistakes; all of them are in its ``findings``. Warnings are not raised.
    """
    return _plan_or_error(check_text(text, name), name)


def check_file(path: FilePath) -> CheckedPlan:
    """Return the plan of a file and all that was found in it, warnings too.

    Raises:
        PlanError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PlanError(
            f"cannot be read: {error.strerror}", where=str(path), next_step="'lineside plan init' drafts a plan"
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) <= MOST_BYTES:
            raise PlanError("is not UTF-8 text", where=str(path), next_step="save the file as UTF-8") from error
        text = data.decode("utf-8", "replace")
    return check_text(text, str(path))


def check_text(text: str, name: str) -> CheckedPlan:
    """Return the plan of a YAML (or JSON) text and all that was found in it, warnings too."""
    document = _document(text)
    data = document.data
    if not isinstance(data, dict):
        if not document.findings:
            problem = "is empty" if data is None else "must be a block of 'name: value' lines"
            document.findings.append(Finding(code="yaml", path=(), problem=problem, line=1, column=1))
        return _checked(None, document, document.findings, name)
    plan, findings = _validated(data)
    return _checked(None if document.findings else plan, document, [*document.findings, *findings], name)


def _document(text: str) -> Document:
    if len(text) > MOST_BYTES:
        problem = f"is larger than {MOST_BYTES:,} bytes"
        return Document(findings=[Finding(code="yaml", path=(), problem=problem, line=1, column=1)])
    return read_document(text)


def _validated(data: dict[str, Any]) -> tuple[Plan | None, list[Finding]]:
    """Return the plan, if it has the right form, and the findings of form and of lint."""
    try:
        plan = Plan.model_validate(data, context={WRITTEN: True})
    except ValidationError as error:
        findings = findings_of(error, data)
        return None, [*findings, *_beyond(findings, data)]
    return plan, list(lint(plan, known_zones()))


def _beyond(findings: Sequence[Finding], data: dict[str, Any]) -> list[Finding]:
    """Return what lint finds in a plan without its faulty fields, except in the items that have them."""
    try:
        plan = Plan.model_validate(_without(data, (item.path for item in findings)), context={WRITTEN: True})
    except ValidationError:
        return []
    faulty = {item.path[:2] for item in findings}
    return [item for item in lint(plan, known_zones()) if item.path[:2] not in faulty]


def _without(data: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """Return a copy without the fields at the paths; list items stay, so that positions hold."""
    result = copy.deepcopy(data)
    for path in paths:
        at = value_at(result, path[:-1])
        if path and isinstance(at, dict):
            at.pop(path[-1], None)
    return result


def _checked(plan: Plan | None, document: Document, findings: Iterable[Finding], name: str) -> CheckedPlan:
    placed = [_placed(finding, document, name) for finding in findings]
    return CheckedPlan(plan=plan, findings=tuple(sorted(placed, key=lambda item: (item.line, item.column))))


def _placed(finding: Finding, document: Document, name: str) -> Finding:
    if finding.line:
        return replace(finding, file=name)
    line, column = document.place(finding.path, key=finding.code in {"unknown-field", "missing"})
    return replace(finding, file=name, line=line, column=column)


def _plan_or_error(checked: CheckedPlan, name: str) -> Plan:
    mistakes = errors_among(checked.findings)
    if checked.plan is None or mistakes:
        number = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise PlanError(f"the control plan has {number}", where=name, findings=mistakes)
    return checked.plan


@cache
def known_zones() -> Collection[str]:
    """Return the IANA names of the time zones that this machine knows."""
    return frozenset(available_timezones())
