"""Limits declared before a model is built: service levels, and what may happen to data."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from lineside.domain.plan.basics import Duration, Id, PlanModel, PositiveDuration
from lineside.domain.units import DAY, HOUR, SECOND


class ServiceLevels(PlanModel):
    """What the line asks of Lineside; each is measured and reported against."""

    sensor_to_alert_p99: PositiveDuration = Field(
        SECOND, description="From a reading's receipt to the committed alert, 99th percentile."
    )
    false_alarms_per_shift: float = Field(4.0, ge=0, description="Most false alarms that a shift accepts.")
    interruptive_alerts_per_shift: int = Field(
        4,
        ge=0,
        le=100,
        description="Most interruptions of a shift by one station, and of one operator.",
    )
    operators_per_shift: int = Field(
        1,
        ge=1,
        le=1000,
        description="Operators who share the line and its interruptions.",
    )
    longest_shelving: PositiveDuration = Field(4 * HOUR, description="Longest time that an alert may be put off.")
    least_recall: float = Field(0.5, ge=0, le=1, description="Least share of nonconforming parts with an alert.")
    greatest_performance_loss: float = Field(
        0.1, ge=0, le=1, description="Greatest loss against the released model's own figures before it is pulled."
    )
    roll_back: bool = Field(
        False, description="Go back to the model before by itself when levels are certainly broken in service."
    )
    cost_per_part: float = Field(0.01, ge=0, description="Most that judging a part may cost, in the plan's currency.")
    adoption: float = Field(0.6, ge=0, le=1, description="Least share of alerts that are answered.")
    availability: float = Field(0.995, ge=0, le=1, description="Least share of the production time that is judged.")
    false_alarm_of_outside_experience: float = Field(
        0.02, ge=0, le=1, description="Greatest share of parts inside the envelope called outside experience."
    )


class LearnAgain(PlanModel):
    """When a model is learned again, and what that may take; drift alone is never a reason."""

    automatic: bool = Field(
        False,
        description="Learn as soon as there is a reason; else the reason is recorded and shown, and people decide.",
    )
    every: Duration | None = Field(None, description="At the latest after so long; empty: not by the calendar.")
    least_bad: int = Field(
        20, ge=1, description="Bad parts whose truth must have come since it was learned before it is learned again."
    )
    pause: PositiveDuration = Field(DAY, description="Least time between two trainings of a characteristic.")
    most_time: PositiveDuration = Field(2 * HOUR, description="A training that takes longer is ended.")
    most_memory: float = Field(8.0, gt=0, description="Memory that a training may use, in GB.")


class Rates(PlanModel):
    """What computing costs, in the plan's currency: with it the cost per part is worked out and held to its level."""

    processor_hour: float = Field(ge=0, description="An hour of one processor core.")
    gigabyte: float = Field(ge=0, description="Keeping 10^9 bytes for as long as data is kept.")


class DataClass(StrEnum):
    """Class of a field, for privacy."""

    MACHINE = "machine"
    BUSINESS = "business"
    PERSONAL = "personal"


class Privacy(PlanModel):
    """Where data may be stored and processed, and for how long."""

    region: str = Field("EU", description="Whose law applies.")
    store_in: tuple[str, ...] = Field(("site",), description="Where data may be stored.")
    process_in: tuple[str, ...] = Field(("site",), description="Where data may be processed.")
    retention: Duration = Field(365 * DAY, description="How long data is kept.")
    personal_retention: Duration = Field(30 * DAY, description="How long data of the class 'personal' is kept.")
    least_group: int = Field(
        5, ge=5, le=1000, description="Fewest people of whom figures are shown; never fewer than five."
    )
    classes: dict[Id, DataClass] = Field(
        default_factory=dict, description="Class of each signal that is not 'machine'."
    )
