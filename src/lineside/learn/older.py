"""What parts made before a change of the process still teach, though their outcomes hold no more.

Where a relation has changed, what was good or bad before says nothing of what is now, and only parts made since are
learned from, validated on, and set the limit. That alone would forget the seasons before: a model of one winter knows
no summer. But what the weather does to readings has not changed with it, and the parts that conformed before have come
through weather that none has since. So these older parts teach two things beside:

1. how features respond to conditions (`lineside.learn.given`), where held-out parts made since show that this pays;
2. which conditions are known. That is put to the test: in conditions that only older parts have seen, no greater share
   of them may be in alarm than in those seen since, by more than the plan accepts of all parts. Some of the older parts
   would not conform today, so that an alarm on them is no proof by itself; but these are in both shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.parts import PartTable
from lineside.domain.plan.model import NORMAL_FAMILIES, Characteristic, CharacteristicKind
from lineside.domain.readings import Float64
from lineside.learn.experience import outside_experience
from lineside.learn.learned import Learned, Task
from lineside.learn.rows import Bools, Rows, prepare, remembers_parts, thinned
from lineside.learn.suspects import usual

MOST_OLDER: Final = 100_000
"""Older parts that are looked at, evenly spread."""
_CERTAIN: Final = 2.0
"""Standard errors beyond which a share is too great."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Experienced:
    """The parts whose conditions a model knows ``(r, recipe)``, and in words what older ones teach."""

    features: Float64
    words: str = ""


def older_rows(table: PartTable | None, characteristic: Characteristic, task: Task) -> Rows | None:
    """Return the conforming of older parts; None where there are none, or where such a model cannot use them.

    A model with memory needs parts that follow one another, one by setups a baseline of every setup, and where a value
    is expected, an older part has no outcome to hold it against.
    """
    wish = characteristic.model
    expected = characteristic.kind is CharacteristicKind.VARIABLE and wish.family not in NORMAL_FAMILIES
    if table is None or not len(table) or task.continuous or remembers_parts(wish) or wish.setup or expected:
        return None
    rows = prepare(table, task.columns.inputs, remembers=False)
    good = np.flatnonzero(usual(rows, characteristic, timed=False))
    return rows.take(good[thinned(len(good), MOST_OLDER)]) if len(good) else None


def experienced(task: Task, learned: Learned) -> Experienced:
    """Return what a model knows of conditions: its own parts', and those of older ones where it stands the test."""
    older, own = task.older, task.rows.features
    if older is None:
        return Experienced(features=own)
    taught = "were looked at" if learned.given is None else "teach how features respond to conditions"
    words = f"{len(older)} conforming parts made before {taught}"
    new = outside_experience(own, older.features, task.all_columns.environment)
    if not new.any():
        return Experienced(features=own, words=f"{words}; theirs are none that parts made since have not seen")
    scores = learned.exported.run(older.features[:, learned.columns.inputs], older.group)["score"].ravel()
    alarm = np.asarray(scores > learned.limit.value)
    (there, error), (elsewhere, other_error) = (_share(alarm[side]) for side in (new, ~new))
    words += f"; {int(new.sum())} of them saw conditions that none has since: {there:.2%} in alarm there"
    words += f" and {elsewhere:.2%} elsewhere"
    if there - elsewhere - _CERTAIN * float(np.hypot(error, other_error)) > task.alarms.rate:
        return Experienced(features=own, words=f"{words}, so that these conditions are not taken as known")
    features = np.vstack([older.features, own])
    return Experienced(features=features, words=f"{words}, so that these conditions are taken as known")


def _share(alarm: Bools) -> tuple[float, float]:
    """Return the share of parts in alarm and its standard error."""
    share, count = (float(alarm.mean()), len(alarm)) if len(alarm) else (0.0, 1)
    return share, float(np.sqrt(share * (1.0 - share) / count))
