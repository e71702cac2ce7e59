"""Signals, and the conditions that the line must work in."""

from __future__ import annotations

import warnings
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lineside.domain.plan.basics import Id, Named, PlanModel
from lineside.domain.plan.gateway import WhenFull
from lineside.domain.plan.registers import Register

# Every abstract class of Python has a method of this name, which nobody calls here and pydantic warns of.
warnings.filterwarnings("ignore", message='Field name "register" in "Signal" shadows')


class Role(StrEnum):
    """What a signal is for."""

    PROCESS = "process"
    ENVIRONMENT = "environment"
    CONTEXT = "context"
    TRIGGER = "trigger"


class SignalType(StrEnum):
    """What a signal's values are."""

    NUMBER = "number"
    TEXT = "text"


FeatureKind = Annotated[
    str,
    Field(
        pattern=r"^(count|mean|std|min|max|range|slope|area|first|last|value|p(\d{1,2}(\.\d)?)|above\(-?\d+(\.\d+)?\)"
        r"|(curve|waves)\(([2-9]|[1-5]\d|6[0-4])\))$",
        description="count mean std min max range slope area first last, pNN (percentile), above(LIMIT) (seconds), "
        "curve(N) (the means over N equal pieces of time, N features), waves(N) (how strongly N patterns move in it).",
    ),
]


class Setting(PlanModel):
    """Setting and tolerance of a process parameter, as on the form (IATF 16949 Annex A, process control)."""

    nominal: float | None = Field(None, description="The setting.")
    low: float | None = Field(None, description="Lower end of the tolerance.")
    high: float | None = Field(None, description="Upper end of the tolerance.")


class Signal(Named):
    """One measured quantity at a station."""

    station: Id = Field(description="The station where it is measured.")
    unit: str = Field("", description="As UCUM or as people write it: degC, bar, mm/s; empty for a pure number.")
    role: Role = Field(Role.PROCESS, description="What the signal is for.")
    type: SignalType = Field(SignalType.NUMBER, description="What its values are.")
    source: Id = Field(description="The source that delivers it.")
    address: str = Field(
        "", description="Node id, topic#json.path, group/edge/device#metric, or column; empty: the signal's id."
    )
    register: Register | None = Field(None, description="Where a Modbus device keeps it, instead of an address.")
    range: tuple[float, float] | None = Field(None, description="Plausible values; a reading outside is implausible.")
    rate: float | None = Field(None, gt=0, description="Expected readings per second.")
    features: tuple[FeatureKind, ...] | None = Field(
        None, description="Over the whole cycle; left out: those usual for the role; empty list: none."
    )
    phase_features: dict[Id, tuple[FeatureKind, ...]] = Field(
        default_factory=dict, description="Features over single phases, by the phase's id."
    )
    setting: Setting | None = Field(None, description="Setting and tolerance of a process parameter.")
    when_full: WhenFull | None = Field(
        None, description="What goes when the gateway's buffer is full; left out: as gateway.buffer says."
    )
    guessed: tuple[str, ...] = Field((), description="Fields that were guessed from data and want a look.")


class EnvelopeLimit(PlanModel):
    """A condition the line must work in; outside what was learned the answer is 'outside experience'."""

    signal: Id = Field(description="The signal that measures the condition.")
    low: float = Field(description="Least value the line must work at, in the signal's unit.")
    high: float = Field(description="Greatest value the line must work at, in the signal's unit.")
