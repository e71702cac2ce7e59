"""What is judged: characteristics, how they are measured, where the truth comes from, what being wrong costs."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from lineside.domain.plan.basics import Duration, Id, Named, PlanModel, PositiveDuration
from lineside.domain.units import DAY, MILLISECOND, MINUTE


class SpecialClass(StrEnum):
    """Class of a special characteristic; the customer's own symbol stands beside it."""

    NONE = "none"
    CRITICAL = "critical"
    SIGNIFICANT = "significant"


class Specification(PlanModel):
    """Specification and tolerance of a variable."""

    lsl: float | None = Field(None, description="Lower specification limit.")
    usl: float | None = Field(None, description="Upper specification limit.")
    nominal: float | None = Field(None, description="Nominal value.")
    unit: str = Field("", description="Unit of the limits and of the measured values.")


class Measurement(PlanModel):
    """How the characteristic is measured (methods block of the form)."""

    technique: str = Field("", description="Evaluation or measurement technique.")
    gauge: str = Field("", description="Gauge or its number.")
    sample_size: str = Field("", description="Sample size, such as '5' or '100 %'.")
    frequency: str = Field("", description="Sample frequency, such as 'hourly'.")
    control_method: str = Field("", description="Control method, such as 'X-bar/R chart'.")
    error_proofing: str = Field("", description="Error-proofing, such as 'fixture accepts one orientation'.")
    grr_percent: float | None = Field(
        None, ge=0, description="Gauge repeatability and reproducibility, in percent of the tolerance."
    )
    kappa: float | None = Field(
        None, ge=-1, le=1, description="Agreement of an attribute gauge or of inspectors (Cohen's kappa)."
    )


class OutcomeSource(PlanModel):
    """Where the truth about a part comes from, and how long it usually takes."""

    source: str = Field("inspection", description="Who finds it: inspection, rework, customer return.")
    column: str = Field("", description="Column of an outcomes file; empty: the characteristic's id.")
    delay: Duration = Field(DAY, description="How long it usually takes until the truth is known.")
    also: tuple[str, ...] = Field((), description="Further sources that say something of it, such as 'xray'.")
    precedence: tuple[str, ...] = Field(
        (),
        description="Whose word holds where sources contradict each other, the first before the next; sources that are "
        "not named come after. Empty: the highest revision holds, whoever said it.",
    )


class Cost(PlanModel):
    """What being wrong costs."""

    escape: float = Field(100.0, ge=0, description="A bad part that passes without alert.")
    false_alarm: float = Field(10.0, ge=0, description="An alert on good parts.")
    currency: str = Field("EUR", description="ISO 4217 code.")


class ModelFamily(StrEnum):
    """Kind of model; 'auto' picks by what the data carries.

    'normal', 'robust', 'knn', 'cva' and 'innovation' learn from conforming parts alone; 'robust' where some of them may
    be strange all the same, the last two for continuous processes, whose rows follow one another.
    """

    AUTO = "auto"
    NORMAL = "normal"
    ROBUST = "robust"
    KNN = "knn"
    CVA = "cva"
    INNOVATION = "innovation"
    SUPERVISED = "supervised"
    REGRESSION = "regression"


NORMAL_FAMILIES: Final = (
    ModelFamily.NORMAL,
    ModelFamily.ROBUST,
    ModelFamily.KNN,
    ModelFamily.CVA,
    ModelFamily.INNOVATION,
)
"""The families that learn what is normal, from conforming parts alone."""


class ConditionsWish(StrEnum):
    """Whether features are judged given their conditions."""

    AUTO = "auto"
    IGNORE = "ignore"


