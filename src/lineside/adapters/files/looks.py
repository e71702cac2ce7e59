"""Which files of a folder are finished and due, told from two looks at it. No input or output: listings go in.

A file is due when two looks in a row found it with the same size, time and entity tag, when it has not changed for
the plan's ``min_age``, and when its marker is there if the plan asks for one. Its age counts from its own time or
from the first look that found it so, whichever is longer ago: the clock of a file server may be wrong.

Due files come oldest first, those of the same time by name, whenever their names would have come.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from lineside.adapters.files.places import Found
from lineside.domain.plan.model import FilesSpec
from lineside.domain.units import SECOND

VALUES: Final = ".dfx"
DESCRIPTION: Final = ".dfd"
"""An AQDEF file of values is nothing without the description beside it (of the same name)."""


COARSE: Final = 3 * SECOND
"""Longer than the coarsest step of a file's time (2 s, on FAT), in nanoseconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A file to be taken, with the description that belongs to it, if it is one of AQDEF values."""

    found: Found
    description: Found | None = None


@dataclass(slots=True)
class Looks:
    """Remembers the look before, for one source."""

    spec: FilesSpec
    suffixes: frozenset[str]
    _before: dict[str, tuple[Found, int]] = field(default_factory=dict)

    def due(self, listing: Iterable[Found], now: int) -> list[Due]:
        """Return what is due by this look at the time ``now`` (UTC ns), oldest first."""
        here = {item.name: item for item in listing}
        since = {name: self._since(item, now) for name, item in here.items()}
        steady = {
            name: item
            for name, item in here.items()
            if name in self._before and self._before[name][0] == item and self._is_old_enough(item, since[name], now)
        }
        self._before = {name: (item, since[name]) for name, item in here.items()}
        chosen = [self._due(item, steady) for item in steady.values() if self._is_wanted(item.name, here)]
        return sorted((item for item in chosen if item is not None), key=_age_and_name)

    def forget(self, name: str) -> None:
        """Ask for two more looks before this file is due again."""
        self._before.pop(name, None)

    def _since(self, item: Found, now: int) -> int:
        before = self._before.get(item.name)
        return before[1] if before is not None and before[0] == item else now

    def _is_old_enough(self, item: Found, since: int, now: int) -> bool:
        coarse = item.version == str(item.modified) and item.modified % SECOND == 0
        if coarse and now - since < COARSE:
            return False
        return max(now - since, now - item.modified) >= self.spec.min_age

    def _is_wanted(self, name: str, here: Mapping[str, Found]) -> bool:
        base = posixpath.basename(name)
        stem, suffix = posixpath.splitext(base)
        if suffix.lower() not in self.suffixes or self._is_moved(name):
            return False
        if any(fnmatchcase(base, pattern) for pattern in self.spec.ignore):
            return False
        if self.spec.include and not any(fnmatchcase(base, pattern) for pattern in self.spec.include):
            return False
        marker, folder = self.spec.done_marker, posixpath.dirname(name)
        return not marker or any(posixpath.join(folder, item + marker) in here for item in (base, stem))

    def _is_moved(self, name: str) -> bool:
        return self.spec.after == "move" and name.startswith(self.spec.move_to.rstrip("/") + "/")

    @staticmethod
    def _due(item: Found, steady: Mapping[str, Found]) -> Due | None:
        """Return a file with its description; None for values whose description is not there yet."""
        stem, suffix = posixpath.splitext(item.name)
        if suffix.lower() != VALUES:
            return Due(found=item)
        pair = next((steady[stem + ending] for ending in (".dfd", ".DFD", ".Dfd") if stem + ending in steady), None)
        return None if pair is None else Due(found=item, description=pair)


def _age_and_name(due: Due) -> tuple[int, str]:
    return due.found.modified, due.found.name
