"""Which stations have readings in a batch, and between which rows: the others need not look at it.

A line of fifty stations hears fifty messages at once, each of one station. To let every station look at every reading
would cost the square of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numba
import numpy as np

from lineside.domain.readings import Catalogue, Int32, Int64, ReadingBatch


class Routes:
    """Knows which station takes which signal of a line.

    Args:
        catalogue: what the codes of the batches mean.
        stations: of each station, in their order, the signals that its parts are made from.
    """

    def __init__(self, catalogue: Catalogue, stations: Sequence[Iterable[str]]) -> None:
        codes = catalogue.codes()
        self._shared: Final = len(stations)
        nobody = self._shared + 1
        self._place: Int64 = np.full(len(catalogue.signals) + 1, nobody, dtype=np.int64)  # the last: of no such code
        for number, signals in enumerate(stations):
            for code in (codes[name] for name in signals if name in codes):
                self._place[code] = number if self._place[code] == nobody else self._shared

    def spans(self, batch: ReadingBatch) -> list[slice | None]:
        """Return for each station the rows between which all of its readings lie; None where it has none.

        What several stations take (the conditions of the line) counts as each one's.
        """
        spans: Int64 = np.empty((self._shared + 2, 2), dtype=np.int64)
        _find(self._place, batch.signal, spans)
        shared = spans[self._shared]
        first = np.minimum(spans[: self._shared, 0], shared[0]).tolist()
        last = np.maximum(spans[: self._shared, 1], shared[1]).tolist()
        return [slice(begin, end) if begin < end else None for begin, end in zip(first, last, strict=True)]


@numba.njit(cache=True, nogil=True)
def _find(place: Int64, signal: Int32, spans: Int64) -> None:
    """Note the first row of each place and the row behind its last."""
    spans[:, 0] = len(signal)
    spans[:, 1] = 0
    beyond = len(place) - 1
    for row in range(len(signal)):
        code = signal[row]
        at = place[code if 0 <= code < beyond else beyond]
        if spans[at, 1] == 0:
            spans[at, 0] = row
        spans[at, 1] = row + 1
