import numpy as np
import pytest

from lineside.domain.errors import DataError
from lineside.domain.outcome_import import OutcomeImport, latest_by_key, read_outcomes
from lineside.domain.outcomes import Outcome
from lineside.domain.plan.model import Plan
from lineside.domain.tables import RejectedRow, Table, TableForm
from lineside.testing.plans import CASTING

NOW = 1_795_000_000_000_000_000
PLAN = Plan.model_validate(
    {
        **CASTING,
        "sources": [{"id": "machine", "kind": "files", "path": "in"}],
        "stations": [{"id": "cast", "cycle": {"by": "trigger", "signal": "running"}}],
        "signals": [{"id": "running", "station": "cast", "source": "machine", "role": "trigger"}],
        "characteristics": [
            {"id": "porosity", "station": "cast", "outcome": {"source": "xray", "column": "X-ray"}},
            {"id": "length", "station": "cast", "kind": "variable"},
        ],
    }
)


def table(times: list[int] | None = None, rejected: tuple[RejectedRow, ...] = (), **columns: list[str | None]) -> Table:
    size = len(next(iter(columns.values())))
    return Table(
        name="xray.csv",
        columns={name.replace("_ray", "-ray"): np.array(cells, dtype=np.object_) for name, cells in columns.items()},
        rows=np.arange(2, size + 2),
        times=None if times is None else np.array(times, dtype=np.int64),
        rejected=rejected,
        form=TableForm(kind="csv"),
    )


def read(of: Table, *known: Outcome, unit: str = "") -> OutcomeImport:
    return read_outcomes(PLAN, of, latest_by_key(known), unit=unit, now=NOW)


def said(found: OutcomeImport) -> list[tuple[str, str, str, int]]:
    return [(item.unit, item.characteristic, item.value, item.revision) for item in found.outcomes]


def outcome(value: str, revision: int = 1) -> Outcome:
    return Outcome(
        unit="U1", characteristic="porosity", value=value, found=NOW, source="xray", revision=revision, recorded=NOW
    )


def test_a_wide_table_has_a_column_per_characteristic() -> None:
    found = read(table(serial=["U1", "U2"], X_ray=["OK", "nok"], length=["12.5", None]))
    assert sorted(said(found)) == [
        ("U1", "length", "12.5", 1), ("U1", "porosity", "conforming", 1), ("U2", "porosity", "nonconforming", 1),
    ]  # fmt: skip
    assert {item.source for item in found.outcomes} == {"xray", "inspection"}
    assert found.empty == 1


def test_a_long_table_names_the_characteristic_in_each_row() -> None:
    found = read(table(unit=["U1", "U1"], characteristic=["porosity", "length"], value=["0", "3"], source=["ct", None]))
    assert said(found) == [("U1", "porosity", "conforming", 1), ("U1", "length", "3", 1)]
    assert found.outcomes[0].source == "ct"


def test_a_finding_that_says_the_same_again_changes_nothing() -> None:
    found = read(table(unit=["U1"], X_ray=["ok"]), outcome("conforming"))
    assert (said(found), found.unchanged) == ([], 1)


def test_another_finding_for_the_same_unit_is_the_next_revision() -> None:
    found = read(table(unit=["U1"], X_ray=["nok"]), outcome("conforming", 3), outcome("nonconforming", 2))
    assert said(found) == [("U1", "porosity", "nonconforming", 4)]
    assert found.corrected == 1


def test_a_later_row_of_the_same_file_corrects_an_earlier_one() -> None:
    found = read(table([NOW + 2, NOW + 1], unit=["U1", "U1"], X_ray=["nok", "ok"]))
    assert said(found) == [("U1", "porosity", "conforming", 1), ("U1", "porosity", "nonconforming", 2)]


def test_revisions_of_the_file_hold() -> None:
    found = read(table(unit=["U1", "U1"], X_ray=["nok", "ok"], revision=["5", "4"]))
    assert said(found) == [("U1", "porosity", "conforming", 4), ("U1", "porosity", "nonconforming", 5)]
    late = read(table(unit=["U1"], X_ray=["nok"], revision=["1"]), outcome("conforming", 3))
    assert said(late) == [("U1", "porosity", "nonconforming", 1)]


def test_rows_that_contradict_each_other_are_all_refused() -> None:
    found = read(table(unit=["U1", "U2", "U1"], X_ray=["ok", "ok", "nok"]))
    assert said(found) == [("U2", "porosity", "conforming", 1)]
    assert found.contradictory == 2
    assert [item.reason for item in found.refused] == ["outcome_contradiction"] * 2
    assert found.refused[0].raw == b"U1;ok"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"unit": ["U1"], "X_ray": ["perhaps"]}, "outcome_value"),
        ({"unit": ["U1"], "length": ["1,5x"]}, "outcome_value"),
        ({"unit": [" "], "X_ray": ["ok"]}, "outcome_value"),
        ({"unit": ["U1"], "X_ray": ["ok"], "revision": ["-1"]}, "outcome_value"),
        ({"unit": ["U1"], "characteristic": ["crack"], "value": ["ok"]}, "outcome_characteristic"),
    ],
)
def test_a_row_that_cannot_be_taken_is_kept_with_its_reason(columns: dict[str, list[str | None]], reason: str) -> None:
    found = read(table(None, (), **columns))
    assert not found.outcomes
    assert [item.reason for item in found.refused] == [reason]
    assert found.refused[0].source == "xray.csv:2"


def test_rows_that_the_table_had_refused_are_kept_too() -> None:
    rejected = (RejectedRow(row=9, raw=b"broken", reason="too few cells"),)
    found = read(table(rejected=rejected, unit=["U1"], X_ray=["ok"]))
    assert [(item.raw, item.reason) for item in found.refused] == [(b"broken", "outcome_row")]


def test_a_table_without_units_or_characteristics_is_an_error() -> None:
    with pytest.raises(DataError, match="no column of units"):
        read(table(X_ray=["ok"]))
    with pytest.raises(DataError, match="no column of a characteristic"):
        read(table(unit=["U1"]))
    assert said(read(table(label=["U1"], X_ray=["ok"]), unit="label"))
