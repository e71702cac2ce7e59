"""Which stations have readings in a batch, between which rows, and whose cycle they may end.

A line of fifty stations hears fifty messages at once, each of one station. To let every station look at every reading
would cost the square of that, and of the fifty only two or three end a cycle, for whose part somebody waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import BAD, SEVERITY, Catalogue, Float64, Int32, Int64, ReadingBatch, UInt32

NEVER: Final = np.iinfo(np.int64).min
ALWAYS: Final = np.iinfo(np.int64).max
_SEVERITY: Final = np.uint32(SEVERITY)
_BAD: Final = np.uint32(BAD)


class Delimiter(NamedTuple):
    """The signal that ends a station's cycles: where it comes to lie above a threshold, or comes not to.

    Without a threshold (NaN) whatever it says may end one.
    """

    signal: str
    threshold: float
    above: bool


class Routes:
    """Knows which station takes which signal of a line, and which signal ends its cycles.

    Args:
        catalogue: what the codes of the batches mean.
        stations: of each station, in their order, the signals that its parts are made from.
        delimiters: of each station what ends its cycles; None where it is time alone.
    """

    def __init__(
        self, catalogue: Catalogue, stations: Sequence[Iterable[str]], delimiters: Sequence[Delimiter | None]
    ) -> None:
        codes = catalogue.codes()
        self._shared: Final = len(stations)
        nobody = self._shared + 1
        room = len(catalogue.signals) + 1  # the last: of no such code
        self._place: Int64 = np.full(room, nobody, dtype=np.int64)
        for number, signals in enumerate(stations):
            for code in (codes[name] for name in signals if name in codes):
                self._place[code] = number if self._place[code] == nobody else self._shared
        self._threshold: Float64 = np.full(room, np.nan)
        self._above = np.zeros(room, dtype=np.bool_)
        self._on = np.zeros(room, dtype=np.bool_)
        timed = [ALWAYS if delimiter is None else NEVER for delimiter in delimiters]
        self._turned: Int64 = np.array([*timed, NEVER, NEVER], dtype=np.int64)
        for delimiter in delimiters:
            if delimiter is not None and delimiter.signal in codes:
                self._mark(codes[delimiter.signal], delimiter)

    def _mark(self, code: int, delimiter: Delimiter) -> None:
        """Mark a delimiter by the sign of its place; where stations read it differently, whatever it says counts."""
        if self._place[code] >= 0:
            self._place[code] = ~self._place[code]
            self._threshold[code], self._above[code] = delimiter.threshold, delimiter.above
        elif (self._threshold[code], self._above[code]) != delimiter[1:]:
            self._threshold[code] = np.nan

    def spans(self, batch: ReadingBatch) -> list[slice | None]:
        """Return for each station the rows between which all of its readings lie; None where it has none.

        What several stations take (the conditions of the line) counts as each one's.
        """
        spans: Int64 = np.empty((self._shared + 2, 2), dtype=np.int64)
        _find(
            self._place,
            self._threshold,
            self._above,
            self._on,
            self._turned,
            batch.signal,
            batch.source_time,
            batch.value,
            batch.status,
            spans,
        )
        shared = spans[self._shared]
        first = np.minimum(spans[: self._shared, 0], shared[0]).tolist()
        last = np.maximum(spans[: self._shared, 1], shared[1]).tolist()
        return [slice(begin, end) if begin < end else None for begin, end in zip(first, last, strict=True)]

    def turned(self) -> Int64:
        """Return for each station the newest source time at which its delimiter may have ended a cycle, UTC ns.

        `NEVER` where it has not, `ALWAYS` where time alone does.
        """
        turned: Int64 = np.maximum(self._turned[: self._shared], self._turned[self._shared])
        return turned


@numba.njit(cache=True, nogil=True)
def _find(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, PLR0917 - numba takes columns one by one
    place: Int64,
    threshold: Float64,
    ends_above: NDArray[np.bool_],
    on: NDArray[np.bool_],
    turned: Int64,
    signal: Int32,
    time: Int64,
    value: Float64,
    status: UInt32,
    spans: Int64,
):
    """Note the first row of each place and the row behind its last, and where a delimiter has turned."""
    spans[:, 0] = len(signal)
    spans[:, 1] = 0
    beyond = len(place) - 1
    for row in range(len(signal)):
        code = signal[row]
        at = place[code if 0 <= code < beyond else beyond]
        if at < 0:
            at = ~at
            above = value[row] > threshold[code]
            known = not np.isnan(value[row]) and (status[row] & _SEVERITY) != _BAD
            if np.isnan(threshold[code]) or (known and above != on[code] and above == ends_above[code]):
                turned[at] = max(turned[at], time[row])
            on[code] = above if known else on[code]
        if spans[at, 1] == 0:
            spans[at, 0] = row
        spans[at, 1] = row + 1
