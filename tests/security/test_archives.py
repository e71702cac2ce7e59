"""Security requirement 23: archives without links, without ways out, with caps on size, count and ratio."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineside.adapters.archives import MOST_ENTRIES, check_archive
from lineside.domain.errors import DataError

LARGEST = 4 << 20


def _zip(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in entries:
            book.writestr(name, data, compress_type=zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("xl/workbook.xml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def _lying() -> bytes:
    """Return an archive whose directory says 10 bytes of an entry that unpacks to 2 MB."""
    made, size = _zip(("xl/sheet1.xml", bytes(2 << 20))), struct.pack("<I", 2 << 20)
    return made.replace(size, struct.pack("<I", 10))


def _encrypted() -> bytes:
    made = bytearray(_zip(("a.xml", b"text")))
    directory = made.index(b"PK\x01\x02")
    made[directory + 8] |= 1
    return bytes(made)


CORPUS: dict[str, Callable[[], bytes]] = {
    "a way out": lambda: _zip(("../../etc/cron.d/x", b"x")),
    "a way out in the middle": lambda: _zip(("xl/../../x", b"x")),
    "a way out by backslashes": lambda: _zip(("..\\..\\x", b"x")),
    "an absolute name": lambda: _zip(("/etc/passwd", b"x")),
    "a drive": lambda: _zip(("C:/x", b"x")),
    "a link": lambda: _zip((_link(), b"/etc/passwd")),
    "too much": lambda: _zip(("a", bytes(range(256)) * 20_000)),
    "too many": lambda: _zip(*((f"f{n}", b"") for n in range(MOST_ENTRIES + 1))),
    "a bomb": lambda: _zip(("a", bytes(3 << 20))),
    "a bomb that lies": _lying,
    "an encrypted entry": _encrypted,
    "no archive behind its first bytes": lambda: b"PK\x03\x04" + _zip(("a", b"x"))[20:],
}


@pytest.mark.parametrize("kind", CORPUS)
def test_23_what_must_not_be_unpacked_is_refused_unopened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(CORPUS[kind]())
    with pytest.raises(DataError) as caught:
        check_archive(path, LARGEST)
    assert caught.value.where == "book.xlsx"


def test_23_an_honest_archive_and_what_is_none_pass(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(_zip(("xl/workbook.xml", b"<workbook/>" * 1000), ("xl/empty.xml", b"")))
    check_archive(path, LARGEST)
    path.write_bytes(b"time,value\n1,2\n")
    check_archive(path, LARGEST)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_23_a_changed_byte_is_refused_or_harmless_and_never_an_accident(tmp_path: Path, place: int, value: int) -> None:
    made = bytearray(_zip(("xl/workbook.xml", b"<workbook/>" * 50), ("xl/sheet.xml", bytes(500))))
    made[place % len(made)] = value
    path = tmp_path / "book.xlsx"
    path.write_bytes(made)
    try:
        check_archive(path, LARGEST)
    except DataError:
        return
