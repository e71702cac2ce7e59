"""What in an answer is a value: rows, each with one value or many, their times, and where to go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lineside.domain.errors import PlanError
from lineside.domain.intake.gate import SignalRule
from lineside.domain.intake.messages import look_up, parse_path
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.plan.model import RestSpec

Path = tuple[str | int, ...]
LONGEST_CURSOR: Final = 512
"""Characters of a cursor, which travels in the address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The paths into an answer, read from the plan; None where the plan has none.

    ``paths`` are those of the signals in a row, ``names`` the signals by their address where a row holds one value.
    """

    rows: Path | None
    time: Path | None
    cursor: Path | None
    signal: Path | None
    value: Path | None
    paths: Mapping[str, Path]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A value of a signal in a row (a refusal where there is none), or what no signal names (``signal`` empty)."""

    signal: str
    value: Any


def form_of(spec: RestSpec, rules: Mapping[str, SignalRule]) -> Form:
    """Return the paths that the plan gives.

    Raises:
        PlanError: one of them is none, or one that belongs to another is missing.
    """
    if bool(spec.signal_path) is not bool(spec.value_path):
        raise PlanError(
            "signal_path and value_path belong together",
            field=f"sources.{spec.id}.value_path",
            next_step="give both where a row holds one value, else neither",
        )
    if bool(spec.since) is not bool(spec.cursor):
        raise PlanError(
            "since and cursor belong together",
            field=f"sources.{spec.id}.cursor",
            next_step="name the query parameter, and the path of what it is given",
        )

    def path(name: str) -> Path | None:
        text = getattr(spec, name)
        return _path(text, f"sources.{spec.id}.{name}") if text else None

    single = bool(spec.signal_path)
    return Form(
        rows=path("rows"),
        time=path("time_column"),
        cursor=path("cursor"),
        signal=path("signal_path"),
        value=path("value_path"),
        paths={} if single else {rule.id: _path(rule.address, f"signals.{rule.id}.address") for rule in rules.values()},
        names={rule.address: rule.id for rule in rules.values()} if single else {},
    )


def rows_in(form: Form, answer: Any) -> list[Any] | Refusal:
    """Return the rows of an answer, or why it has none."""
    if form.rows is None:
        return answer if isinstance(answer, list) else [answer]
    found = look_up(answer, form.rows)
    if isinstance(found, Refusal | list):
        return found
    return refuse(Reason.MISSING_FIELD, found, "The path of the rows does not lead to a list.")


def values_in(form: Form, row: Any) -> Iterator[Found]:
    """Yield the values of a row."""
    if form.signal is None or form.value is None:
        for signal, path in form.paths.items():
            yield Found(signal, look_up(row, path))
        return
    name = look_up(row, form.signal)
    if isinstance(name, Refusal) or not isinstance(name, str):
        yield Found("", name if isinstance(name, Refusal) else refuse(Reason.BAD_NAME, name))
    elif name not in form.names:
        yield Found("", refuse(Reason.UNKNOWN_SIGNAL, name))
    else:
        yield Found(form.names[name], look_up(row, form.value))


def cursor_in(form: Form, answer: Any, rows: list[Any], *, beside: bool) -> str | None:
    """Return the cursor behind an answer; None where it has none that can be used.

    In rows it is the greatest of numbers, else that of the last row that has one.
    """
    if form.cursor is None:
        return None
    places = [answer] if beside else rows
    found: list[Any] = [value for value in (look_up(place, form.cursor) for place in places) if _usable(value)]
    if not found:
        return None
    numbers = all(isinstance(value, int | float) for value in found)
    chosen = max(found) if numbers else found[-1]
    return str(chosen)


def _usable(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = str(value)
    return 0 < len(text) <= LONGEST_CURSOR and text.isprintable()


def _path(text: str, field: str) -> Path:
    try:
        return parse_path(text)
    except PlanError as error:
        raise PlanError(error.problem, field=field, value=error.value, next_step=error.next_step) from error
