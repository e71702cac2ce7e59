"""Troubles that last: reported when they begin, and from then on counted, so that none floods the record.

A machine that is asked ten times a second and answers ten times a second that it cannot is one trouble. Its first
occurrence is reported at once; those after it are counted, and reported as a number every `REPORT_EVERY` and when
the trouble ends. Every occurrence is in exactly one report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.reasons import Reason, Refusal
from lineside.domain.units import SECOND

REPORT_EVERY: Final = 30 * SECOND


class Report(Protocol):
    """Takes a report, as `lineside.domain.intake.gate.Gate.refuse` does."""

    def __call__(self, refusal: Refusal, *, received: int, signal: str = "", raw: bytes = b"", count: int = 1) -> None:
        """Take it."""


@dataclass(slots=True)
class _Trouble:
    refusal: Refusal
    signal: str
    raw: bytes
    reported: int
    waiting: int = 0


class Troubles:
    """The troubles of one source, by place (whatever names what is asked) and reason.

    Args:
        report: takes the reports.
        record: keeps how the source does; what is in trouble stands there until it is over.
    """

    def __init__(self, report: Report, record: SourceRecord) -> None:
        self._report = report
        self._record = record
        self._known: dict[tuple[str, Reason], _Trouble] = {}

    def note(
        self, place: str, refusal: Refusal, *, now: int, signal: str = "", raw: bytes = b"", count: int = 1
    ) -> None:
        """Take note of an occurrence, or of several at once; the first at a place is reported at once."""
        key = (place, refusal.reason)
        known = self._known.get(key)
        if known is None:
            self._known[key] = _Trouble(refusal, signal, raw, now)
            self._report(refusal, received=now, signal=signal, raw=raw, count=count)
            self._record.trouble(signal or place, refusal.detail)
            return
        known.refusal, known.raw = refusal, raw
        known.waiting += count
        if now - known.reported >= REPORT_EVERY:
            self._tell(known, now)

    def over(self, place: str, now: int) -> None:
        """Take note that a place is well; what was counted there is reported."""
        self._end(lambda key: key[0] == place, now)

    def standing(self) -> dict[str, str]:
        """Return what is in trouble now, each with its reason."""
        return {item.signal or place: item.refusal.detail for (place, _), item in self._known.items()}

    def tick(self, now: int) -> None:
        """Report what has been counted for long enough."""
        for trouble in self._known.values():
            if now - trouble.reported >= REPORT_EVERY:
                self._tell(trouble, now)

    def flush(self, now: int) -> None:
        """Report all that was counted, such as before the source ends."""
        for trouble in self._known.values():
            self._tell(trouble, now)

    def __bool__(self) -> bool:
        """Say whether anything is in trouble."""
        return bool(self._known)

    def _end(self, chosen: Callable[[tuple[str, Reason]], bool], now: int) -> None:
        for key in [key for key in self._known if chosen(key)]:
            trouble = self._known.pop(key)
            self._tell(trouble, now)
            self._record.mend(trouble.signal or key[0])

    def _tell(self, trouble: _Trouble, now: int) -> None:
        if trouble.waiting:
            refusal, count = trouble.refusal, trouble.waiting
            self._report(refusal, received=now, signal=trouble.signal, raw=trouble.raw, count=count)
            trouble.waiting = 0
        trouble.reported = now
