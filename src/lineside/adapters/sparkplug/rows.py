"""Plain numbers on their way to the gate: gathered one by one, handed over as columns.

A gate judges a column at a fraction of the cost of its values one by one. What is not a plain number at a plain time
(texts, truth values, what is refused) goes to the gate by itself, behind those gathered before it.
"""

from __future__ import annotations

import numpy as np

from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Refusal
from lineside.domain.intake.values import LARGEST
from lineside.domain.readings import BAD, Float64, Int32, Int64

_NUMBERS = frozenset({float, int})


class Rows:
    """Gathers the readings of one source for its gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.codes = {rule.id: rule.code for rule in gate.rules.values() if not rule.text}
        self.truths = {rule.id for rule in gate.rules.values() if rule.boolean and not rule.text}
        self._pieces: list[tuple[Int32, Int64, Float64, int]] = []
        self._gathered = 0
        self._rows: list[tuple[int, int, float, int, int]] = []  # behind the pieces

    @property
    def pending(self) -> int:
        """Readings and refusals that wait for a take, here and at the gate."""
        return self._gathered + len(self._rows) + self._gate.pending

    def offer(self, signal: str, moment: int | Refusal, value: object, status: int, received: int) -> None:
        """Let one value in or refuse it; what the arguments are, `Gate.offer` says."""
        code = self.codes.get(signal)
        if code is not None and type(value) in _NUMBERS and not status & BAD and isinstance(moment, int):
            self._rows.append((code, moment, value, status, received))  # type: ignore[arg-type]  # its type is looked at
            return
        self.flush()
        self._gate.offer(signal, moment, value, received=received, status=status)

    def offer_columns(self, signal: Int32, time: Int64, value: Float64, received: int) -> None:
        """Let columns of good numbers in, none larger than `LARGEST`; the rest `Gate.offer_columns` says."""
        if self._rows:
            self.flush()
        if len(signal):
            self._pieces.append((signal, time, value, received))
            self._gathered += len(signal)

    def flush(self) -> None:
        """Hand over what has been gathered."""
        if self._pieces:
            pieces, self._pieces, self._gathered = self._pieces, [], 0
            self._hand_over(pieces)
        rows, self._rows = self._rows, []
        if not rows:
            return
        signal, time, value, status, received = zip(*rows, strict=True)
        numbers = np.array(value, dtype=np.float64)
        if (np.abs(numbers) <= LARGEST).all():
            self._gate.offer_columns(
                np.array(signal, dtype=np.int32),
                np.array(time, dtype=np.int64),
                numbers,
                received=np.array(received, dtype=np.int64),
                status=np.array(status, dtype=np.uint32),
            )
            return
        names = self._gate.catalogue.signals
        for code, moment, number, quality, now in rows:
            self._gate.offer(names[code], moment, number, received=now, status=quality)

    def _hand_over(self, pieces: list[tuple[Int32, Int64, Float64, int]]) -> None:
        """Hand over columns; those of a single message, which a calm line sends, as they are."""
        if len(pieces) == 1:
            ((signal, time, value, received),) = pieces
            self._gate.offer_columns(signal, time, value, received=received)
            return
        signals, times, values, moments = zip(*pieces, strict=True)
        self._gate.offer_columns(
            np.concatenate(signals),
            np.concatenate(times),
            np.concatenate(values),
            received=np.repeat(np.array(moments, dtype=np.int64), [len(piece) for piece in signals]),
        )
