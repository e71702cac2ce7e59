"""Files to blocks of rows: CSV in the base install, Parquet where pyarrow is installed.

Reading is resumable by row number, and a file that cannot be read is refused as a whole without stopping
those after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from lineside.adapters.files.aqdef_block import AqdefBlock, read_sets
from lineside.adapters.files.blocks import ArrowBlock, Block, CsvBlock
from lineside.adapters.files.excel import EXCEL_SUFFIXES, sheet_blocks
from lineside.domain.aqdef import AqdefReader, ValueSet
from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.plan.model import FilesSpec
from lineside.domain.tabular import CsvOptions, CsvReader
from lineside.domain.tabular.form import checked_names

CSV_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})
PARQUET_SUFFIXES: Final = frozenset({".parquet", ".pq"})
AQDEF_SUFFIXES: Final = frozenset({".dfq", ".dfx"})
KNOWN_SUFFIXES: Final = CSV_SUFFIXES | PARQUET_SUFFIXES | AQDEF_SUFFIXES | EXCEL_SUFFIXES
APPENDED_SUFFIXES: Final = CSV_SUFFIXES | AQDEF_SUFFIXES
"""Files to which a machine may append what comes after what was taken."""
_CHUNK: Final = 262_144


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


def read_blocks(
    work: Work, spec: FilesSpec, *, rows: int, pseudonym: Callable[[str], str] | None = None
) -> Iterator[Block | Refused]:
    """Yield the blocks of a file, of at most ``rows`` rows, behind the row that the work begins after.

    ``pseudonym`` turns an inspector's name into what may be kept of it; without it nothing is.

    Raises:
        OSError: it cannot be read (further) now.
        ConfigurationError: reading its format needs what is not installed.
    """
    try:
        if work.path.suffix.lower() in PARQUET_SUFFIXES:
            yield from _parquet_blocks(work.path, rows, work.after)
        elif work.path.suffix.lower() in EXCEL_SUFFIXES:
            yield from sheet_blocks(work.path, spec, rows, work.after)
        elif work.path.suffix.lower() in AQDEF_SUFFIXES:
            yield from _aqdef_blocks(work, spec, rows, pseudonym)
        else:
            with work.path.open("rb") as file:
                yield from _csv_blocks(file, spec, rows, work.after)
    except DataError as error:
        yield Refused(refuse(Reason.UNREADABLE_FILE, work.name, f"{error}."), b"", whole=True)


def _csv_blocks(file: BinaryIO, spec: FilesSpec, rows: int, after: int) -> Iterator[Block | Refused]:
    """Yield the blocks of a CSV file; its rows count from 1 behind the header."""
    reader = CsvReader(csv_options(spec))
    names: tuple[str, ...] = ()
    skipped, ended = False, False
    while not ended:
        chunk = file.read(_CHUNK)
        ended = not chunk
        if ended:
            reader.finish()
        else:
            reader.feed(chunk)
        if not names and reader.ready:
            names = checked_names(reader.form.names)
        first = reader.form.first - 1 if names else 0
        skipped = skipped or (bool(names) and reader.skip(first + after))
        while skipped and (ended or reader.waiting >= rows):
            taken = reader.take(rows)
            if taken is None:
                break
            yield from (Refused(refusal, raw) for _, refusal, raw in taken.refused)
            yield CsvBlock(names, taken.numbers - first, taken.end - first, taken.cells, taken.lines, spec.thousands)


def csv_options(spec: FilesSpec) -> CsvOptions:
    """Return what a plan says of its CSV files."""
    return CsvOptions(
        delimiter=spec.delimiter,
        decimal=spec.decimal,
        header=True,
        header_line=spec.header_line,
        column=spec.time_column,
        units_line=spec.units_line,
        comment=spec.comment,
        encoding=spec.encoding,
    )


def _aqdef_blocks(
    work: Work, spec: FilesSpec, rows: int, pseudonym: Callable[[str], str] | None
) -> Iterator[Block | Refused]:
    """Yield the blocks of an AQDEF file; its rows are value sets."""
    path, description = work.path, work.description
    if description is None and path.suffix.lower() == ".dfx":
        description = next((path.with_suffix(end) for end in (".dfd", ".DFD") if path.with_suffix(end).exists()), None)
        if description is None:
            raise DataError("a file of values without its description", where=work.name, next_step="add the .DFD file")
    reader = AqdefReader(pseudonym)
    waiting: list[ValueSet] = []
    end = 0
    for found in read_sets(path, description, reader, spec.encoding):
        if isinstance(found, Refusal):
            yield Refused(found, b"")
        elif found.number > work.after:
            waiting.append(found)
            end = found.number
        if len(waiting) >= rows:
            yield _aqdef_block(waiting, end, reader)
            waiting = []
    if not reader.description.indices:
        raise DataError("it describes no characteristic: this is no AQDEF", where=work.name)
    if waiting or not end:
        yield _aqdef_block(waiting, end, reader)


def _aqdef_block(sets: Sequence[ValueSet], end: int, reader: AqdefReader) -> AqdefBlock:
    numbers = np.array([found.number for found in sets], dtype=np.int64)
    return AqdefBlock(numbers, end, sets, reader.description, reader.description.columns())


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
