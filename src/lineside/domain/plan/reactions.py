"""What is done about an alert: reaction plans with typed steps (IATF 16949, 10.2; out-of-control action plan)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

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


_FOLDERS = r"^$|^([A-Za-z0-9_][A-Za-z0-9_-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*"
Picture = Annotated[str, Field(max_length=200, pattern=_FOLDERS + r"\.(png|jpg|jpeg|webp)$")]
Document = Annotated[str, Field(max_length=200, pattern=_FOLDERS + r"\.pdf$")]


class Measure(PlanModel):
    """The value that a step takes. ``low`` to ``high`` is right; beyond ``least`` and ``most`` it is mistyped."""

    quantity: Text = Field(description="What is measured, such as 'Cooling water flow'.")
    unit: Text = Field(description="Unit in which it is read and typed.")
    low: float | None = Field(None, description="The value is right from here on; empty: no lower end.")
    high: float | None = Field(None, description="The value is right up to here; empty: no upper end.")
    least: float | None = Field(None, description="A value below is refused as mistyped.")
    most: float | None = Field(None, description="A value above is refused as mistyped.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ends = [end for end in (self.least, self.low, self.high, self.most) if end is not None]
        if ends != sorted(ends):
            raise ValueError("'least', 'low', 'high' and 'most' must rise in this order")
        return self

    def is_right(self, value: float) -> bool:
        """Return whether a measured value is as it should be."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def is_possible(self, value: float) -> bool:
        """Return whether a value can have been measured."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class Step(PlanModel):
    """One thing to do."""

    do: StepKind = Field(description="What kind of step it is.")
    text: Text = Field(description="What to do, as it is read at the line.")
    instruction: str = Field("", description="Work instruction, such as 'WI-0312, step 4'.")
    picture: Picture = Field("", description="Picture beside the plan (PNG, JPEG, WebP; 2 MB at most).")
    document: Document = Field("", description="Document beside the plan (PDF; 10 MB at most).")
    measure: Measure | None = Field(None, description="The value that the step takes; empty: it takes none.")
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
