"""From a table of past data to a plan that can be run at once and wants to be looked at.

Each column becomes a signal (or the outcome) by what its name and its values give away; what was guessed is named in
the signal's ``guessed`` and said again in words. A guess that could mislead a model is made the careful way: what only
counts rows or time, what never changes, and every second candidate for the truth stay out of the features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from lineside.domain.plan.draft.facts import Facts, facts_of, facts_of_numbers, plausible_range, tidy
from lineside.domain.plan.draft.names import new_id
from lineside.domain.plan.draft.roles import Column, columns_of, serial_column
from lineside.domain.plan.draft.truth import Truth, read_truth, truth_columns
from lineside.domain.plan.findings import Path
from lineside.domain.plan.model import Plan
from lineside.domain.tables import Table
from lineside.domain.units import MILLISECOND, SECOND, format_duration

STATION: Final = "station"
SOURCE: Final = "data"
LONG_NAMES: Final = ("signal", "tag", "name", "variable")
LONG_VALUES: Final = ("value", "val", "v")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A drafted plan.

    Attributes:
        plan: it has no errors; what it leaves open is in the warnings of the lint.
        content: the same as plain values, in the order in which a person would write them, defaults left out.
        comments: what to write beside places of the plan.
        guesses: what was guessed, a sentence each.
        look_at: what a person must decide, a sentence each.
    """

    plan: Plan
    content: Mapping[str, Any]
    comments: Mapping[Path, str]
    guesses: tuple[str, ...]
    look_at: tuple[str, ...]

    @property
    def has_outcome(self) -> bool:
        """Whether a column tells the truth about parts, so that a backtest can be scored."""
        return bool(self.plan.characteristics[0].outcome.column)


