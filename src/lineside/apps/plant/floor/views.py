"""What the floor answers: frozen views that pages render and the interface encodes. Times are UTC nanoseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from lineside.domain.alerts import AlertState, Verdict
from lineside.domain.nuisance import Grounds, Notice
from lineside.domain.outcomes import Outcome
from lineside.domain.plan.model import Priority
from lineside.domain.predictions import Prediction


def finite(value: float | None) -> float | None:
    """Return a number that can be shown and sent; None for what is not one."""
    return value if value is not None and math.isfinite(value) else None


class Condition(StrEnum):
    """What a station's tile says, the most urgent first."""

    ALARM = "alarm"
    ADVISORY = "advisory"
    CONTAINMENT = "containment"
    OUTSIDE_EXPERIENCE = "outside_experience"
    BAD_DATA = "bad_data"
    NO_DATA = "no_data"
    RETURNED = "returned"
    LEARNING = "learning"
    NOT_JUDGED = "not_judged"
    NORMAL = "normal"


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkStatus:
    """How something the plant depends on is doing: a source, a gateway, the history, the audit record.

    ``detail`` says in words what is wrong; ``stations`` are the ids of those it feeds; ``last_received`` is the
    receive time of the newest thing that came this way, 0 where nothing has.
    """

    name: str
    ok: bool
    kind: str = "source"
    detail: str = ""
    since: int = 0
    last_received: int = 0
    stations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """A quantity over the latest parts, oldest first; ``low`` to ``high`` is what is usual; None: no value.

    ``change`` is the time from which it left the usual band and stayed out, None where it did not.
    """

    label: str
    unit: str
    times: tuple[int, ...]
    values: tuple[float | None, ...]
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    change: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureName:
    """A feature of a station, by its name in the recipe and in words."""

    name: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """The values of a feature over the parts that are remembered and have one, oldest first; times are UTC ns."""

    label: str
    unit: str
    times: tuple[int, ...]
    units: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One station at a glance. ``since`` is when the condition began, 0 where that says nothing."""

    station: str
    label: str
    condition: Condition
    characteristic: str = ""
    priority: Priority | None = None
    alert_id: str = ""
    since: int = 0
    taken: bool = False
    stale: bool = False
    detail: str = ""
    unit: str = ""
    cycle_id: str = ""
    last_part: int = 0
    score: float | None = None
    limit: float | None = None
    risk: float | None = None
    trend: Trend | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Surrounding:
    """A quantity of the environment as the latest part met it."""

    signal: str
    label: str
    unit: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """How alerts of this kind turned out at this station: ``confirmed`` of ``checked``; the rest is beside."""

    confirmed: int
    checked: int
    unconfirmed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """One cause by name: its value now, and what is usual: where ``conditional``, under the part's conditions."""

    label: str
    signal: str
    unit: str
    now: float | None
    usual: float | None
    low: float | None
    high: float | None
    share: float | None
    conditional: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasureView:
    """The value that a step takes: from ``low`` to ``high`` it is right, beyond ``least`` and ``most`` mistyped."""

    quantity: str
    unit: str
    low: float | None
    high: float | None
    least: float | None
    most: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StepView:
    """One step of the reaction; ``number`` is its place in the plan, from 1.

    ``measured`` is the latest value that it took; a value that is not right leaves it undone. It ``solved`` the same
    cause so often of the ``of`` times that a step did. It is ``due`` then (UTC ns); ``owner`` is the role that the plan
    names for this step alone.
    """

    number: int
    do: str
    text: str
    instruction: str
    done: bool
    owner: str = ""
    due: int = 0
    picture: str = ""
    document: str = ""
    measure: MeasureView | None = None
    measured: float | None = None
    solved: int = 0
    of: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """One event in the life of an alert."""

    time: int
    kind: str
    by: str
    verdict: Verdict | None
    cause_code: str
    note: str
    step: int | None
    until: int
    measured: float | None = None
    measured_unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CauseChoice:
    """A cause or reason that can be given when an alert is closed."""

    code: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """An alert in full, in the order in which somebody who must act needs it.

    ``owner`` is whose it is now by the plan: who is next becomes it where nobody has taken the alert by then.
    """

    id: str
    station: str
    station_label: str
    characteristic: str
    characteristic_label: str
    cause: str
    priority: Priority
    state: AlertState
    late: bool
    active: bool
    raised: int
    text: str
    owner: str
    due: int
    escalates_to: str
    escalates_at: int
    steps: tuple[StepView, ...]
    trend: Trend | None
    why: tuple[Why, ...]
    score: float | None
    limit: float | None
    risk: float | None
    trust: Trust
    signals: int
    missing: tuple[str, ...]
    suspects: tuple[str, ...]
    unit: str
    cycle_id: str
    model: str
    plan: str
    taken_by: str
    help_asked: int
    shelved_until: int
    one_shot: bool
    suppressed: str
    out_of_service: bool
    stale: bool
    notice: Notice
    grounds: Grounds
    expected_value: float
    verdict: Verdict | None
    cause_code: str
    cause_label: str
    found: tuple[Outcome, ...]
    causes: tuple[CauseChoice, ...]
    history: tuple[HistoryEntry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureView:
    """A feature of a part against what is usual.

    ``by_model``: as the model says it, else of late; ``conditional``: under this part's conditions, else under all.
    """

    name: str
    label: str
    signal: str
    role: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    outside: bool
    by_model: bool
    conditional: bool
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """What somebody answered to an alert that concerned this unit."""

    alert_id: str
    characteristic: str
    verdict: Verdict | None
    cause_code: str
    cause_label: str
    by: str
    time: int
    state: AlertState


@dataclass(frozen=True, kw_only=True, slots=True)
class PartSummary:
    """One part in a list."""

    station: str
    cycle_id: str
    unit: str
    started: int
    ended: int
    received: int
    late: bool
    incomplete: bool
    state: str
    score: float | None
    limit: float | None
    risk: float | None
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PartView:
    """Everything that is known of one unit at one station."""

    summary: PartSummary
    station_label: str
    context: dict[str, str]
    missing: tuple[str, ...]
    readings: int
    features: tuple[FeatureView, ...]
    predictions: tuple[Prediction, ...]
    outcomes: tuple[Outcome, ...]
    feedback: tuple[Feedback, ...]
    elsewhere: tuple[PartSummary, ...]
    revision: int = 0
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelView:
    """A model as its judgements of late show it."""

    id: str
    station: str
    characteristic: str
    plan: str
    judged: int
    alarms: int
    outside: int
    last_judged: int
    limit: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftView:
    """The shift that is running; ``label`` is empty where the plan knows no shifts and the last 8 h stand in."""

    label: str
    starts: int
    ends: int
    id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Interruptive alerts of this shift against what the plan allows, and how alerts of late turned out.

    ``demoted``: causes whose record is not good enough to interrupt, as (station, characteristic, cause).
    """

    shift: ShiftView
    alerts: int
    allowed: int
    trust: Trust
    parts: int
    demoted: tuple[tuple[str, str, str], ...] = ()
