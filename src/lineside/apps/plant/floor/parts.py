"""The latest parts of every station with their judgements, and what was found of units; bounded."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction

Key = tuple[str, str]
"""Cycle id and unit."""

_UNJUDGED: Final = 3
"""Newest parts that may wait for their judgements before a station counts as not judged."""


def _order(part: PartRecord) -> tuple[int, str, str]:
    return part.ended, part.cycle_id, part.unit


@dataclass(slots=True)
class StationParts:
    """The latest parts of one station in time order, each once, and the judgements of each."""

    most: int
    ordered: list[PartRecord] = field(default_factory=list)
    by_key: dict[Key, PartRecord] = field(default_factory=dict)
    predictions: OrderedDict[Key, dict[str, Prediction]] = field(default_factory=OrderedDict)
    revisions: dict[str, int] = field(default_factory=dict)
    """The newest revision of each cycle of which late readings have made one."""

    def add(self, part: PartRecord) -> bool:
        """Add a part; return whether it was new. A newer revision takes the place of those before it."""
        key = part.cycle_id, part.unit
        newest = self.revisions.get(part.cycle_id, 0)
        if part.revision < newest or (part.revision == newest and (key in self.by_key or part.withdrawn)):
            return False
        if part.revision > newest:
            self.revisions[part.cycle_id] = part.revision
            for old in [item for item in self.ordered if item.cycle_id == part.cycle_id]:
                self._forget(old)
            if part.withdrawn:
                return True
        insort(self.ordered, part, key=_order)
        self.by_key[key] = part
        if len(self.ordered) > self.most:
            gone = self.ordered[0]
            self._forget(gone)
            self.revisions.pop(gone.cycle_id, None)
        return True

    def _forget(self, part: PartRecord) -> None:
        self.ordered.remove(part)
        del self.by_key[part.cycle_id, part.unit]
        known = self.predictions.get((part.cycle_id, part.unit), {})
        kept = {name: item for name, item in known.items() if item.revision > part.revision}
        if kept:
            self.predictions[part.cycle_id, part.unit] = kept
        else:
            self.predictions.pop((part.cycle_id, part.unit), None)

    def judge(self, prediction: Prediction) -> bool:
        """Add a judgement, which may come before its part; return whether it was new."""
        known = self.predictions.setdefault((prediction.cycle_id, prediction.unit), {})
        before = known.get(prediction.characteristic)
        new = before is None
        if before is None or prediction.revision >= before.revision:
            known[prediction.characteristic] = prediction
        while len(self.predictions) > self.most:
            self.predictions.popitem(last=False)
        return new

    def judgements(self, part: PartRecord) -> dict[str, Prediction]:
        """Return the judgements of a part, by characteristic."""
        return self.predictions.get((part.cycle_id, part.unit), {})

    def latest(self) -> PartRecord | None:
        """Return the newest part."""
        return self.ordered[-1] if self.ordered else None

    def newest_judgements(self) -> dict[str, Prediction]:
        """Return the judgements of the newest part that has any; its judgements may come a little after a part."""
        newest = (self.judgements(part) for part in islice(self.newest_first(), _UNJUDGED))
        return next((found for found in newest if found), {})

    def newest_first(self, before: int | None = None) -> Iterator[PartRecord]:
        """Yield parts, newest first, those that ended before a time where one is given."""
        for part in reversed(self.ordered):
            if before is None or part.ended < before:
                yield part


@dataclass(slots=True)
class OutcomeMemory:
    """What was found of units, the highest revision of each finding; the oldest entries give way."""

    most: int
    found: OrderedDict[str, dict[tuple[str, str], Outcome]] = field(default_factory=OrderedDict)

    def add(self, outcomes: Iterable[Outcome]) -> set[str]:
        """Add findings; return the units that they are about."""
        units = set()
        for outcome in outcomes:
            known = self.found.setdefault(outcome.unit, {})
            key = outcome.characteristic, outcome.source
            if key not in known or known[key].revision <= outcome.revision:
                known[key] = outcome
            self.found.move_to_end(outcome.unit)
            units.add(outcome.unit)
        while len(self.found) > self.most:
            self.found.popitem(last=False)
        return units

    def of(self, unit: str) -> tuple[Outcome, ...]:
        """Return what was found of a unit."""
        return tuple(self.found.get(unit, {}).values())
