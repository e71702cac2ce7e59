"""The control plan of one line, as its YAML file says it.

The content is that of the trade's own form (AIAG CP-1, IATF 16949 Annex A) plus what production asks of
a model before it is built. Every class here is frozen and refuses unknown fields; what a single field
cannot show (a name that does not exist, a class without a reaction) is the business of `lint`.

The parts stand in files of their own (`identity`, `sources`, `stations`, `signals`, `characteristics`,
`reactions`, `levels`, `gateway`); all their names can be imported from here.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from lineside.domain.plan.basics import Duration, Id, LanguageCode, Named, PlanModel, PositiveDuration, Text, by_id
from lineside.domain.plan.characteristics import (
    NORMAL_FAMILIES,
    Acceptance,
    AlertDelays,
    Characteristic,
    CharacteristicKind,
    ConditionsWish,
    Cost,
    Measurement,
    ModelFamily,
    ModelWish,
    OutcomeSource,
    SpecialClass,
    Specification,
)
from lineside.domain.plan.gateway import Buffer, Ceilings, Gateway, WhenFull
from lineside.domain.plan.identity import Approval, Line, Part, Phase, Revision, SafeLaunch, Shift, Weekday
from lineside.domain.plan.levels import DataClass, LearnAgain, Privacy, Rates, ServiceLevels
from lineside.domain.plan.reactions import Escalation, Measure, Occasion, Priority, Reaction, Step, StepKind
from lineside.domain.plan.registers import Register
from lineside.domain.plan.signals import EnvelopeLimit, FeatureKind, Role, Setting, Signal, SignalType
from lineside.domain.plan.sources import (
    FilesSpec,
    ModbusSpec,
    MqttSpec,
    MtconnectSpec,
    OpcuaSpec,
    PushSpec,
    RestSpec,
    SourceBase,
    SourceKind,
    SourceSpec,
    SparkplugSpec,
)
from lineside.domain.plan.stations import (
    Cycle,
    CycleByRows,
    CycleBySerial,
    CycleByTrigger,
    CycleByWindow,
    CyclePhase,
    Silence,
    SilenceReason,
    Station,
)

__all__ = [
    "NORMAL_FAMILIES",
    "Acceptance",
    "AlertDelays",
    "Approval",
    "Buffer",
    "Ceilings",
    "Characteristic",
    "CharacteristicKind",
    "ConditionsWish",
    "Cost",
    "Cycle",
    "CycleByRows",
    "CycleBySerial",
    "CycleByTrigger",
    "CycleByWindow",
    "CyclePhase",
    "DataClass",
    "Duration",
    "EnvelopeLimit",
    "Escalation",
    "FeatureKind",
    "FilesSpec",
    "Gateway",
    "Id",
    "LearnAgain",
    "Line",
    "Measure",
    "Measurement",
    "ModbusSpec",
    "ModelFamily",
    "ModelWish",
    "MqttSpec",
    "MtconnectSpec",
    "Named",
    "Occasion",
    "OpcuaSpec",
    "OutcomeSource",
    "Part",
    "Phase",
    "Plan",
    "PlanModel",
    "PositiveDuration",
    "Priority",
    "Privacy",
    "PushSpec",
    "Rates",
    "Reaction",
    "Register",
    "RestSpec",
    "Revision",
    "Role",
    "SafeLaunch",
    "ServiceLevels",
    "Setting",
    "Shift",
    "Signal",
    "SignalType",
    "Silence",
    "SilenceReason",
    "SourceKind",
    "SourceSpec",
    "SparkplugSpec",
    "SpecialClass",
    "Specification",
    "Station",
    "Step",
    "StepKind",
    "Text",
    "Weekday",
    "WhenFull",
]


Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
_S = TypeVar("_S", bound=SourceBase)


class Plan(PlanModel):
    """The control plan of one line: the one file that steers everything."""

    lineside: Literal[1] = Field(description="Version of this file's form.")
    number: str = Field("", description="Plan number.")
    site: Named = Field(description="The plant; all that is recorded carries its id.")
    area: Named = Field(description="A part of the plant, such as the foundry (ISA-95).")
    line: Line = Field(description="The line.")
    part: Part = Field(description="The part or family of parts.")
    phase: Phase = Field(Phase.PRODUCTION, description="Phase of the product's life.")
    revision: Revision = Field(Revision(), description="Which issue of the plan this is.")
    key_contact: str = Field("", description="Role or team.")
    core_team: tuple[str, ...] = Field((), description="Roles that made the plan.")
    approvals: tuple[Approval, ...] = Field((), description="Approvals that the form asks for.")
    safe_launch: SafeLaunch | None = Field(None, description="Extra containment, in the phase 'safe_launch'.")
    shifts: tuple[Shift, ...] = Field((), description="The shifts of a day.")
    holidays: tuple[Date, ...] = Field((), description="Days on which no shift begins (ISO 8601).")
    sources: tuple[SourceSpec, ...] = Field(min_length=1, description="Where readings come from.")
    stations: tuple[Station, ...] = Field(min_length=1, description="Where operations are done to parts.")
    signals: tuple[Signal, ...] = Field(min_length=1, description="What is measured.")
    envelope: tuple[EnvelopeLimit, ...] = Field((), description="The conditions that the line must work in.")
    characteristics: tuple[Characteristic, ...] = Field((), description="What is judged.")
    reactions: tuple[Reaction, ...] = Field((), description="What is done about it.")
    service_levels: ServiceLevels = Field(ServiceLevels(), description="What the line asks of Lineside.")
    learn_again: LearnAgain = Field(LearnAgain(), description="When models are learned again.")
    rates: Rates | None = Field(None, description="What computing costs.")
    privacy: Privacy = Field(Privacy(), description="What may happen to data.")
    gateway: Gateway = Field(Gateway(), description="What is asked of the gateway itself.")
    words: dict[LanguageCode, dict[Text, Text]] = Field(
        {}, description="The plan's names and texts in other languages: by language, each text with its translation."
    )

    def station(self, station_id: str) -> Station:
        """Return the station of that id; raises `KeyError` where there is none."""
        return by_id(self.stations, station_id)

    def signal(self, signal_id: str) -> Signal:
        """Return the signal of that id; raises `KeyError` where there is none."""
        return by_id(self.signals, signal_id)

    def source(self, source_id: str) -> SourceSpec:
        """Return the source of that id; raises `KeyError` where there is none."""
        return by_id(self.sources, source_id)

    def source_as(self, form: type[_S], source_id: str) -> _S:
        """Return the source of that id, which is of that kind; raises `KeyError` where there is no such source."""
        found = self.source(source_id)
        if not isinstance(found, form):
            raise KeyError(source_id)
        return found

    def characteristic(self, characteristic_id: str) -> Characteristic:
        """Return the characteristic of that id; raises `KeyError` where there is none."""
        return by_id(self.characteristics, characteristic_id)

    def signals_at(self, station_id: str) -> tuple[Signal, ...]:
        """Return the signals of a station, in the plan's order."""
        return tuple(signal for signal in self.signals if signal.station == station_id)

    def characteristics_at(self, station_id: str) -> tuple[Characteristic, ...]:
        """Return the characteristics judged at a station, in the plan's order."""
        return tuple(item for item in self.characteristics if item.station == station_id)

    def reactions_to(self, characteristic_id: str, when: Occasion = "alarm") -> tuple[Reaction, ...]:
        """Return the reactions to a characteristic on an occasion, in the plan's order."""
        return tuple(item for item in self.reactions if item.characteristic == characteristic_id and item.when == when)
