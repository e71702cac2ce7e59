from __future__ import annotations

from lineside.domain.tabular.form import CsvOptions, find_form

MISLEADING = [b"time,temperature,serial", b";", b"", b",,,,", b",,,,", b";", b"2026-11-18 10:06:40,21.5,A1"]


def test_a_column_that_must_be_there_shows_the_header_among_rows_that_mislead() -> None:
    form = find_form(MISLEADING, CsvOptions(header=True, column="time"))
    assert form.names == ("time", "temperature", "serial")
    assert form.shape.delimiter == ","


def test_a_column_that_stands_nowhere_changes_nothing() -> None:
    lines = [b"Line 7;;", b"when;what;how much", b"1;a;2", b"2;b;3"]
    assert find_form(lines, CsvOptions(column="time")) == find_form(lines, CsvOptions())


def test_a_named_column_finds_the_header_under_a_preamble() -> None:
    lines = [b"Report of press 4", b"x;y", b"Zeit;Kraft;Weg", b"1;2;3", b"2;3;4"]
    form = find_form(lines, CsvOptions(column="Zeit"))
    assert form.names == ("Zeit", "Kraft", "Weg")
    assert form.preamble == (1, 2)