@dataclass(kw_only=True, slots=True)
class _Notes:
    """What is learned on the way."""

    guesses: list[str] = field(default_factory=list)
    look_at: list[str] = field(default_factory=list)
    comments: dict[Path, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def draft_plan(table: Table, file: str, name: str = "", zone: str = "UTC") -> Draft:
    """Draft the plan of one line with one station from a table of past data.

    Args:
        table: the data; its form says how times are written.
        file: where it is, as the plan's source will name it.
        name: of the line; empty: the file's name without its suffix.
        zone: of times that carry none.

    Raises:
        DataError: no column holds numbers to judge by.
    """
    notes = _Notes()
    step = _sampling_step(table)
    layout, facts = _columns(table)
    truths = truth_columns(facts)
    truth = read_truth(table, truths[0], facts[truths[0]]) if truths else None
    by_rows = layout == "wide" and (table.times is None or serial_column(facts, len(table)) is not None)
    candidates = {column: item for column, item in facts.items() if column not in truths}
    columns = columns_of(candidates, len(table), by_rows=by_rows)
    notes.left_out += [column for column, item in candidates.items() if not item.filled]
    content = {
        **_identity(name or table.name.rsplit(".", 1)[0]),
        "sources": [_source(table, file, layout, zone)],
        "stations": [_station(columns, step, len(table), by_rows=by_rows, notes=notes)],
        "signals": [_signal(column, step, by_rows=by_rows) for column in columns],
        **_judgement(truth, columns, notes),
    }
    conditions = [column for column in columns if column.role == "environment"]
    if conditions:
        content["envelope"] = [_envelope(column) for column in conditions]
        notes.look_at.append("the envelope: write the conditions that the line must work in, not only those seen")
    _say_more(table, columns, truths, notes)
    notes.comments.update({("signals", i): column.remark for i, column in enumerate(columns) if column.remark})
    return Draft(
        plan=Plan.model_validate(content),
        content=content,
        comments=notes.comments,
        guesses=tuple(notes.guesses),
        look_at=tuple(notes.look_at),
    )


# -- columns ----------------------------------------------------------------------------------------------


def _columns(table: Table) -> tuple[str, dict[str, Facts]]:
    """Return the layout, and the facts of each column or, in a long table, of each signal that it names."""
    names = {name.lower(): name for name in table.names}
    who = next((names[key] for key in LONG_NAMES if key in names), None)
    value = next((names[key] for key in LONG_VALUES if key in names), None)
    if who is None or value is None or table.times is None or not table.is_numeric(value):
        return "wide", {name: facts_of(table, name) for name in table.names}
    tags = table.texts(who)
    found = [tag for tag in dict.fromkeys(tags) if tag is not None]
    return "long", {str(tag): facts_of_numbers(table.numbers(value)[tags == tag]) for tag in found}


def _sampling_step(table: Table) -> int | None:
    """Return the usual time between two rows in ns, None where rows have no time."""
    if table.times is None or len(table) < 2:
        return None
    steps = np.diff(np.unique(table.times))
    return int(np.median(steps)) if len(steps) else None


# -- parts of the plan ------------------------------------------------------------------------------------


def _identity(name: str) -> dict[str, Any]:
    line = new_id(name, (), "line")
    return {
        "lineside": 1,
        "site": {"id": "site", "name": "Our site"},
        "area": {"id": "area", "name": "Our area"},
        "line": {"id": line, "name": name[:200], "timezone": "UTC"},
        "part": {"number": "to be named", "name": "to be named"},
        "phase": "prototype",
        "revision": {"number": 1, "change": "Drafted from data."},
    }


def _source(table: Table, file: str, layout: str, zone: str) -> dict[str, Any]:
    form = table.form
    source: dict[str, Any] = {"id": SOURCE, "kind": "files", "path": file}
    if layout == "long":
        source["layout"] = "long"
    if form.time_column:
        source["time_column"] = form.time_column
    if form.time_format:
        source["time_format"] = form.time_format
    if form.time_column and zone != "UTC":
        source["time_zone"] = zone
    if form.delimiter:
        source["delimiter"] = form.delimiter
    if form.decimal != ".":
        source["decimal"] = form.decimal
    return source


def _station(columns: list[Column], step: int | None, rows: int, *, by_rows: bool, notes: _Notes) -> dict[str, Any]:
    station: dict[str, Any] = {"id": STATION, "name": "Our station"}
    path: Path = ("stations", 0, "cycle")
    if by_rows or step is None:
        station["cycle"] = {"by": "rows"}
        why = "rows have no time" if step is None else "each row has a serial number of its own"
        notes.guesses.append(f"cycle: each row is a finished part ({why})")
        if step is not None:
            station["parts_per_hour"] = tidy(round(3600 * SECOND / step, 1)) or 1.0
    else:
        length = format_duration(_even(step))
        station["cycle"] = {"by": "window", "length": length}
        notes.guesses.append(f"cycle: a window of {length}, the usual time between two rows")
        candidates = [column for column in columns if column.role == "trigger" or column.facts.binary]
        others = [f"{{by: trigger, signal: {item.id}, threshold: {item.facts.on:g}}}" for item in candidates[:3]]
        if others:
            notes.comments[path] = "if the machine makes one part per cycle, perhaps: " + " or ".join(others)
            notes.look_at.append(f"cycle: signals that could delimit cycles: {', '.join(i.id for i in candidates[:3])}")
    serial = serial_column({column.name.column: column.facts for column in columns}, rows)
    if serial is not None:
        station["serial"] = next(column.id for column in columns if column.name.column == serial)
    return station


def _even(step: int) -> int:
    """Return a time between rows in whole seconds or milliseconds where it is nearly that."""
    for unit in (SECOND, MILLISECOND):
        nearest = round(step / unit) * unit
        if nearest and abs(step - nearest) <= 0.01 * step:
            return nearest
    return step


def _signal(column: Column, step: int | None, *, by_rows: bool) -> dict[str, Any]:
    name, facts = column.name, column.facts
    signal: dict[str, Any] = {"id": column.id, "name": name.label[:200], "station": STATION}
    guessed = []
    if column.unit:
        signal["unit"] = column.unit
        guessed += [] if column.unit_is_written else ["unit"]
    if column.role != "process":
        signal["role"] = column.role
        guessed.append("role")
    if not facts.numeric:
        signal["type"] = "text"
    signal |= {"source": SOURCE, "address": name.column}
    if column.measured:
        signal["range"] = list(plausible_range(facts))
        guessed.append("range")
        if step is not None and not by_rows:
            signal["rate"] = tidy(float(f"{facts.share * SECOND / step:.4g}"))
            guessed.append("rate")
            signal["features"] = ["mean"]
    return signal | ({"guessed": guessed} if guessed else {})


def _envelope(column: Column) -> dict[str, Any]:
    low, high = column.facts.usual
    span = high - low or 1.0
    bottom, top = plausible_range(column.facts)
    return {
        "signal": column.id,
        "low": max(bottom, tidy(float(f"{low - 0.1 * span:.3g}"))),
        "high": min(top, tidy(float(f"{high + 0.1 * span:.3g}"))),
    }


def _judgement(truth: Truth | None, columns: list[Column], notes: _Notes) -> dict[str, Any]:
    """Return the characteristic and its reactions."""
    taken = {name for column in columns for name in (column.id, column.name.column)}
    identity = new_id(truth.column if truth else "quality", taken, "quality")
    item: dict[str, Any] = {"id": identity, "station": STATION}
    path: Path = ("characteristics", 0)
    if truth is None:
        notes.look_at.append("outcome: no column tells good parts from bad; name one in outcome.column if there is one")
        item |= {"name": "Conforming or not", "model": {"family": "normal"}}
    else:
        item |= {"name": truth.column[:200], **_kind(truth), "outcome": {"column": truth.column}}
        notes.guesses.append(f"outcome: column '{truth.column}' tells the truth about a part; {truth.remark}")
        notes.look_at.append(f"outcome: {truth.remark}")
        notes.comments[path] = truth.remark
    return {"characteristics": [item], "reactions": list(_reactions(identity))}


def _kind(truth: Truth) -> dict[str, Any]:
    if truth.limits is not None:
        return {"kind": "variable", "specification": {"lsl": truth.limits[0], "usl": truth.limits[1]}}
    if truth.classes:
        return {"classes": list(truth.classes), "nonconforming": list(truth.nonconforming)}
    return {}


def _reactions(characteristic: str) -> Iterator[dict[str, Any]]:
    yield {
        "id": "any_cause",
        "characteristic": characteristic,
        "text": "The part is likely not to conform.",
        "steps": [
            {"do": "segregate", "text": "Set the part aside."},
            {"do": "inspect", "text": "Inspect it, and tell Lineside what was found."},
        ],
        "release_authority": "quality engineer",
    }
    yield {
        "id": "unknown_conditions",
        "characteristic": characteristic,
        "when": "outside_experience",
        "text": "Conditions are outside what the model has learned; it cannot tell.",
        "priority": "advisory",
        "steps": [{"do": "inspect", "text": "Inspect as if there were no model."}],
    }


def _say_more(table: Table, columns: list[Column], truths: tuple[str, ...], notes: _Notes) -> None:
    """Put the remaining guesses into words."""
    if table.times is not None:
        form = table.form.time_format or "ISO 8601 or epoch"
        notes.guesses.append(f"time: column '{table.form.time_column}' ({form})")
        notes.look_at.append("time: times without a zone count as UTC; --time-zone says otherwise")
    measured = [column for column in columns if column.measured]
    units = [f"{column.id} {column.unit}" for column in measured if column.unit and not column.unit_is_written]
    if units:
        notes.guesses.append(f"units by their names: {', '.join(units)}")
    missing = [column.id for column in measured if not column.unit]
    if missing:
        notes.look_at.append(f"units: none found for {', '.join(missing)}")
    for role in ("environment", "context", "trigger"):
        names = [c.id for c in columns if c.role == role]
        if names:
            notes.guesses.append(f"role '{role}': {', '.join(names)}")
    if len(truths) > 1:
        notes.guesses.append(f"left out, as they may tell the truth as well: {', '.join(truths[1:])}")
    if notes.left_out:
        notes.guesses.append(f"left out, as they are empty: {', '.join(notes.left_out)}")
    if table.rejected or table.bad_cells:
        notes.look_at.append(f"data: {len(table.rejected)} rows and {len(table.bad_cells)} cells could not be read")
    notes.look_at.append("identity: site, area, line and part are placeholders")
    notes.look_at.append("reactions: write what is really done, by whom and by when")
