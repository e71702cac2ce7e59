"""CSV files as plants write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.tables import CsvOptions, TimeOptions, read_table, table_files
from lineside.adapters.tables.csv_rows import read_rows
from lineside.domain.errors import DataError
from lineside.domain.tables import Table

FOUND = TimeOptions(column=None)


def write(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, time: TimeOptions = FOUND) -> Table:
    return read_table(write(folder, content), time=time)


def test_a_plain_file_gives_numbers_text_and_line_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, "speed,part\n1.5,A\n2.5,B\n")
    assert table.names == ("speed", "part")
    assert table.numbers("speed").tolist() == [1.5, 2.5]
    assert table.texts("part").tolist() == ["A", "B"]
    assert table.rows.tolist() == [2, 3]
    assert table.times is None
    assert table.rejected == ()


def test_semicolons_with_decimal_commas_are_found_out(tmp_path: Path) -> None:
    table = read(tmp_path, "Zeit;Druck\n01.02.2024 03:04:05;1,5\n01.02.2024 03:04:06;2\n")
    assert (table.form.delimiter, table.form.decimal) == (";", ",")
    assert table.numbers("Druck").tolist() == [1.5, 2.0]
    assert table.form.time_format == "%d.%m.%Y %H:%M:%S"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    table = read(tmp_path, f"a{delimiter}b\n1{delimiter}2\n3{delimiter}4\n")
    assert table.form.delimiter == delimiter
    assert table.numbers("b").tolist() == [2, 4]


def test_a_single_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n1\n2\n").numbers("a").tolist() == [1, 2]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    table = read(tmp_path, "Kühlung;größe\n1;2\n".encode(encoding))
    assert table.names == ("Kühlung", "größe")


def test_one_damaged_line_does_not_change_the_encoding(tmp_path: Path) -> None:
    good = "".join(f"{i},größe\n" for i in range(5)).encode()
    table = read(tmp_path, b"a,b\n" + good + b"9,gr\xff\n")
    assert table.form.encoding == "utf-8"
    assert [(row.row, row.raw) for row in table.rejected] == [(7, b"9,gr\xff")]
    assert len(table) == 5


def test_rows_with_a_wrong_number_of_fields_are_kept_as_rejected(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert table.numbers("a").tolist() == [1, 7]
    assert [(row.row, row.raw) for row in table.rejected] == [(3, b"3"), (4, b"4,5,6")]
    assert table.rejected[0].reason.endswith("The table has 2 columns, the row 1.")


def test_where_nothing_may_be_wrong_the_first_wrong_row_raises(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n3\n")
    with pytest.raises(DataError, match=r"data\.csv:3: .*has 2 columns, the row 1"):
        read_table(path, tolerant=False)


def test_an_unclosed_quote_costs_one_line_and_no_more(tmp_path: Path) -> None:
    lines = "".join(f"{i},x{i}\n" for i in range(200))
    table = read(tmp_path, f'a,b\n1,"open\n{lines}')
    assert len(table.rejected) == 1
    assert len(table) == 200


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    table = read(tmp_path, 'a,b\n1,"x,""y""\nz"\n2,w\n')
    assert table.texts("b").tolist() == ['x,"y"\nz', "w"]
    assert table.rows.tolist() == [2, 4]


def test_an_inch_sign_inside_a_field_is_a_character(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n1,5" pipe\n').texts("b").tolist() == ['5" pipe']


def test_a_cell_that_is_no_number_is_counted_and_the_column_stays_numeric(tmp_path: Path) -> None:
    rows = "".join(f"{i},1\n" for i in range(20))
    table = read(tmp_path, f"a,b\n{rows}ERR,1\n1e400,1\n")
    assert table.is_numeric("a")
    assert [(cell.row, cell.raw) for cell in table.bad_cells] == [(22, "ERR"), (23, "1e400")]
    assert np.isnan(table.numbers("a")[-2:]).all()


def test_nothing_is_nan_in_numbers_and_none_in_text(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n1,x\n,\nNA,null\n2,y\n")
    np.testing.assert_array_equal(table.numbers("a"), [1, np.nan, np.nan, 2])
    assert table.texts("b").tolist() == ["x", None, None, "y"]
    assert table.bad_cells == ()


def test_serial_numbers_keep_their_leading_zeros(tmp_path: Path) -> None:
    table = read(tmp_path, "serial,order\n0001,12345678901234567\n0002,12345678901234568\n")
    assert table.texts("serial").tolist() == ["0001", "0002"]
    assert table.texts("order").tolist() == ["12345678901234567", "12345678901234568"]


def test_whole_numbers_are_written_as_text_without_a_point(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n1\n2.5\n\n").texts("a").tolist() == ["1", "2.5"]


def test_truth_values_are_numbers(tmp_path: Path) -> None:
    assert read(tmp_path, "on,b\nTrue,1\nfalse,2\n").numbers("on").tolist() == [1, 0]


def test_a_file_without_names_gets_some(tmp_path: Path) -> None:
    table = read(tmp_path, "1,2\n3,4\n")
    assert table.names == ("column_1", "column_2")
    assert not table.form.header
    assert table.rows.tolist() == [1, 2]


def test_repeated_and_empty_names_become_unique(tmp_path: Path) -> None:
    assert read(tmp_path, "v,v,\n1,2,3\n").names == ("v", "v (2)", "column_3")


def test_lines_of_a_preamble_are_rejected_and_the_header_found(tmp_path: Path) -> None:
    table = read(tmp_path, "Export of machine 7\n\na;b\n1;2\n3;4\n")
    assert table.names == ("a", "b")
    assert [row.row for row in table.rejected] == [1]


def test_times_become_utc_nanoseconds_and_leave_the_columns(tmp_path: Path) -> None:
    table = read(tmp_path, "timestamp,v\n2024-01-01T00:00:00.123456789Z,1\n2024-01-01 01:00:00+01:00,2\n")
    assert table.names == ("v",)
    assert table.times is not None
    assert table.times.tolist() == [1704067200123456789, 1704067200000000000]


def test_a_row_without_a_time_is_rejected(tmp_path: Path) -> None:
    table = read(tmp_path, "timestamp,v\n2024-01-01 00:00:00,1\nyesterday,2\n" + "2024-01-01 00:00:02,3\n" * 20)
    assert [row.row for row in table.rejected] == [3]
    assert table.rejected[0].raw == b"yesterday,2"
    assert len(table) == 21
    assert table.rows[1] == 4


@pytest.mark.parametrize(
    ("cell", "scale"), [("1704067200", 0), ("1704067200000", 0), ("1704067200000000", 0), ("1704067200000000001", 1)]
)
def test_epochs_are_told_apart_by_their_size(tmp_path: Path, cell: str, scale: int) -> None:
    table = read(tmp_path, f"ts,v\n{cell},1\n")
    assert table.times is not None
    assert table.times.tolist() == [1704067200_000_000_000 + scale]


def test_a_counter_is_not_taken_for_a_time(tmp_path: Path) -> None:
    assert read(tmp_path, "order,v\n1704067200,1\n1704067201,2\n").times is None


def test_local_times_are_turned_to_utc_and_the_repeated_hour_is_refused(tmp_path: Path) -> None:
    rows = ["2024-10-27 01:30:00", "2024-10-27 02:30:00", "2024-10-27 03:30:00", "2024-03-31 02:30:00"]
    content = "timestamp,v\n" + "".join(f"{row},1\n" for row in rows)
    table = read(tmp_path, content, TimeOptions(column="timestamp", zone="Europe/Berlin"))
    assert table.times is not None
    assert table.times.tolist() == [1729985400 * 10**9, 1729996200 * 10**9]
    assert [row.row for row in table.rejected] == [3, 5]
    assert "twice or never" in table.rejected[0].reason


def test_a_time_beyond_nanoseconds_is_refused(tmp_path: Path) -> None:
    table = read(tmp_path, "timestamp,v\n9999-01-01,1\n" + "2024-01-01,2\n" * 9)
    assert [row.row for row in table.rejected] == [2]


def test_day_and_month_are_told_apart_by_the_values(tmp_path: Path) -> None:
    assert read(tmp_path, "date,v\n01/31/2024 10:00,1\n02/01/2024 10:00,2\n").form.time_format == "%m/%d/%Y %H:%M"


@pytest.mark.parametrize(
    ("content", "time", "message"),
    [
        ("", FOUND, "empty"),
        ("a,b\n1,2\n", TimeOptions(column="t"), "no such column for the time"),
        ("t,b\nx,2\n", TimeOptions(column="t"), "times in no known form"),
        ("t,b\n2024-01-01,2\n", TimeOptions(column="t", zone="Mars/North"), "no such time zone"),
    ],
)
def test_what_cannot_be_read_at_all_says_why(tmp_path: Path, content: str, time: TimeOptions, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, content, time)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="no table here"):
        table_files(tmp_path)


def test_the_tables_of_a_folder_come_sorted(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write(tmp_path / "b", "a\n1\n", "2.csv")
    write(tmp_path, "a\n1\n", "1.csv")
    write(tmp_path, "x", "readme.md")
    assert [path.name for path in table_files(tmp_path)] == ["1.csv", "2.csv"]


def test_given_options_are_not_questioned(tmp_path: Path) -> None:
    path = write(tmp_path, "1,5;2\n")
    table = read_table(path, csv=CsvOptions(delimiter=";", decimal=",", header=False))
    assert table.numbers("column_1").tolist() == [1.5]


def test_overlong_lines_and_nul_bytes_are_rejected(tmp_path: Path) -> None:
    table = read(tmp_path, b"a,b\n1,2\n" + b"9" * 5_000_000 + b",1\n3,\0\n5,6\n")
    assert [row.row for row in table.rejected] == [3, 4]
    assert len(table.rejected[0].raw) == 4096
    assert table.numbers("a").tolist() == [1, 5]


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_data_error_and_every_line_is_accounted_for(data: bytes) -> None:
    try:
        rows = read_rows(data, CsvOptions())
    except DataError:
        return
    assert all(len(column) == len(rows.lines) for column in rows.cells)
    taken = len(rows.lines) + rows.header
    assert taken + len(rows.rejected) <= len(data.split(b"\r" if b"\r" in data and b"\n" not in data else b"\n"))
    assert {row.row for row in rows.rejected}.isdisjoint(rows.lines)


@given(
    st.lists(
        st.lists(
            st.sampled_from(["1", "2.5", "x", "", "NA", "0007", "nan", '"q"', "2024-01-01"]), min_size=3, max_size=3
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_grid_of_cells_reads_without_loss(tmp_path_factory: pytest.TempPathFactory, grid: list[list[str]]) -> None:
    content = "a,b,c\n" + "".join(",".join(row) + "\n" for row in grid)
    table = read(tmp_path_factory.mktemp("grid"), content, TimeOptions(column=""))
    assert len(table) + len(table.rejected) == len(grid)