class ModelWish(PlanModel):
    """What production asks of the model of one characteristic, before it is built."""

    family: ModelFamily = Field(ModelFamily.AUTO, description="Kind of model.")
    memory: float = Field(
        1.0, gt=0, le=1, description="Weight of the newest part in the score's moving average (EWMA); 1: no memory."
    )
    lags: int = Field(
        0, ge=0, le=20, description="Earlier parts put beside each part (dynamic PCA), for continuous processes."
    )
    drift: float = Field(
        0.0,
        ge=0,
        le=0.2,
        description="How far the centre of normal may follow slow drift, in usual deviations per part; 0: not at all.",
    )
    cusum: float = Field(
        0.0,
        ge=0,
        le=5,
        description="Allowance of a cumulative sum of deviations (CUSUM) in place of 'memory', in usual deviations:"
        " half the shift to be found soonest; 0: none.",
    )
    false_alarm_rate: float | None = Field(
        None,
        gt=0,
        lt=0.5,
        description="Nominal share of conforming parts in alarm, kept on average; empty: the service level "
        "false_alarms_per_shift, kept by nine of ten limits.",
    )
    margin: float = Field(
        1.0, ge=1, le=100, description="Factor on the limit of a model of normal, for slow drift and dependent parts."
    )
    follow: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How far the limit of a model of normal may follow slow change, by unsuspected parts only: a share "
        "of its distance from usual scores; 0: not at all.",
    )
    setup: tuple[Id, ...] = Field(
        (),
        description="Context signals that make up a setup (variant, tool, lot): each setup gets a baseline of its own.",
    )
    setup_parts: int = Field(
        10, ge=1, le=1000, description="Good parts after a changeover from which its setup is judged normally."
    )
    conditions: ConditionsWish = Field(
        ConditionsWish.AUTO,
        description="Whether features are compared with what is usual under their conditions (role 'environment'):"
        " 'auto' where that holds on parts not learned from; 'ignore' never.",
    )
    augment: Literal["auto", "off"] = Field(
        "auto",
        description="Whether parts may be made up at declared conditions that none has seen, where that helps trees.",
    )
    exclude: tuple[Id, ...] = Field((), description="Signals that must not reach the model.")


class AlertDelays(PlanModel):
    """What it takes to raise an alert, to clear it and to raise it anew: delays and deadband of ISA-18.2.

    Delays are in parts, because a part is what is judged. The deadband works on the score: after an alert, a part whose
    score lies within it below the limit counts neither as bad nor as good.
    """

    raise_after: int = Field(
        1, ge=1, le=10_000, description="Parts in alarm, one after the other, that raise an alert."
    )
    clear_after: int = Field(3, ge=1, le=10_000, description="Good parts, one after the other, that clear it.")
    deadband: float | None = Field(
        None,
        ge=0,
        le=0.5,
        description="Share of the limit that a score must fall below it to count as good again; empty: by the kind of "
        "the signals of the cause (flow 0.05, pressure 0.02, temperature 0.01, else 0).",
    )
    realarm_after: Duration = Field(
        30 * MINUTE, description="A closed alert whose condition still stands after that long is raised anew."
    )


class Acceptance(PlanModel):
    """What a device must show with a model's golden parts before the model judges there."""

    score_tolerance: float = Field(
        0.001,
        ge=0,
        le=1,
        description="Greatest difference of a score or contribution from training, relative to 1 + its size.",
    )
    decisions: float = Field(
        1.0, ge=0, le=1, description="Least share of the golden parts of each class that are decided as in training."
    )
    judging_p99: PositiveDuration = Field(
        100 * MILLISECOND,
        description="Longest time for judging one part, 99th percentile; a model that takes longer is rolled back.",
    )


class CharacteristicKind(StrEnum):
    """Conforming or not (or one of several classes), or a measured value with specification limits."""

    ATTRIBUTE = "attribute"
    VARIABLE = "variable"


class Characteristic(Named):
    """A property of the part or the process that the plan controls."""

    station: Id = Field(description="The station where it is judged.")
    kind: CharacteristicKind = Field(
        CharacteristicKind.ATTRIBUTE, description="Conforming or not (or classes), or a measured value."
    )
    number: str = Field("", description="Number on the form.")
    of: Literal["product", "process"] = Field("product", description="Of the product or of the process.")
    special_class: SpecialClass = Field(SpecialClass.NONE, description="Class of a special characteristic.")
    symbol: str = Field("", description="The customer's symbol for the class.")
    pass_through: bool = Field(
        default=False, description="Made by a supplier and used unmodified; controlled at the supplier."
    )
    supplier: str = Field("", description="Who controls it, where it is a pass-through characteristic.")
    classes: tuple[str, ...] = Field((), description="Of an attribute with several classes; empty: conforming or not.")
    nonconforming: tuple[str, ...] = Field((), description="The classes that do not conform.")
    specification: Specification | None = Field(None, description="Limits of a variable.")
    measurement: Measurement = Field(Measurement(), description="How it is measured.")
    outcome: OutcomeSource = Field(OutcomeSource(), description="Where the truth comes from.")
    cost: Cost = Field(Cost(), description="What an escape and a false alarm cost.")
    model: ModelWish = Field(ModelWish(), description="What production asks of the model.")
    alert: AlertDelays = Field(AlertDelays(), description="How many parts it takes to raise an alert and to clear it.")
    acceptance: Acceptance = Field(Acceptance(), description="What a device must show before the model judges there.")
    pfmea: str = Field("", description="Reference of the PFMEA item.")
    action_priority: Literal["", "high", "medium", "low"] = Field("", description="Of the PFMEA item (AIAG-VDA).")
