"""What a model says of a part: score, risk, limit, state, and which signals moved it, in their own units."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec


class JudgementState(StrEnum):
    """What the judgement of a part amounts to."""

    NORMAL = "normal"
    ALARM = "alarm"
    OUTSIDE_EXPERIENCE = "outside_experience"
    WARMING_UP = "warming_up"
    BAD_DATA = "bad_data"


class Contribution(msgspec.Struct, frozen=True):
    """How one feature moved the score: its value now, against what is usual, in the signal's own unit.

    ``share`` is the part of the score that this feature explains (signed; positive moves it towards alarm).
    ``low`` to ``high`` is the usual band. ``conditional``: both are what is usual under this part's conditions, else
    under all that were learned from. Ten of these are made for every part, and a dataclass that cannot be changed takes
    ten times as long to make as this.
    """

    feature: str
    signal: str
    value: float
    usual: float
    low: float
    high: float
    unit: str
    share: float
    conditional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """The judgement of one part for one characteristic, with what it was made from.

    ``score`` is compared with ``limit`` (above: alarm). ``risk`` is the calibrated probability that the part
    does not conform, None where the model has never seen enough nonconforming parts to say. ``predicted`` is
    the class or the value expected; ``low``/``high`` its interval for a variable. ``judged`` is UTC ns. ``revision`` is
    that of the part which was judged. ``bias`` is how much of a value expected is said by ``measured`` earlier parts
    that were measured since, and not by the model (None: the model speaks for itself).
    """

    cycle_id: str
    unit: str
    station: str
    characteristic: str
    model: str
    plan: str
    started: int
    ended: int
    received: int
    judged: int
    state: JudgementState
    score: float
    limit: float
    risk: float | None = None
    predicted: str = ""
    low: float | None = None
    high: float | None = None
    contributions: tuple[Contribution, ...] = ()
    cause: str = ""
    late: bool = False
    unrecorded: bool = False
    reason: str = ""
    revision: int = 0
    bias: float | None = None
    measured: int = 0
