"""What is known of a part at a station: the record that is judged, and tables of such records for learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.readings import Float64, Int64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PartRecord:
    """One cycle's features and context; times are UTC nanoseconds.

    ``features`` has shape ``(len(recipe.features),)``, NaN where a signal gave nothing. ``received`` is the receive
    time of the newest reading that the record contains. ``late`` says that the record came too late to be
    live or was made from readings that did. ``missing`` names signals that the recipe wants and that gave no
    good reading. ``incomplete`` says that the cycle had no proper end.

    ``revision`` counts up when readings that came after the judgement change the record (0: as first judged);
    ``changed`` then names the features and fields that are others. ``withdrawn``: with those readings there is no such
    cycle.
    """

    cycle_id: str
    unit: str
    station: str
    started: int
    ended: int
    received: int
    recipe: str
    features: Float64
    context: Mapping[str, str] = field(default_factory=dict)
    readings: int = 0
    late: bool = False
    incomplete: bool = False
    missing: tuple[str, ...] = ()
    revision: int = 0
    changed: tuple[str, ...] = ()
    withdrawn: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PartTable:
    """Parts of one station in columns, in time order, with what is known of their outcomes.

    ``features`` has shape ``(n, len(recipe.features))``. ``outcome`` holds, per part and for one
    characteristic, the class as text or the measured value as text; ``""`` where it is not known. ``other_defects``
    says of each part whether it is known not to conform in another characteristic of the station; empty: of none.
    """

    recipe: FeatureRecipe
    unit: tuple[str, ...]
    started: Int64
    ended: Int64
    features: Float64
    group: tuple[str, ...]
    outcome: tuple[str, ...]
    context: tuple[Mapping[str, str], ...] = ()
    other_defects: tuple[bool, ...] = ()

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.unit)

    def parted(self, time: int) -> tuple[PartTable, PartTable]:
        """Return the parts that started before a time (UTC ns), and those that started then or later."""
        first = int(np.searchsorted(self.started, time))
        return self._stretch(slice(first)), self._stretch(slice(first, None))

    def _stretch(self, where: slice) -> PartTable:
        return PartTable(
            recipe=self.recipe,
            unit=self.unit[where],
            started=self.started[where],
            ended=self.ended[where],
            features=self.features[where],
            group=self.group[where],
            outcome=self.outcome[where],
            context=self.context[where],
            other_defects=self.other_defects[where],
        )
