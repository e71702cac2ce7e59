"""Files to blocks of rows: CSV in the base install, Parquet where pyarrow is installed.

Reading is resumable by row number, and a file that cannot be read is refused as a whole without stopping
those after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from lineside.adapters.files.blocks import ArrowBlock, Block, CsvBlock
from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.plan.model import FilesSpec
from lineside.domain.tabular import LineCutter, parse_lines, read_header

CSV_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})
PARQUET_SUFFIXES: Final = frozenset({".parquet", ".pq"})
KNOWN_SUFFIXES: Final = CSV_SUFFIXES | PARQUET_SUFFIXES
APPENDED_SUFFIXES: Final = CSV_SUFFIXES
"""Files to which a machine may append what comes after what was taken."""
_CHUNK: Final = 262_144
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A file that lies here, and from where on it is read.

    ``name`` is what messages call it, ``label`` what its parts are called after; ``after`` is the number of the last
    row that is not wanted any more, ``before`` how many rows the files before it had.
    """

    path: Path
    name: str
    label: str
    after: int = 0
    before: int = 0
    description: Path | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Something in a file that was refused before it became a row of a block; ``whole``: the file (from there on)."""

    refusal: Refusal
    raw: bytes
    whole: bool = False


def files_at(path: Path) -> tuple[Path, ...]:
    """Return the tables of a folder in the order of their names, or the file itself."""
    if path.is_file():
        return (path,)
    return tuple(sorted(file for file in path.glob("*") if file.suffix.lower() in KNOWN_SUFFIXES and file.is_file()))


def read_blocks(work: Work, spec: FilesSpec, *, rows: int) -> Iterator[Block | Refused]:
    """Yield the blocks of a file, of at most ``rows`` rows, behind the row that the work begins after.

    Raises:
        OSError: it cannot be read (further) now.
        ConfigurationError: reading its format needs what is not installed.
    """
    try:
        if work.path.suffix.lower() in PARQUET_SUFFIXES:
            yield from _parquet_blocks(work.path, rows, work.after)
        else:
            with work.path.open("rb") as file:
                yield from _csv_blocks(file, spec.delimiter, rows, work.after)
    except DataError as error:
        yield Refused(refuse(Reason.UNREADABLE_FILE, work.name, f"{error}."), b"", whole=True)


def _csv_blocks(file: BinaryIO, delimiter: str, rows: int, after: int) -> Iterator[Block | Refused]:
    lines = _lines(file)
    header = next(lines, b"")
    if isinstance(header, Refusal) or not header or header.startswith(_UTF16):
        reason = Reason.ENCODING if isinstance(header, bytes) and header else Reason.UNREADABLE_FILE
        hint = "Save the file as CSV in UTF-8 with a header line."
        yield Refused(refuse(reason, header if isinstance(header, bytes) else None, hint), b"", whole=True)
        return
    names, mark = read_header(header, delimiter)
    number = 0
    while batch := list(islice(lines, rows)):
        number += len(batch)
        if number > after:
            skip = max(0, after - (number - len(batch)))
            yield from _csv_block(batch[skip:], names, mark, number - len(batch) + skip)


def _csv_block(
    batch: Sequence[bytes | Refusal], names: tuple[str, ...], delimiter: str, before: int
) -> Iterator[Block | Refused]:
    whole = [(row, line) for row, line in enumerate(batch) if isinstance(line, bytes)]
    yield from (Refused(line, b"") for line in batch if isinstance(line, Refusal))
    lines = [line for _, line in whole]
    cells, refusals = parse_lines(lines, len(names), delimiter)
    yield from (Refused(refusal, lines[row]) for row, refusal in refusals.items())
    numbers = np.array([row for row, _ in whole], dtype=np.int64)[list(cells.lines)] + before + 1
    yield CsvBlock(names, numbers, before + len(batch), cells, lines)


def _lines(file: BinaryIO) -> Iterator[bytes | Refusal]:
    cutter = LineCutter()
    while chunk := file.read(_CHUNK):
        yield from cutter.feed(chunk)
    yield from cutter.finish()


def _parquet_blocks(path: Path, rows: int, after: int) -> Iterator[Block | Refused]:
    arrow, parquet = _pyarrow()
    arrow_error: type[Exception] = arrow.ArrowException
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=rows):
                number += batch.num_rows
                if number > after:
                    skip = max(0, after - (number - batch.num_rows))
                    numbers = np.arange(number - batch.num_rows + skip, number, dtype=np.int64) + 1
                    yield ArrowBlock(numbers, number, batch.slice(skip))
    except (arrow_error, UnicodeDecodeError) as error:
        raise DataError("not a Parquet file, or damaged", where=path.name, value=str(error)[:200]) from error


def _pyarrow() -> tuple[Any, Any]:
    try:
        from pyarrow import lib, parquet  # noqa: PLC0415 - the base install has no pyarrow
    except ImportError as error:
        raise ConfigurationError(
            "Parquet files need pyarrow", next_step="install lineside[plant], or write CSV"
        ) from error
    return lib, parquet
