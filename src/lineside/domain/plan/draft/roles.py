"""What each column of a table is for, by its name and its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lineside.domain.errors import DataError
from lineside.domain.plan.draft.facts import Facts
from lineside.domain.plan.draft.names import (
    CONTEXT,
    COUNTER,
    ENVIRONMENT,
    SERIAL,
    TRIGGER,
    ColumnName,
    new_id,
    read_name,
)

LEAST_ROWS: Final = 10
"""Rows below which a column of different values says nothing about serial numbers."""
FEW: Final = 20
"""Whole numbers that a setup (tool, cavity, program) may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column that becomes a signal: its role, and in ``remark`` why it is not plainly a measured quantity."""

    id: str
    name: ColumnName
    facts: Facts
    role: str
    remark: str = ""

    @property
    def measured(self) -> bool:
        """Whether it is a quantity that a model may see."""
        return self.facts.numeric and self.role in {"process", "environment"}

    @property
    def unit(self) -> str:
        """The unit as written in the name, or else a likely one that the values do not speak against."""
        unit = self.name.unit if self.measured else ""
        if self.unit_is_written:
            return unit
        if unit == "degC" and ENVIRONMENT.intersection(self.name.words) and 50 < self.facts.median < 120:
            return "degF"
        if unit == "bar" and self.facts.median > 20_000:
            return "Pa"
        return "" if unit == "%" and self.facts.usual[1] <= 1 else unit

    @property
    def unit_is_written(self) -> bool:
        """Whether the unit stands in the column's name."""
        return self.name.sure


def columns_of(facts: Mapping[str, Facts], rows: int, *, by_rows: bool) -> list[Column]:
    """Return the columns that hold anything; ``by_rows`` says that each row is a finished part.

    Raises:
        DataError: no column holds numbers to judge by.
    """
    serial = serial_column(facts, rows)
    found: list[Column] = []
    for column, item in facts.items():
        if item.filled:
            name = read_name(column)
            role, remark = _role(name, item, is_serial=column == serial, by_rows=by_rows)
            identity = new_id(name.label, [other.id for other in found])
            found.append(Column(id=identity, name=name, facts=item, role=role, remark=remark))
    return _with_something_to_judge_by(found, serial)


def _with_something_to_judge_by(columns: list[Column], serial: str | None) -> list[Column]:
    """Return the columns, where none is of the process with the likeliest other ones made so.

    Raises:
        DataError: no column holds numbers.
    """
    if any(column.role == "process" for column in columns):
        return columns
    numeric = [column for column in columns if column.facts.numeric and column.name.column != serial]
    for role in ("environment", "trigger", "context"):
        chosen = {column.id for column in numeric if column.role == role}
        if chosen:
            remark = "judged by, as nothing else is measured"
            return [replace(c, role="process", remark=remark) if c.id in chosen else c for c in columns]
    raise DataError(
        "no column holds measured values",
        choices=[column.name.column for column in columns],
        next_step="look at the decimal sign and the header",
    )


def serial_column(facts: Mapping[str, Facts], rows: int) -> str | None:
    """Return the column that names each part: every row another value, and a name or a form that says so."""
    unique = {name: item for name, item in facts.items() if item.distinct == rows >= LEAST_ROWS}
    for name, item in unique.items():
        if SERIAL.intersection(read_name(name).words) and (not item.numeric or item.whole):
            return name
    return next((name for name, item in unique.items() if not item.numeric), None)


def _role(name: ColumnName, facts: Facts, *, is_serial: bool, by_rows: bool) -> tuple[str, str]:
    """Return the role of a column and why; the first rule that fits holds."""
    words = set(name.words)
    rules = (
        (is_serial, "context", "names each part"),
        (not facts.numeric, "context", f"text with {facts.distinct} different values"),
        (facts.distinct == 1, "context", "never changes in this data"),
        (facts.counting or (facts.rising and COUNTER & words), "context", "counts: it tells the row, not the part"),
        (facts.rising, "context", "only grows: it tells the time, not the part"),
        (
            not by_rows and facts.sawtooth and name.unit in {"", "s"},
            "trigger",
            "climbs and falls back again and again: could delimit cycles",
        ),
        (not by_rows and facts.binary and TRIGGER & words, "trigger", "switches on and off: could delimit cycles"),
        (facts.whole and facts.distinct <= FEW and CONTEXT & words, "context", "few whole numbers, named like a setup"),
        (ENVIRONMENT & words, "environment", ""),
    )
    return next(((role, why) for fits, role, why in rules if fits), ("process", ""))
