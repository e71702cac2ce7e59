"""Concessions: a release that takes a step although it lacks a service level, because it is better than what is there.

A line is not helped by keeping a champion that misses a level by far for want of a challenger that meets it to the
letter. Two persons may let the challenger off a level that only service shows, if the champion misses that level on
the same parts and the challenger is better beyond doubt. As ISO 9000:2015 (3.12.5) has it, a concession is for what it
names, and for a limited time: whoever looks at the release is told of it, and of its end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from lineside.domain.said import Said, joined, moment, say, word
from lineside.domain.units import DAY

LASTS: Final = 90 * DAY
"""How long a concession lasts; it is written again by the next release, or the level is met by then."""
_CONCEDES: Final = "concedes"
_UNTIL: Final = "until"
_MISSED: Final = "missed"
_BETWEEN: Final = "; "


@dataclass(frozen=True, slots=True)
class Concession:
    """The names of the levels that are let off, and until when (UTC ns; 0: as long as the approval that names them)."""

    levels: tuple[str, ...]
    until: int = 0

    def words(self) -> dict[str, str]:
        """Return it as the detail of an event."""
        until = {_UNTIL: str(self.until)} if self.until else {}
        return {_CONCEDES: _BETWEEN.join(self.levels)} | until

    def said(self) -> Said:
        """Return the levels and the end in words."""
        return joined(
            say("{level} let off until {when}", level=word(name), when=moment(self.until)) for name in self.levels
        )

    @classmethod
    def read(cls, detail: Mapping[str, str]) -> Concession | None:
        """Return what the detail of an event concedes, None where it is nothing."""
        if _CONCEDES not in detail:
            return None
        return cls(tuple(detail[_CONCEDES].split(_BETWEEN)), int(detail.get(_UNTIL, "0")))


def missed_of(levels: Collection[str]) -> dict[str, str]:
    """Return as a detail which levels a superseded champion missed."""
    return {_MISSED: _BETWEEN.join(levels)} if levels else {}


def missed_in(detail: Mapping[str, str]) -> frozenset[str]:
    """Return which levels a superseded champion missed."""
    return frozenset(detail[_MISSED].split(_BETWEEN)) if _MISSED in detail else frozenset()
