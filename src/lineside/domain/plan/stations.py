"""Stations, and how the stream of readings at a station is cut into cycles and phases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lineside.domain.plan.basics import Duration, Id, Named, PlanModel, PositiveDuration
from lineside.domain.said import Language
from lineside.domain.units import MILLISECOND, MINUTE


class CycleByTrigger(PlanModel):
    """A cycle runs from the edge of a signal that says that the machine works."""

    by: Literal["trigger"] = Field("trigger", description="Cut at the edges of a signal.")
    signal: Id = Field(description="The signal that says that the machine works.")
    threshold: float = Field(0.5, description="The signal is 'on' above it.")
    ends: Literal["falling", "next"] = Field("falling", description="At the falling edge, or at the next rising edge.")
    counter: Id | None = Field(None, description="Signal with the machine's cycle counter; it gives the cycle its id.")
    longest: PositiveDuration = Field(
        10 * MINUTE, description="A cycle open for longer is closed and marked incomplete."
    )


class CycleBySerial(PlanModel):
    """A cycle runs while one serial number stands at the station."""

    by: Literal["serial"] = Field("serial", description="Cut where the serial number changes.")
    signal: Id = Field(description="The signal that carries the serial number.")
    longest: PositiveDuration = Field(
        10 * MINUTE, description="A cycle open for longer is closed and marked incomplete."
    )


class CycleByWindow(PlanModel):
    """A continuous process is cut into windows of equal length, aligned to the epoch."""

    by: Literal["window"] = Field("window", description="Cut into windows of equal length.")
    length: PositiveDuration = Field(description="Length of a window.")


class CycleByRows(PlanModel):
    """Each row that arrives is a finished part: its columns are the features."""

    by: Literal["rows"] = Field("rows", description="Each row is a finished part.")


Cycle = Annotated[CycleByTrigger | CycleBySerial | CycleByWindow | CycleByRows, Field(discriminator="by")]


class CyclePhase(PlanModel):
    """A stretch of every cycle: by time since its start, or while a signal has a value."""

    id: Id = Field(description="A stable id, such as 'fill'.")
    after: Duration = Field(0, description="Begins this long after the cycle's start.")
    until: Duration | None = Field(None, description="Ends this long after the cycle's start; empty: at its end.")
    signal: Id | None = Field(None, description="The phase lasts while this signal equals 'equals'; else by time.")
    equals: float | None = Field(None, description="The value of 'signal' during the phase.")


SilenceReason = Literal["changeover", "warm_up", "planned_stop", "maintenance", "new_lot", "sensor_fault"]
"""Why the plan asks for silence."""


class Silence(PlanModel):
    """A context in which alerts are recorded but not announced (suppressed by design, ISA-18.2).

    Either a context signal says so (``signal`` with ``equals``), or the first ``parts`` after a change of ``signal`` or
    after a standstill of ``after_stop`` are meant. ``sensor_fault`` needs none of it: it holds for parts that lack a
    signal. Nonconforming parts that passed in silence are counted against the reason.
    """

    reason: SilenceReason = Field(description="Why there is silence.")
    signal: Id | None = Field(None, description="Context signal of the station that tells.")
    equals: str | None = Field(None, description="Silence while the signal says this, such as 'maintenance' or '1'.")
    after_stop: PositiveDuration | None = Field(None, description="A standstill this long begins a silence.")
    parts: int = Field(0, ge=0, le=1000, description="How many parts after the change or standstill are meant.")


class Station(Named):
    """Where one operation is done to a part."""

    operation: str = Field("", description="Process step number and description, as on the form.")
    responsible: str = Field("", description="Responsible area.")
    machine: str = Field("", description="Machine, jig, fixture or tool.")
    cycle: Cycle = Field(description="How the stream of readings is cut into cycles.")
    phases: tuple[CyclePhase, ...] = Field((), description="Stretches of every cycle that have features of their own.")
    serial: Id | None = Field(None, description="Signal that carries the unit's serial number.")
    lateness: Duration = Field(500 * MILLISECOND, description="How long a reading may take to arrive.")
    live_within: PositiveDuration = Field(
        MINUTE, description="A part judged later than this raises a containment alert."
    )
    silence: tuple[Silence, ...] = Field((), description="Contexts in which alerts are recorded but not announced.")
    parts_per_hour: float | None = Field(None, gt=0, description="Usual output; lets the alert budget be reckoned.")
    language: Language | None = Field(
        None, description="What the station's screens speak where nobody chose; left out: as the line."
    )
