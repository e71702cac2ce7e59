"""Which line, which part and which issue of the plan (IATF 16949 Annex A, general data; header of AIAG CP-1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import Field

from lineside.domain.plan.basics import Id, Named, PlanModel, Text
from lineside.domain.said import Language


class Line(Named):
    """The line that the plan steers."""

    timezone: str = Field("UTC", description="IANA name of the zone in which shifts are told, such as Europe/Berlin.")
    language: Language | None = Field(
        None, description="What screens and messages speak where nobody chose; left out: what the browser wishes."
    )


class Part(PlanModel):
    """The part or family of parts that the plan is for (IATF 16949 Annex A, general data)."""

    number: Text = Field(description="Part number, as on the drawing.")
    family: tuple[str, ...] = Field((), description="Further part numbers, where the plan is for a family.")
    name: str = Field("", description="Part name or description.")
    customer: str = Field("", description="Customer, with what the customer's form asks for.")
    change_level: str = Field("", description="Engineering change level.")
    variants: tuple[str, ...] = Field((), description="Variants that the line makes in turn.")


class Phase(StrEnum):
    """Phase of the product's life (AIAG CP-1)."""

    PROTOTYPE = "prototype"
    PRE_LAUNCH = "pre_launch"
    SAFE_LAUNCH = "safe_launch"
    PRODUCTION = "production"


class Revision(PlanModel):
    """Issue of the plan."""

    number: int = Field(1, ge=1, description="Raised by one with every change.")
    date: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="ISO 8601 date of this revision.")
    original: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="ISO 8601 date of the first issue.")
    change: str = Field("", description="What changed, in a sentence.")
    approved_by: str = Field("", description="Role, not a person.")


class Approval(PlanModel):
    """An approval that the form asks for, such as that of the customer's engineering."""

    of: Text = Field(description="What was approved, or by which side: 'customer engineering'.")
    by: str = Field("", description="Role, not a person.")
    date: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="ISO 8601 date; empty: still open.")


class SafeLaunch(PlanModel):
    """Extra containment while production begins (AIAG CP-1, safe launch)."""

    containment: Text = Field(description="What is done beyond the checks of this plan, such as 100 % inspection.")
    until: Text = Field(description="When it ends: a date, a number of parts, or a result.")
    responsible: str = Field("", description="Role.")


class Weekday(StrEnum):
    """Day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEKDAYS: Final = tuple(Weekday)
"""From Monday on, as ISO 8601 counts them."""


class Shift(PlanModel):
    """One shift of the day, in the line's time zone."""

    id: Id = Field(description="A stable id, such as 'early'.")
    starts: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Time of day, 'HH:MM'.")
    hours: float = Field(8.0, gt=0, le=24, description="Length in hours, by the clock on the wall.")
    days: tuple[Weekday, ...] = Field(WEEKDAYS, min_length=1, description="The weekdays on which it begins.")
