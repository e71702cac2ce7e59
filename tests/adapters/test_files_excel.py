"""Workbooks as a source."""

from datetime import datetime
from pathlib import Path

import pytest

from lineside.adapters.files.source import FileOptions, open_source
from lineside.domain.plan.model import FilesSpec
from lineside.domain.units import HOUR, SECOND
from lineside.ports import SourceDelivery
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.plans import plan_with_source
from lineside.testing.workbooks import Error, Formula, Grid, ods, xlsx

START = A_MOMENT - HOUR


def at(second: int, micros: int = 0) -> datetime:
    return datetime(2026, 11, 18, 11, 6, second, micros)  # noqa: DTZ001 - a workbook knows no zone


SHEET: Grid = [
    ["Press 7", None, None, None],
    [],
    ["time", "temperature", "pressure", "serial"],
    [None, "°C", "bar", None],
    [at(40), 21.5, 1, "A1"],
    [at(41, 500_000), Formula("B5+1", 22.5), None, "A1"],
    [],
    [at(42), Error("#DIV/0!"), 3, 7],
]


async def taken(file: Path, **spec: object) -> list[SourceDelivery]:
    plan = plan_with_source(
        {"kind": "files", "path": file.name, "time_column": "time", "time_zone": "Europe/Berlin", **spec},
        cycle={"by": "rows"},
    )
    source = open_source(
        plan, plan.source_as(FilesSpec, "machine"), ManualClock(), root=file.parent, options=FileOptions(block_rows=2)
    )
    return [delivery async for delivery in source.deliveries()]


def rows_of(deliveries: list[SourceDelivery]) -> list[tuple[str, int, list[float], str]]:
    return [
        (row.cycle_id, row.ended, row.features[~(row.features != row.features)].tolist(), row.context.get("serial", ""))
        for delivery in deliveries
        for row in delivery.rows
    ]


def refused(deliveries: list[SourceDelivery]) -> list[tuple[str, str]]:
    entries = [item for delivery in deliveries for item in delivery.quarantined]
    return [(item.reason, item.signal) for item in entries if item.reason != "missing_field"]


async def test_the_first_sheet_is_read_behind_its_header_with_dates_formulas_and_errors(tmp_path: Path) -> None:
    (tmp_path / "run.xlsx").write_bytes(xlsx({"Data": SHEET, "Notes": [["x"]]}))
    deliveries = await taken(tmp_path / "run.xlsx")
    assert rows_of(deliveries) == [
        ("press:run:1", START, [21.5, 1.0], "A1"),
        ("press:run:2", START + 1_500_000_000, [22.5], "A1"),
        ("press:run:4", START + 2 * SECOND, [3.0], "7"),
    ]
    assert refused(deliveries) == [("not_a_number", "temperature")]


async def test_a_sheet_can_be_named_and_one_that_is_not_there_is_told_with_the_choices(tmp_path: Path) -> None:
    (tmp_path / "run.xlsx").write_bytes(xlsx({"Notes": [["x"]], "Data": SHEET}))
    assert len(rows_of(await taken(tmp_path / "run.xlsx", sheet="Data"))) == 3
    deliveries = await taken(tmp_path / "run.xlsx", sheet="Dat")
    assert refused(deliveries) == [("unreadable_file", "")]
    assert "valid: Notes, Data" in deliveries[0].quarantined[0].detail


async def test_a_merged_range_has_its_value_in_every_row(tmp_path: Path) -> None:
    grid: Grid = [["time", "temperature", "pressure", "serial"], [at(40), 1, 2, "B7"], [at(41), 3, 4, None]]
    (tmp_path / "run.xlsx").write_bytes(xlsx({"Data": grid}, merged=["D2:D3"]))
    assert [serial for *_, serial in rows_of(await taken(tmp_path / "run.xlsx"))] == ["B7", "B7"]


async def test_open_documents_are_read_too(tmp_path: Path) -> None:
    grid: Grid = [["time", "temperature", "pressure", "serial"], [at(40), 1.5, 2, "A1"], [at(41), 3, None, "A2"]]
    (tmp_path / "run.ods").write_bytes(ods({"Data": grid}))
    assert rows_of(await taken(tmp_path / "run.ods")) == [
        ("press:run:1", START, [1.5, 2.0], "A1"),
        ("press:run:2", START + SECOND, [3.0], "A2"),
    ]


async def test_times_may_be_texts_or_plain_serial_numbers(tmp_path: Path) -> None:
    serial = (at(40) - datetime(1899, 12, 30)).total_seconds() / 86_400  # noqa: DTZ001 - a workbook knows no zone
    grid: Grid = [["time", "temperature"], [serial, 1], ["2026-11-18 11:06:41", 2], ["yesterday", 3]]
    (tmp_path / "run.xlsx").write_bytes(xlsx({"Data": grid}))
    deliveries = await taken(tmp_path / "run.xlsx")
    assert [ended for _, ended, *_ in rows_of(deliveries)] == [START, START + SECOND]
    assert refused(deliveries) == [("time_unreadable", "")]


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04nonsense", xlsx({"Data": []}), xlsx({"D": [[1, 2]]})])
async def test_what_is_no_workbook_with_a_header_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.xlsx").write_bytes(content)
    assert refused(await taken(tmp_path / "run.xlsx")) == [("unreadable_file", "")]
