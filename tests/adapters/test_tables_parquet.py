"""Parquet files as others write them."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.tables import TimeOptions, read_table
from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.tables import Table

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def read(folder: Path, columns: dict[str, object], time: TimeOptions | None = None) -> Table:
    path = folder / "data.parquet"
    pq.write_table(pa.table(columns), path)
    return read_table(path, time=time or TimeOptions(column=None))


def test_numbers_truth_values_and_text_arrive(tmp_path: Path) -> None:
    table = read(tmp_path, {"a": [1, None, 3], "b": [True, False, None], "c": ["x", None, "z"]})
    np.testing.assert_array_equal(table.numbers("a"), [1, np.nan, 3])
    np.testing.assert_array_equal(table.numbers("b"), [1, 0, np.nan])
    assert table.texts("c").tolist() == ["x", None, "z"]
    assert table.rows.tolist() == [1, 2, 3]


def test_infinite_numbers_are_counted(tmp_path: Path) -> None:
    table = read(tmp_path, {"a": [1.0, np.inf]})
    assert [(cell.row, cell.raw) for cell in table.bad_cells] == [(2, "inf")]


def test_a_timestamp_is_found_and_a_row_without_one_rejected(tmp_path: Path) -> None:
    stamps = pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None], pa.timestamp("us", tz="UTC"))
    table = read(tmp_path, {"t": stamps, "v": [1.0, 2.0]})
    assert table.times is not None
    assert table.times.tolist() == [1704067200 * 10**9]
    assert [row.row for row in table.rejected] == [2]
    assert table.names == ("v",)


def test_times_without_a_zone_are_local(tmp_path: Path) -> None:
    stamps = pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("ns"))  # noqa: DTZ001 (that is the point)
    table = read(tmp_path, {"t": stamps, "v": [1.0]}, TimeOptions(column="t", zone="Europe/Berlin"))
    assert table.times is not None
    assert table.times.tolist() == [(1704067200 - 3600) * 10**9]


def test_large_whole_numbers_stay_exact_as_text(tmp_path: Path) -> None:
    assert read(tmp_path, {"order": [2**60 + 1]}).texts("order").tolist() == [str(2**60 + 1)]


def test_a_file_that_is_no_parquet_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(path)


def test_without_pyarrow_the_error_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'lineside\[plant\]'"):
        read_table(tmp_path / "x.parquet")


def test_csv_needs_no_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "x.csv"
    path.write_text("a\n1\n")
    assert read_table(path).numbers("a").tolist() == [1]
