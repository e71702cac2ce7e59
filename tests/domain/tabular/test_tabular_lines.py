import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.reasons import Reason, Refusal
from lineside.domain.tabular import LONGEST_LINE, LineCutter
from lineside.domain.tabular.cells import Shape, parse_lines


@given(st.binary(), st.lists(st.integers(0, 30)))
def test_lines_are_the_same_however_the_file_is_cut(data: bytes, cuts: list[int]) -> None:
    cutter, lines, rest = LineCutter(), [], data
    for cut in cuts:
        lines += cutter.feed(rest[:cut])
        rest = rest[cut:]
    lines += cutter.feed(rest)
    lines += cutter.finish()
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert lines == [line[:-1] if line.endswith(b"\r") else line for line in expected]


def test_a_line_that_is_too_long_is_refused_with_its_length_and_the_next_is_whole() -> None:
    cutter, lines = LineCutter(), []
    for _ in range(200):
        lines += cutter.feed(b"x" * 10_000)
    lines += cutter.feed(b"\nnext\n")
    assert isinstance(lines[0], Refusal)
    assert lines[0].reason is Reason.LINE_TOO_LONG
    assert "2000000 bytes" in lines[0].detail
    assert lines[1:] == [b"next"]
    assert cutter.feed(b"y" * LONGEST_LINE + b"\n") == [b"y" * LONGEST_LINE]


ROWS = st.lists(
    st.lists(st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=6), min_size=2, max_size=2),
    max_size=6,
)


@given(ROWS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_cells_are_read_back_as_a_csv_writer_wrote_them(rows: list[list[str]], delimiter: str, quoting: int) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    lines = out.getvalue().encode().split(b"\n")[:-1]
    parsed = parse_lines(lines, Shape(width=2, delimiter=delimiter, comment="NONE"))
    cells = parsed.cells
    assert not parsed.refusals
    assert parsed.used == len(lines)
    kept = [row for row, line in zip(rows, lines, strict=True) if line.strip(b" ")]
    assert [cell.decode() for cell in cells.column(0)] == [row[0] for row in kept]
    assert [cell.decode() for cell in cells.column(1)] == [row[1] for row in kept]


def test_a_broken_line_hurts_no_other() -> None:
    lines = [b"1,2", b"1,2,3", b'"1,2', b"", b"3,4", b'5,"6"']
    parsed = parse_lines(lines, Shape(width=2, delimiter=","))
    cells, refusals = parsed.cells, parsed.refusals
    assert list(cells.lines) == [0, 4, 5]
    assert list(cells.flat) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert {row: refusal.reason for row, refusal in refusals.items()} == dict.fromkeys((1, 2), Reason.MALFORMED_ROW)
