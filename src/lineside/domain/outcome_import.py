"""From a table that an inspection wrote to outcomes: revisions, contradictions, and rows that cannot be taken.

Two forms are understood: *wide*, a row per unit with a column per characteristic (``outcome.column`` of the plan, or
the characteristic's id), and *long*, a row per finding with columns ``characteristic`` and ``value``. Columns
``source`` and ``revision`` are used where they exist.

A finding for a unit, characteristic and source that is already known counts as the same again if it says the same,
else as a correction: the next revision. Two findings that contradict each other without saying which is later (the
same time, the same revision) are both refused: it is not for us to choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lineside.domain.errors import DataError
from lineside.domain.outcomes import UNKNOWN, Outcome, read_outcome
from lineside.domain.plan.model import Characteristic, Plan
from lineside.domain.quarantine import RAW_LIMIT, Quarantined
from lineside.domain.tables import Table

UNIT_COLUMNS: Final = ("unit", "serial", "serial_number", "part", "part_id", "K0014")
"""Columns that are taken for the unit's where none is named, in this order; the last is the piece of an AQDEF file."""
CHARACTERISTIC: Final = "characteristic"
VALUE: Final = "value"
SOURCE: Final = "source"
REVISION: Final = "revision"

Key = tuple[str, str, str]
"""Unit, characteristic and source: what one truth is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeImport:
    """What a table amounts to: ``outcomes`` are new, ``unchanged`` were known already, ``corrected`` replace others.

    ``refused`` are rows that cannot be taken; ``contradictory`` of them contradict another row.
    """

    outcomes: tuple[Outcome, ...]
    refused: tuple[Quarantined, ...]
    unchanged: int = 0
    corrected: int = 0
    contradictory: int = 0
    empty: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finding:
    """One cell of the table as an outcome, with its row; ``revision`` is 0 where the table does not say."""

    outcome: Outcome
    row: int

    @property
    def key(self) -> Key:
        return key_of(self.outcome)

    @property
    def when(self) -> tuple[int, int]:
        return self.outcome.revision, self.outcome.found


def key_of(outcome: Outcome) -> Key:
    """Return what an outcome is about."""
    return outcome.unit, outcome.characteristic, outcome.source


def latest_by_key(outcomes: Iterable[Outcome]) -> dict[Key, Outcome]:
    """Return the highest revision of what is known, by what it is about."""
    latest: dict[Key, Outcome] = {}
    for outcome in outcomes:
        known = latest.get(key_of(outcome))
        if known is None or outcome.revision > known.revision:
            latest[key_of(outcome)] = outcome
    return latest


def read_outcomes(plan: Plan, table: Table, known: Mapping[Key, Outcome], *, unit: str, now: int) -> OutcomeImport:
    """Return what a table says that is not known yet.

    Args:
        plan: says which characteristics there are and how their values are written.
        table: the table; without times its findings count as found ``now``.
        known: the latest outcome of each key, as `latest_by_key` gives it.
        unit: the column of units; empty: the first of `UNIT_COLUMNS` that is there.
        now: the time, UTC ns.

    Raises:
        DataError: the table has no column of units, or none of a characteristic.
    """
    reader = _Reader(plan, table, _unit_column(table, unit), now)
    findings = reader.findings()
    contradictory = _contradictions(findings)
    refused = [
        reader.refusal(item.row, "outcome_contradiction", f"{item.key} is said to be different things at one time")
        for item in findings
        if item.key in contradictory
    ]
    taken, unchanged, corrected = _revise([item for item in findings if item.key not in contradictory], known)
    return OutcomeImport(
        outcomes=tuple(taken),
        refused=(*reader.refused, *refused),
        unchanged=unchanged,
        corrected=corrected,
        contradictory=len(refused),
        empty=reader.empty,
    )


def _unit_column(table: Table, unit: str) -> str:
    wanted = (unit,) if unit else UNIT_COLUMNS
    found = next((name for name in wanted if name in table.names), None)
    if found is None:
        raise DataError(
            "no column of units",
            where=table.name,
            value=unit or None,
            choices=table.names,
            next_step="name it by --unit",
        )
    return found


class _Reader:
    """Reads the cells of one table; what cannot be read is in ``refused``."""

    def __init__(self, plan: Plan, table: Table, unit: str, now: int) -> None:
        self._plan = plan
        self._table = table
        self._units = table.texts(unit)
        self._sources = table.texts(SOURCE) if SOURCE in table.names else None
        self._revisions = table.texts(REVISION) if REVISION in table.names else None
        self._now = now
        self.refused = [self._rejected(item.row, item.raw, item.reason) for item in table.rejected]
        self.empty = 0

    def findings(self) -> list[_Finding]:
        """Return every finding of the table, in the order of its rows."""
        if {CHARACTERISTIC, VALUE} <= set(self._table.names):
            names, values = self._table.texts(CHARACTERISTIC), self._table.texts(VALUE)
            pairs: list[Sequence[tuple[str | None, str | None]]] = [[pair] for pair in zip(names, values, strict=True)]
        else:
            columns = {
                item.id: self._table.texts(name) for item in self._plan.characteristics if (name := self._of(item))
            }
            if not columns:
                raise DataError(
                    "no column of a characteristic",
                    where=self._table.name,
                    choices=[item.outcome.column or item.id for item in self._plan.characteristics],
                    next_step="rename a column, or set outcome.column in the plan",
                )
            pairs = [[(name, cells[row]) for name, cells in columns.items()] for row in range(len(self._table))]
        found = (self._finding(row, name, said) for row, cells in enumerate(pairs) for name, said in cells)
        return [item for item in found if item is not None]

    def refusal(self, row: int, reason: str, detail: str) -> Quarantined:
        """Return the note on a row that cannot be taken."""
        cells = (str(self._table.texts(name)[row] or "") for name in self._table.names)
        return self._rejected(int(self._table.rows[row]), ";".join(cells).encode(), detail, reason)

    def _of(self, characteristic: Characteristic) -> str | None:
        name = characteristic.outcome.column or characteristic.id
        return name if name in self._table.names else None

    def _finding(self, row: int, name: str | None, said: str | None) -> _Finding | None:
        characteristic = next((item for item in self._plan.characteristics if item.id == name), None)
        if characteristic is None:
            self.refused.append(self.refusal(row, "outcome_characteristic", f"the plan has no characteristic {name!r}"))
            return None
        try:
            value = read_outcome(characteristic, said or "")
            if value == UNKNOWN:
                self.empty += 1
                return None
            return _Finding(outcome=self._outcome(row, characteristic, value), row=row)
        except DataError as error:
            self.refused.append(self.refusal(row, "outcome_value", str(error)))
            return None

    def _outcome(self, row: int, characteristic: Characteristic, value: str) -> Outcome:
        unit = (self._units[row] or "").strip()
        if not unit:
            raise DataError("a finding without a unit")
        said = (self._revisions[row] if self._revisions is not None else None) or "0"
        if not said.isdigit():
            raise DataError("not a revision", field=REVISION, value=said)
        return Outcome(
            unit=unit,
            characteristic=characteristic.id,
            value=value,
            found=self._now if self._table.times is None else int(self._table.times[row]),
            source=(self._sources[row] if self._sources is not None else None) or characteristic.outcome.source,
            revision=int(said),
            recorded=self._now,
        )

    def _rejected(self, row: int, raw: bytes, detail: str, reason: str = "outcome_row") -> Quarantined:
        return Quarantined(
            source=f"{self._table.name}:{row}", reason=reason, detail=detail, raw=raw[:RAW_LIMIT], received=self._now
        )


def _contradictions(findings: Iterable[_Finding]) -> set[Key]:
    """Return the keys of which the table says different things at one time and revision."""
    said: dict[tuple[Key, tuple[int, int]], str] = {}
    found: set[Key] = set()
    for item in findings:
        if said.setdefault((item.key, item.when), item.outcome.value) != item.outcome.value:
            found.add(item.key)
    return found


def _revise(findings: Iterable[_Finding], known: Mapping[Key, Outcome]) -> tuple[list[Outcome], int, int]:
    """Give each finding its revision, in the order in which they were found; leave out what says nothing new."""
    latest = dict(known)
    taken: list[Outcome] = []
    unchanged = corrected = 0
    for item in sorted(findings, key=lambda item: (item.when, item.row)):
        before = latest.get(item.key)
        given = item.outcome.revision
        same = before is not None and before.value == item.outcome.value
        if before is not None and same and given in {0, before.revision}:
            unchanged += 1
            continue
        revision = given or (1 if before is None else before.revision + 1)
        if before is not None and revision == before.revision:
            revision += 1  # it corrects what stands under its own number
        outcome = replace(item.outcome, revision=revision)
        taken.append(outcome)
        corrected += before is not None
        if before is None or revision > before.revision:
            latest[item.key] = outcome
    return taken, unchanged, corrected
