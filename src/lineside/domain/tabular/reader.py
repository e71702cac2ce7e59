"""The reader of CSV: chunks of bytes in, rows of cells out, in blocks of any size; sans-IO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lineside.domain.intake.reasons import Refusal
from lineside.domain.readings import Int64
from lineside.domain.tabular.cells import Cells, parse_lines
from lineside.domain.tabular.encodings import UTF8, Transcoder
from lineside.domain.tabular.form import SAMPLE, CsvForm, CsvOptions, find_form
from lineside.domain.tabular.lines import LineCutter, LongLine


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Rows of a table: their cells, the number of the line on which each begins, and what was refused between them.

    Lines count from 1, all of the file's. ``end`` is the number of the last line that was read for them; ``lines``
    are the lines themselves, in UTF-8, to which ``cells.lines`` refers.
    """

    cells: Cells
    numbers: Int64
    refused: Sequence[tuple[int, Refusal, bytes]]
    end: int
    lines: Sequence[bytes]


class CsvReader:
    """Reads one table; what is not stated in the options is found out from its first lines."""

    def __init__(self, options: CsvOptions) -> None:
        self._options = options
        self._transcoder = Transcoder(options.encoding)
        self._cutter = LineCutter()
        self._lines: list[bytes] = []
        self._long: dict[int, LongLine] = {}
        self._before = 0
        self._ended = False
        self._by_cr: bool | None = None
        self._form: CsvForm | None = None

    @property
    def waiting(self) -> int:
        """Lines that wait to be taken."""
        return len(self._lines)

    @property
    def encoding(self) -> str:
        """The encoding, as far as it had to be known."""
        return self._transcoder.encoding or UTF8

    @property
    def ready(self) -> bool:
        """Whether enough has come to know the form."""
        return self._form is not None or self._ended or len(self._lines) >= max(SAMPLE, self._options.header_line + 2)

    @property
    def form(self) -> CsvForm:
        """How the table is written, once it is `ready`.

        Raises:
            DataError: it has no row.
        """
        if self._form is None:
            self._form = find_form(self._lines[: max(SAMPLE, self._options.header_line + SAMPLE)], self._options)
            self._drop(self._form.first - 1)
        return self._form

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes of the file; lines end with CR alone where there is no LF among the first of them."""
        chunk = self._transcoder.feed(chunk)
        if self._by_cr is None and len(chunk) > 1:
            self._by_cr = b"\r" in chunk[:-1] and b"\n" not in chunk
        self._add(self._cutter.feed(chunk.replace(b"\r", b"\n") if self._by_cr else chunk))

    def finish(self) -> None:
        """Take note that nothing more comes."""
        rest = self._transcoder.feed(b"", final=True)
        self._add(self._cutter.feed(rest.replace(b"\r", b"\n") if self._by_cr else rest))
        self._add(self._cutter.finish())
        self._ended = True

    def skip(self, number: int) -> bool:
        """Pass over the lines up to a number that was the end of some rows; return whether all of them have come."""
        self._drop(max(0, min(number - self._before, len(self._lines))))
        return self._before >= number

    def peek(self) -> Sequence[bytes]:
        """Return the lines that wait to be taken."""
        return list(self._lines)

    def take(self, most: int) -> Rows | None:
        """Return the rows of the next lines, at most so many; None where there are none (yet).

        Raises:
            DataError: the table has no row.
        """
        form, before = self.form, self._before
        lines = self._lines[:most]
        long = min(self._long, default=before + len(lines)) - before
        if long == 0 and lines:
            return self._too_long()
        if not lines:
            return None
        final = long < len(lines) or (self._ended and len(lines) == len(self._lines))
        lines = lines[:long]
        parsed = parse_lines(lines, form.shape, final=final)
        if not parsed.used:  # one record is longer than what may be taken at once, or not all of it has come
            return self.take(most * 2) if most < len(self._lines) else None
        self._drop(parsed.used)
        return Rows(
            cells=parsed.cells,
            numbers=np.asarray(parsed.cells.lines, dtype=np.int64) + before + 1,
            refused=[(before + line + 1, refusal, lines[line]) for line, refusal in parsed.refusals.items()],
            end=before + parsed.used,
            lines=lines,
        )

    def _too_long(self) -> Rows:
        refusal = self._long.pop(self._before)
        self._drop(1)
        return Rows(
            cells=Cells(self.form.shape.width, (), ()),
            numbers=np.zeros(0, dtype=np.int64),
            refused=[(self._before, refusal, refusal.head)],
            end=self._before,
            lines=(),
        )

    def _add(self, lines: Sequence[bytes | LongLine]) -> None:
        if LongLine in map(type, lines):
            known = self._before + len(self._lines)
            self._long |= {known + at: line for at, line in enumerate(lines) if isinstance(line, LongLine)}
        self._lines += [b"" if isinstance(line, LongLine) else line for line in lines]

    def _drop(self, count: int) -> None:
        del self._lines[:count]
        self._before += count
        if self._long:
            self._long = {number: why for number, why in self._long.items() if number >= self._before}
