"""What goes in and out of the interface beside the floor's own views. Times are UTC nanoseconds."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from lineside.apps.plant.floor.views import FeatureView, Feedback, LinkStatus, ModelView, PartSummary, PartView, finite
from lineside.domain.access import AccessRole
from lineside.domain.outcomes import Outcome
from lineside.domain.predictions import Contribution, JudgementState, Prediction

Most = Annotated[int, msgspec.Meta(ge=1, le=500, description="At most this many.")]
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1, description="UTC nanoseconds.")]
Name = Annotated[str, msgspec.Meta(max_length=200)]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class OfStation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is listed, and how much of it."""

    station: Name | None = None
    limit: Most = 100


class AlertsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which alerts: ``open`` are those that want an answer."""

    open: bool = False
    station: Name | None = None
    limit: Most = 100


class PartsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which parts: of a station, of a unit, those that ended before a time."""

    station: Name | None = None
    unit: Name | None = None
    before: Moment | None = None
    limit: Most = 100


class PartQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the units of a cycle; the first one unless given."""

    unit: Name | None = None


class PredictionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which judgements."""

    station: Name | None = None
    characteristic: Name | None = None
    limit: Most = 100


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name and password of an account."""

    name: Name
    password: Annotated[str, msgspec.Meta(max_length=1000)]


class SessionView(msgspec.Struct, frozen=True):
    """Who is logged in; ``token`` goes into the header ``X-CSRF-Token`` of every request that changes something."""

    role: AccessRole
    pseudonym: str
    token: str


class Accepted(msgspec.Struct, frozen=True):
    """The answer to an alert is kept under this id."""

    id: str


class Problem(msgspec.Struct, frozen=True):
    """Why a request was not answered."""

    error: str
    detail: str


class ContributionView(msgspec.Struct, frozen=True):
    """How one feature moved the score, in the signal's own unit; None where there was no value.

    ``conditional``: ``usual``, ``low`` and ``high`` are what is usual under the part's conditions, else under all.
    """

    feature: str
    signal: str
    unit: str
    value: float | None
    usual: float | None
    low: float | None
    high: float | None
    share: float | None
    conditional: bool


class PredictionView(msgspec.Struct, frozen=True):
    """The judgement of one part for one characteristic."""

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
    score: float | None
    limit: float | None
    risk: float | None
    predicted: str
    low: float | None
    high: float | None
    cause: str
    late: bool
    unrecorded: bool
    reason: str
    bias: float | None
    measured: int
    contributions: tuple[ContributionView, ...]


class ReleaseView(msgspec.Struct, frozen=True):
    """What is known of a bundle; ``detail`` is what its manifest says."""

    id: str
    station: str
    characteristic: str
    state: str
    created: int
    detail: dict[str, Any]


class Models(msgspec.Struct, frozen=True):
    """The models that judge, and the bundles that were released."""

    judging: tuple[ModelView, ...]
    released: tuple[ReleaseView, ...]


class Health(msgspec.Struct, frozen=True):
    """How the line's data and everything it depends on are doing."""

    line: str
    now: int
    newest: int
    links: tuple[LinkStatus, ...]
    streams: int
    streams_cut_off: int
    alerts_withheld: int


class PartDetail(msgspec.Struct, frozen=True):
    """Everything that is known of one unit at one station."""

    summary: PartSummary
    context: dict[str, str]
    missing: tuple[str, ...]
    readings: int
    features: tuple[FeatureView, ...]
    predictions: tuple[PredictionView, ...]
    outcomes: tuple[Outcome, ...]
    feedback: tuple[Feedback, ...]
    elsewhere: tuple[PartSummary, ...]
    revision: int
    changed: tuple[str, ...]


def part_detail(view: PartView) -> PartDetail:
    """Return a part as the interface shows it."""
    return PartDetail(
        summary=view.summary,
        context=view.context,
        missing=view.missing,
        readings=view.readings,
        features=view.features,
        predictions=tuple(prediction_view(item) for item in view.predictions),
        outcomes=view.outcomes,
        feedback=view.feedback,
        elsewhere=view.elsewhere,
        revision=view.revision,
        changed=view.changed,
    )


def prediction_view(item: Prediction) -> PredictionView:
    """Return a judgement as the interface shows it."""
    return PredictionView(
        cycle_id=item.cycle_id,
        unit=item.unit,
        station=item.station,
        characteristic=item.characteristic,
        model=item.model,
        plan=item.plan,
        started=item.started,
        ended=item.ended,
        received=item.received,
        judged=item.judged,
        state=item.state,
        score=finite(item.score),
        limit=finite(item.limit),
        risk=finite(item.risk),
        predicted=item.predicted,
        low=finite(item.low),
        high=finite(item.high),
        cause=item.cause,
        late=item.late,
        unrecorded=item.unrecorded,
        reason=item.reason,
        bias=finite(item.bias),
        measured=item.measured,
        contributions=tuple(_contribution(cause) for cause in item.contributions),
    )


def _contribution(item: Contribution) -> ContributionView:
    return ContributionView(
        feature=item.feature,
        signal=item.signal,
        unit=item.unit,
        value=finite(item.value),
        usual=finite(item.usual),
        low=finite(item.low),
        high=finite(item.high),
        share=finite(item.share),
        conditional=item.conditional,
    )
