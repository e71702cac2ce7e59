"""How late readings correct history: parts made again, held against those that were recorded.

Theory of operation. Which cycle a reading belongs to is a matter of source times alone, so a stretch of a station's
readings, once it is whole, gives the parts that would have been made had nothing been late. What differs from the
record becomes the next revision of a part: the old one stays, the highest revision counts. Stretches are taken in
their order of time, each with a cycle before it to begin from, so what lies before a stretch is right already.

A record is left alone where the history cannot prove it wrong: where it holds fewer readings than the part was made
from, where parts overlap in time (a clock was set back) or share a name (a counter began again), and where another
recipe made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np

from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.parts import PartRecord
from lineside.domain.readings import ReadingBatch

WITHDRAWN: Final = "withdrawn"
_FIELDS: Final = ("started", "ended", "unit", "context", "readings", "missing", "incomplete")


class LeftAlone(StrEnum):
    """Why late readings change nothing although they belong to parts that were made without them."""

    FEWER_READINGS = "the history no longer holds all readings of the part"
    CLOCK = "parts overlap: a clock was set back"
    NAMED_TWICE = "two cycles have one name: a counter began again"
    RECIPE = "the part was made by another recipe"
    TOO_MANY = "too many readings to make parts again from"


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """What came of a stretch: revised parts, parts that had never been made, and those that no longer are any.

    ``left_alone`` says why nothing was looked at, where that is so.
    """

    revised: tuple[PartRecord, ...] = field(default=())
    made: tuple[PartRecord, ...] = field(default=())
    withdrawn: tuple[PartRecord, ...] = field(default=())
    left_alone: LeftAlone | None = None

    @property
    def parts(self) -> tuple[PartRecord, ...]:
        """All records to be kept, by start."""
        found = (*self.revised, *self.made, *self.withdrawn)
        return tuple(sorted(found, key=lambda part: (part.started, part.cycle_id)))


def newest_revisions(parts: Iterable[PartRecord]) -> dict[str, PartRecord]:
    """Return the part of the highest revision of each cycle, withdrawn ones among them."""
    newest: dict[str, PartRecord] = {}
    for part in parts:
        known = newest.get(part.cycle_id)
        if known is None or part.revision >= known.revision:
            newest[part.cycle_id] = part
    return newest


def named_twice(parts: Sequence[PartRecord]) -> bool:
    """Whether two cycles have one name, as where a machine's counter begins again within a day.

    A cycle is recorded once as it was judged, so a second such record is another cycle.
    """
    first = [part.cycle_id for part in parts if part.revision == 0]
    return len(first) != len(set(first))


def corrected(
    recorded: Mapping[str, PartRecord],
    again: Sequence[PartRecord],
    readings: ReadingBatch,
    recipe: FeatureRecipe,
    closed: int,
) -> Corrected:
    """Return what changes when parts of a stretch are made again.

    Args:
        recorded: the newest revision of each cycle of the stretch, by cycle id, as `newest_revisions` gives them.
        again: the parts that all readings of the stretch give.
        readings: those readings of the station's signals.
        recipe: what ``again`` was made by.
        closed: up to when the readings are known, UTC ns: what ended later is not looked at.
    """
    standing = [part for part in recorded.values() if not part.withdrawn]
    reason = _unproven([part for part in standing if part.ended <= closed], readings, recipe)
    if reason is not None:
        return Corrected(left_alone=reason)
    made, revised = list[PartRecord](), list[PartRecord]()
    for part in again:
        before = recorded.get(part.cycle_id)
        if before is None:
            made.append(replace(part, late=True))
        elif changed := ((WITHDRAWN,) if before.withdrawn else what_changed(before, part, recipe)):
            revised.append(replace(part, late=True, revision=before.revision + 1, changed=changed))
    known = {part.cycle_id for part in again}
    gone = [part for part in standing if part.cycle_id not in known and part.ended <= closed]
    withdrawn = [
        replace(part, late=True, revision=part.revision + 1, changed=(WITHDRAWN,), withdrawn=True) for part in gone
    ]
    return Corrected(revised=tuple(revised), made=tuple(made), withdrawn=tuple(withdrawn))


def what_changed(before: PartRecord, after: PartRecord, recipe: FeatureRecipe) -> tuple[str, ...]:
    """Return the names of the fields and features in which two records of a cycle differ; features by their bits."""
    fields = [name for name in _FIELDS if getattr(before, name) != getattr(after, name)]
    same = (before.features == after.features) | (np.isnan(before.features) & np.isnan(after.features))
    return (*fields, *(recipe.names[place] for place in np.flatnonzero(~same)))


def _unproven(parts: Sequence[PartRecord], readings: ReadingBatch, recipe: FeatureRecipe) -> LeftAlone | None:
    """Return why the readings cannot prove the parts wrong; None where they can."""
    ordered = sorted(parts, key=lambda part: part.started)
    if any(part.recipe != recipe.digest for part in ordered):
        return LeftAlone.RECIPE
    if any(after.started < before.ended for before, after in pairwise(ordered)):
        return LeftAlone.CLOCK
    numbers = readings.take(~readings.catalogue.text_mask()[readings.signal])  # texts are not counted in a part either
    order = np.argsort(numbers.source_time, kind="stable")
    times, received = numbers.source_time[order], numbers.receive_time[order]
    for part in ordered:
        within = slice(np.searchsorted(times, part.started, "left"), np.searchsorted(times, part.ended, "left"))
        if np.count_nonzero(received[within] <= part.received) < part.readings:
            return LeftAlone.FEWER_READINGS
    return None
