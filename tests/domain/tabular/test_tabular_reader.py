"""The one reader of CSV, in the forms that plants write."""

import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.intake.values import read_number_column
from lineside.domain.tabular import CsvOptions, CsvReader, Rows

FOUND_OUT = CsvOptions()


def read(data: bytes, options: CsvOptions = FOUND_OUT, chunk: int = 1 << 20, most: int = 1 << 20) -> list[Rows]:
    reader, found = CsvReader(options), []
    for start in range(0, len(data), chunk):
        reader.feed(data[start : start + chunk])
        while reader.ready and reader.waiting >= most and (rows := reader.take(most)) is not None:
            found.append(rows)
    reader.finish()
    while (rows := reader.take(most)) is not None:
        found.append(rows)
    return found


def grid(found: list[Rows]) -> list[list[str]]:
    return [
        [cell.decode(errors="surrogateescape") for cell in rows.cells.flat[at : at + rows.cells.width]]
        for rows in found
        for at in range(0, len(rows.cells.flat), rows.cells.width)
    ]


def form_of(data: bytes, options: CsvOptions = FOUND_OUT) -> tuple[str, CsvReader]:
    reader = CsvReader(options)
    reader.feed(data)
    reader.finish()
    _ = reader.form
    return reader.encoding, reader


TEXT = "Zeit;Öl °C;µ\n10:00;21,5;0,1\n10:01;22,5;0,2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_are_found_out(encoding: str) -> None:
    found, reader = form_of(TEXT.encode(encoding))
    assert found == {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
    assert reader.form.names == ("Zeit", "Öl °C", "µ")


def test_code_page_850_is_told_by_bytes_that_windows_does_not_have() -> None:
    found, reader = form_of("Kühler;größe\n1;2\n".encode("cp850"))
    assert (found, reader.form.names) == ("cp850", ("Kühler", "größe"))


def test_a_stated_encoding_is_taken_at_its_word_and_an_unknown_one_refused() -> None:
    assert form_of("Łódź;b\n1;2\n".encode("iso-8859-2"), CsvOptions(encoding="iso-8859-2"))[1].form.names[0] == "Łódź"
    with pytest.raises(ConfigurationError, match="no such encoding"):
        CsvReader(CsvOptions(encoding="windows-german"))


def test_an_encoding_is_found_out_when_the_first_letter_beyond_ascii_comes_however_late() -> None:
    data = b"a;b\n" + b"1;x\n" * 5_000 + "2;größe\n".encode("cp1252") * 3
    assert grid(read(data, chunk=4_096, most=500))[-1] == ["2", "größe"]


def test_what_is_left_of_binary_data_is_no_text_and_stays_damaged() -> None:
    assert grid(read(b"a,b\n1,x\n2,\xff\xfe\n"))[-1] == ["2", "\udcff\udcfe"]


def test_half_a_letter_at_the_end_of_utf_16_damages_its_own_cell() -> None:
    found = grid(read("a,b\n1,x\n2,y".encode("utf-16") + b"z"))
    assert found[0] == ["1", "x"]
    assert found[1][1].startswith("y")
    assert "\udcff" in found[1][1]


def test_a_preamble_and_units_are_passed_over_and_the_rows_keep_their_line_numbers() -> None:
    data = b"Machine 7\nExport of 2026-11-18\n\ntime;temp;p\n;\xc2\xb0C;[bar]\n10:00;1;2\n10:01;3;4\n"
    _, reader = form_of(data)
    assert reader.form.names == ("time", "temp", "p")
    assert reader.form.units == ("", "°C", "[bar]")
    assert reader.form.preamble == (1, 2)
    [rows] = read(data)
    assert rows.numbers.tolist() == [6, 7]


def test_a_first_row_that_is_no_unit_is_a_row() -> None:
    assert grid(read(b"time;part;v\n10:00;A1;ERR\n10:01;A2;3\n"))[0] == ["10:00", "A1", "ERR"]


def test_a_stated_header_line_and_stated_units_are_not_questioned() -> None:
    options = CsvOptions(header=True, header_line=3, units_line=True)
    data = b"a;b\n1;2\ntime;1\nx;y\n5;6\n"
    assert form_of(data, options)[1].form.names == ("time", "1")
    assert grid(read(data, options)) == [["5", "6"]]


def test_rows_may_end_with_a_delimiter_that_the_header_lacks() -> None:
    assert grid(read(b"a;b\n1;2;\n3;4;\n")) == [["1", "2"], ["3", "4"]]
    refused = read(b"a;b\n1;2;\n3;4;5\n" + b"6;7;\n" * 20)[0].refused
    assert [number for number, _, _ in refused] == [3]


def test_comments_are_no_rows_where_they_are_stated() -> None:
    data = b"a,b\n# calibrated, today\n1,2\n#3,4\n"
    assert grid(read(data, CsvOptions(comment="#"))) == [["1", "2"]]


def test_old_line_ends_are_lines_too() -> None:
    assert grid(read(b"a,b\r1,2\r3,4\r")) == [["1", "2"], ["3", "4"]]


def test_a_header_cell_may_hold_a_line_break() -> None:
    data = b'"Temp\n[C]",b\n1,2\n'
    assert form_of(data)[1].form.names == ("Temp\n[C]", "b")
    assert grid(read(data)) == [["1", "2"]]


def test_an_open_quote_costs_its_line_alone_also_at_the_end_of_a_block() -> None:
    data = b'a,b\n1,"open\n' + b"".join(b"%d,x\n" % row for row in range(200))
    for most in (1, 7, 1_000):
        found = read(data, chunk=64, most=most)
        assert sum(len(rows.refused) for rows in found) == 1
        assert len(grid(found)) == 200


CELLS = st.text(st.sampled_from('ab1;,"\n ü#'), max_size=5)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), st.integers(1, 40), st.integers(1, 9))
def test_what_a_writer_wrote_is_read_however_it_is_cut(rows: list[tuple[str, str]], chunk: int, most: int) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("x", "y"), *rows])
    options = CsvOptions(delimiter=",", header=True, header_line=1, units_line=False)
    found = read(out.getvalue().encode(), options, chunk, most)
    assert grid(found) == [list(row) for row in rows]


@given(st.binary(max_size=200), st.integers(1, 50), st.integers(1, 5))
def test_no_bytes_raise_anything_but_a_data_error_and_blocks_change_nothing(data: bytes, chunk: int, most: int) -> None:
    try:
        whole = read(data)
    except DataError:
        return
    cut = read(data, most=most)
    assert grid(cut) == grid(whole)
    assert [number for rows in cut for number in rows.numbers] == [number for rows in whole for number in rows.numbers]
    with contextlib.suppress(DataError):
        read(data, CsvOptions(delimiter=",", header=True, header_line=1), chunk, most)


def test_thousands_are_taken_out_where_they_group_by_three_and_nowhere_else() -> None:
    cells = [b"1.234,5", b"-12.345.678", b"1.5", b"999", b"1.23.456"]
    values, refusals = read_number_column(cells, decimal=",", thousands=".")
    assert values[[0, 1, 3]].tolist() == [1234.5, -12345678.0, 999.0]
    assert sorted(refusals) == [2, 4]
    values, refusals = read_number_column([b"1 234.5", "1\u00a0234".encode(), "1\u202f234".encode()], thousands=" ")
    assert (values.tolist(), refusals) == ([1234.5, 1234.0, 1234.0], {})
