"""What is done about an alert: reaction plans with typed steps (IATF 16949, 10.2; out-of-control action plan)."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import Duration, Id, Named, PlanModel, PositiveDuration, Text
from lineside.domain.units import MINUTE

Occasion = Literal["alarm", "outside_experience"]
"""What a reaction answers: an alarm, or the advice that conditions are outside what was learned."""


class Priority(StrEnum):
    """Priority of an alert (ISA-18.2)."""

    CRITICAL = "critical"
    HIGH = "high"
    ADVISORY = "advisory"


class StepKind(StrEnum):
    """Typed steps of a reaction plan."""

    STOP = "stop"
    SEGREGATE = "segregate"
    INSPECT = "inspect"
    ADJUST = "adjust"
    NOTIFY = "notify"
    REMEASURE = "remeasure"
    RECORD = "record"


class Step(PlanModel):
    """One thing to do."""

    do: StepKind = Field(description="What kind of step it is.")
    text: Text = Field(description="What to do, as it is read at the line.")
    instruction: str = Field("", description="Work instruction, such as 'WI-0312, step 4'.")
    picture: str = Field("", description="File beside the plan.")
    owner: str = Field("", description="Role; empty: the owner of the reaction.")
    within: Duration | None = Field(None, description="Time limit of this step; empty: that of the reaction.")


class Escalation(PlanModel):
    """Who is next when nobody acts in time."""

    to: Text = Field(description="Role.")
    after: Duration = Field(description="How long after the alert.")


class Reaction(Named):
    """What to do about one cause, by whom, by when.

    A cause is named by its signals: when these carry most of the score, this is the reaction. The reaction
    without signals is the one for any other cause; each characteristic needs one.
    """

    characteristic: Id = Field(description="The characteristic that the alert is about.")
    when: Occasion = Field(
        "alarm", description="Answers an alarm, or the advice that conditions are outside what was learned."
    )
    signals: tuple[Id, ...] = Field((), description="The signals that carry the cause; empty: any other cause.")
    classes: tuple[str, ...] = Field((), description="Nonconforming classes that it answers; empty: all.")
    text: Text = Field(description="One sentence: what will go wrong and why.")
    priority: Priority = Field(Priority.HIGH, description="Priority of the alert.")
    latch: bool = Field(
        False, description="Whether the alert stays until somebody closes it, also when the condition is over."
    )
    steps: tuple[Step, ...] = Field(min_length=1, description="What to do, in order.")
    owner: str = Field("operator", description="Role.")
    within: PositiveDuration = Field(10 * MINUTE, description="Time limit for the answer.")
    escalation: tuple[Escalation, ...] = Field((), description="Who is next when nobody acts in time.")
    verification: str = Field("", description="How one knows that it worked.")
    release_authority: str = Field("", description="Role that releases segregated parts.")
