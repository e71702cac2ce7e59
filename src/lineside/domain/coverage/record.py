"""How often the line is somewhere: shares of shifts from a record of the conditions that is longer than the parts'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.plan.model import Shift
from lineside.domain.readings import Float64, Int64
from lineside.domain.shifts import NO_SHIFT, month_name, month_of, shift_of

_LEAST_SHIFTS: Final = 10
"""Shifts on record that make a month worth naming."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ConditionRecord:
    """Values of conditions (NaN: not measured) with the shift of each, told by when that began (local ns).

    ``per`` is ``shifts``, or ``days`` where the plan has no shifts.
    """

    began: Int64
    values: Mapping[str, Float64]
    per: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Of ``total`` shifts (or days) on record, ``there`` were somewhere; ``month`` is that with the greatest share."""

    there: int
    total: int
    per: str
    month: str = ""
    month_there: int = 0
    month_total: int = 0

    def words(self) -> str:
        """Return the share as people say it: '11 % of the shifts in July were there (2 % of all 1095)'."""
        if self.total == 1:
            return f"the one {self.per.removesuffix('s')} on record was {'' if self.there else 'not '}there"
        if not self.there:
            return f"none of the {self.total} {self.per} on record was there"
        if not self.month:
            return f"{_percent(self.there, self.total)} of the {self.total} {self.per} on record were there"
        most = f"{_percent(self.month_there, self.month_total)} of the {self.per} in {self.month} were there"
        return f"{most} ({_percent(self.there, self.total)} of all {self.total})"


def record_of(
    shifts: Sequence[Shift], local: Int64, values: Mapping[str, Float64], holidays: Sequence[str] = ()
) -> ConditionRecord:
    """Return the record of values measured at local times (ns); what falls into no shift is left out."""
    which, began = shift_of(shifts, local, holidays)
    runs = which != NO_SHIFT
    return ConditionRecord(
        began=began[runs],
        values={name: column[runs] for name, column in values.items()},
        per="shifts" if shifts else "days",
    )


def share_there(record: ConditionRecord, measured: Bools, there: Bools) -> Share | None:
    """Return in how many shifts a value was ``there``, out of those in which it was ``measured``; None without any."""
    shifts, place = np.unique(record.began[measured], return_inverse=True)
    if not len(shifts):
        return None
    hit = np.bincount(place, weights=there[measured].astype(np.float64)) > 0
    month = month_of(shifts)
    share = Share(there=int(hit.sum()), total=len(shifts), per=record.per)
    found = [(float(hit[month == m].mean()), int(m)) for m in np.unique(month) if np.sum(month == m) >= _LEAST_SHIFTS]
    if len(found) < 2 or not share.there:
        return share
    chosen = max(found)[1]
    here = month == chosen
    return Share(
        there=share.there,
        total=share.total,
        per=record.per,
        month=month_name(chosen, year=bool(month.max() - month.min() >= 12)),
        month_there=int(hit[here].sum()),
        month_total=int(here.sum()),
    )


def _percent(part: int, whole: int) -> str:
    share = 100.0 * part / whole
    return "under 1 %" if 0 < share < 1 else f"{share:.0f} %"
