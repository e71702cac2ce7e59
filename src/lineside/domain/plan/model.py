"""The control plan of one line, as its YAML file says it.

The content is that of the trade's own form (AIAG CP-1, IATF 16949 Annex A) plus what production asks of
a model before it is built. Every class here is frozen and refuses unknown fields; what a single field
cannot show (a name that does not exist, a class without a reaction) is the business of `lint`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from lineside.domain.units import format_duration, parse_duration

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="A stable id: lower case, digits, '_'.")]
Text = Annotated[str, Field(min_length=1, max_length=500)]


def _duration(value: Any) -> int:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[
    int,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ns|us|ms|s|min|h|d)\s*$", "examples": ["30 s"]}),
]
"""Nanoseconds, written as '500 ms' or '10 min'."""


class PlanModel(BaseModel):
    """Base of every part of a plan: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


# -- identity ---------------------------------------------------------------------------------------------


class Named(PlanModel):
    """Something with a stable id beside the name people use, so that renaming breaks nothing."""

    id: Id
    name: str = ""

    @property
    def label(self) -> str:
        """The name people use, or the id where none is given."""
        return self.name or self.id


class Line(Named):
    """The line that the plan steers."""

    timezone: str = Field("UTC", description="IANA name, such as Europe/Berlin.")


class Part(PlanModel):
    """The part or family of parts that the plan is for (IATF 16949 Annex A, general data)."""

    number: Text
    name: str = ""
    customer: str = ""
    change_level: str = Field("", description="Engineering change level.")
    variants: tuple[str, ...] = ()


class Phase(StrEnum):
    """Phase of the product's life (AIAG CP-1)."""

    PROTOTYPE = "prototype"
    PRE_LAUNCH = "pre_launch"
    SAFE_LAUNCH = "safe_launch"
    PRODUCTION = "production"


class Revision(PlanModel):
    """Issue of the plan."""

    number: int = Field(1, ge=1)
    date: str = Field("", description="ISO 8601 date.")
    change: str = Field("", description="What changed, in a sentence.")
    approved_by: str = Field("", description="Role, not a person.")


class Shift(PlanModel):
    """One shift of the day, in the line's time zone."""

    id: Id
    starts: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    hours: float = Field(8.0, gt=0, le=24)


# -- where data comes from --------------------------------------------------------------------------------


class SourceKind(StrEnum):
    """The technology a source speaks."""

    FILES = "files"
    OPCUA = "opcua"
    MQTT = "mqtt"


class SourceSpec(Named):
    """One machine, broker or folder that delivers readings; its secrets come from files or the environment."""

    kind: SourceKind
    url: str = Field("", description="opc.tcp://host:port or mqtt://host:port; empty for files.")
    path: str = Field("", description="File or folder, for kind 'files'.")
    layout: Literal["wide", "long"] = Field(
        "wide", description="Form of the files: a column per signal, or a row per reading."
    )
    time_column: str = Field("", description="Column of the source time; empty where rows have no time.")
    time_format: str = Field("", description="strptime format; empty: ISO 8601 or epoch, found out.")
    time_zone: str = Field("UTC", description="Zone of times that carry none.")
    row_interval: Duration = Field(parse_duration("1 s"), description="Spacing of rows that have no time.")
    delimiter: str = Field("", max_length=1, description="Of CSV files; empty: found out.")
    decimal: Literal[".", ","] = "."
    topic: str = Field("", description="MQTT topic filter; empty: the topics of the signals.")
    publishing_interval: Duration = parse_duration("100 ms")
    sampling_interval: Duration = parse_duration("50 ms")
    security: Literal["none", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] = Field(
        "none", description="OPC UA security; 'none' belongs in a laboratory."
    )
    username: str = ""
    secret: str = Field(
        "", description="Name of the secret (LINESIDE_SECRET_<NAME> or a file), never the secret itself."
    )


_N = TypeVar("_N", bound=Named)


# -- stations and their cycles ----------------------------------------------------------------------------


class CycleByTrigger(PlanModel):
    """A cycle runs from the edge of a signal that says that the machine works."""

    by: Literal["trigger"] = "trigger"
    signal: Id
    threshold: float = Field(0.5, description="The signal is 'on' above it.")
    ends: Literal["falling", "next"] = Field("falling", description="At the falling edge, or at the next rising edge.")
    counter: Id | None = Field(None, description="Signal with the machine's cycle counter; it gives the cycle its id.")
    longest: Duration = Field(
        parse_duration("10 min"), description="A cycle open for longer is closed and marked incomplete."
    )


class CycleBySerial(PlanModel):
    """A cycle runs while one serial number stands at the station."""

    by: Literal["serial"] = "serial"
    signal: Id
    longest: Duration = parse_duration("10 min")


class CycleByWindow(PlanModel):
    """A continuous process is cut into windows of equal length, aligned to the epoch."""

    by: Literal["window"] = "window"
    length: Duration


class CycleByRows(PlanModel):
    """Each row that arrives is a finished part: its columns are the features."""

    by: Literal["rows"] = "rows"


Cycle = Annotated[CycleByTrigger | CycleBySerial | CycleByWindow | CycleByRows, Field(discriminator="by")]


class CyclePhase(PlanModel):
    """A stretch of every cycle: by time since its start, or while a signal has a value."""

    id: Id
    after: Duration = 0
    until: Duration | None = None
    signal: Id | None = Field(None, description="The phase lasts while this signal equals 'equals'; else by time.")
    equals: float | None = None


class Station(Named):
    """Where one operation is done to a part."""

    operation: str = Field("", description="Process step number and description, as on the form.")
    responsible: str = Field("", description="Responsible area.")
    machine: str = Field("", description="Machine, jig, fixture or tool.")
    cycle: Cycle
    phases: tuple[CyclePhase, ...] = ()
    serial: Id | None = Field(None, description="Signal that carries the unit's serial number.")
    lateness: Duration = Field(parse_duration("500 ms"), description="How long a reading may take to arrive.")
    live_within: Duration = Field(
        parse_duration("60 s"), description="A part judged later than this raises a containment alert."
    )
    parts_per_hour: float | None = Field(None, gt=0)


# -- signals ----------------------------------------------------------------------------------------------


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
        pattern=r"^(count|mean|std|min|max|range|slope|area|first|last|value|p(\d{1,2}(\.\d)?)|above\(-?\d+(\.\d+)?\))$",
        description="count mean std min max range slope area first last, pNN (percentile), above(LIMIT) (seconds).",
    ),
]


class Signal(Named):
    """One measured quantity at a station."""

    station: Id
    unit: str = Field("", description="As UCUM or as people write it: degC, bar, mm/s; empty for a pure number.")
    role: Role = Role.PROCESS
    type: SignalType = SignalType.NUMBER
    source: Id
    address: str = Field("", description="Node id, topic#json.path, or column; empty: the signal's id.")
    range: tuple[float, float] | None = Field(None, description="Plausible values; a reading outside is implausible.")
    rate: float | None = Field(None, gt=0, description="Expected readings per second.")
    features: tuple[FeatureKind, ...] | None = Field(None, description="Over the whole cycle; empty list: none.")
    phase_features: dict[Id, tuple[FeatureKind, ...]] = Field(default_factory=dict)
    guessed: tuple[str, ...] = Field((), description="Fields that were guessed from data and want a look.")


class EnvelopeLimit(PlanModel):
    """A condition the line must work in; outside what was learned the answer is 'outside experience'."""

    signal: Id
    low: float
    high: float


# -- what is judged ---------------------------------------------------------------------------------------


class SpecialClass(StrEnum):
    """Class of a special characteristic; the customer's own symbol stands beside it."""

    NONE = "none"
    CRITICAL = "critical"
    SIGNIFICANT = "significant"


class Specification(PlanModel):
    """Specification and tolerance of a variable."""

    lsl: float | None = None
    usl: float | None = None
    nominal: float | None = None
    unit: str = ""


class Measurement(PlanModel):
    """How the characteristic is measured (methods block of the form)."""

    technique: str = ""
    gauge: str = ""
    sample_size: str = ""
    frequency: str = ""
    control_method: str = ""
    error_proofing: str = ""
    grr_percent: float | None = Field(None, ge=0, description="Gauge repeatability and reproducibility.")


class OutcomeSource(PlanModel):
    """Where the truth about a part comes from, and how long it usually takes."""

    source: str = "inspection"
    column: str = Field("", description="Column of an outcomes file; empty: the characteristic's id.")
    delay: Duration = parse_duration("1 d")


class Cost(PlanModel):
    """What being wrong costs."""

    escape: float = Field(100.0, ge=0)
    false_alarm: float = Field(10.0, ge=0)
    currency: str = "EUR"


class ModelFamily(StrEnum):
    """Kind of model; 'auto' picks by what the data carries."""

    AUTO = "auto"
    NORMAL = "normal"
    SUPERVISED = "supervised"
    REGRESSION = "regression"


class ModelWish(PlanModel):
    """What production asks of the model of one characteristic, before it is built."""

    family: ModelFamily = ModelFamily.AUTO
    memory: float = Field(
        1.0, gt=0, le=1, description="Weight of the newest part in the score's moving average (EWMA); 1: no memory."
    )
    lags: int = Field(
        0, ge=0, le=20, description="Earlier parts put beside each part (dynamic PCA), for continuous processes."
    )
    false_alarm_rate: float = Field(0.01, gt=0, lt=0.5, description="Nominal share of conforming parts in alarm.")
    exclude: tuple[Id, ...] = Field((), description="Signals that must not reach the model.")


class CharacteristicKind(StrEnum):
    """Conforming or not (or one of several classes), or a measured value with specification limits."""

    ATTRIBUTE = "attribute"
    VARIABLE = "variable"


class Characteristic(Named):
    """A property of the part or the process that the plan controls."""

    station: Id
    kind: CharacteristicKind = CharacteristicKind.ATTRIBUTE
    number: str = Field("", description="Number on the form.")
    of: Literal["product", "process"] = "product"
    special_class: SpecialClass = SpecialClass.NONE
    symbol: str = Field("", description="The customer's symbol for the class.")
    classes: tuple[str, ...] = Field((), description="Of an attribute with several classes; empty: conforming or not.")
    nonconforming: tuple[str, ...] = Field((), description="The classes that do not conform.")
    specification: Specification | None = None
    measurement: Measurement = Measurement()
    outcome: OutcomeSource = OutcomeSource()
    cost: Cost = Cost()
    model: ModelWish = ModelWish()
    pfmea: str = Field("", description="Reference of the PFMEA item.")


# -- what is done about it --------------------------------------------------------------------------------


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

    do: StepKind
    text: Text
    instruction: str = Field("", description="Work instruction, such as 'WI-0312, step 4'.")
    picture: str = Field("", description="File beside the plan.")


class Escalation(PlanModel):
    """Who is next when nobody acts in time."""

    to: str
    after: Duration


class Reaction(Named):
    """What to do about one cause, by whom, by when.

    A cause is named by its signals: when these carry most of the score, this is the reaction. The reaction
    without signals is the one for any other cause; each characteristic needs one.
    """

    characteristic: Id
    signals: tuple[Id, ...] = ()
    text: Text = Field(description="One sentence: what will go wrong and why.")
    priority: Priority = Priority.HIGH
    steps: tuple[Step, ...] = Field(min_length=1)
    owner: str = Field("operator", description="Role.")
    within: Duration = parse_duration("10 min")
    escalation: tuple[Escalation, ...] = ()
    verification: str = Field("", description="How one knows that it worked.")
    release_authority: str = Field("", description="Role that releases segregated parts.")


# -- limits declared before the model ---------------------------------------------------------------------


class ServiceLevels(PlanModel):
    """What the line asks of Lineside; each is measured and reported against."""

    sensor_to_alert_p99: Duration = parse_duration("1 s")
    false_alarms_per_shift: float = Field(4.0, ge=0)
    least_recall: float = Field(0.5, ge=0, le=1)
    greatest_performance_loss: float = Field(0.1, ge=0, le=1)
    cost_per_part: float = Field(0.01, ge=0)
    adoption: float = Field(0.6, ge=0, le=1, description="Least share of alerts that are answered.")
    availability: float = Field(0.995, ge=0, le=1)
    false_alarm_of_outside_experience: float = Field(0.02, ge=0, le=1)


class DataClass(StrEnum):
    """Class of a field, for privacy."""

    MACHINE = "machine"
    BUSINESS = "business"
    PERSONAL = "personal"


class Privacy(PlanModel):
    """Where data may be stored and processed, and for how long."""

    region: str = "EU"
    store_in: tuple[str, ...] = ("site",)
    process_in: tuple[str, ...] = ("site",)
    retention: Duration = parse_duration("365 d")
    classes: dict[Id, DataClass] = Field(
        default_factory=dict, description="Class of each signal that is not 'machine'."
    )


class Plan(PlanModel):
    """The control plan of one line: the one file that steers everything."""

    lineside: Literal[1] = Field(description="Version of this file's form.")
    number: str = Field("", description="Plan number.")
    site: Named
    area: Named
    line: Line
    part: Part
    phase: Phase = Phase.PRODUCTION
    revision: Revision = Revision()
    key_contact: str = Field("", description="Role or team.")
    shifts: tuple[Shift, ...] = ()
    sources: tuple[SourceSpec, ...] = Field(min_length=1)
    stations: tuple[Station, ...] = Field(min_length=1)
    signals: tuple[Signal, ...] = Field(min_length=1)
    envelope: tuple[EnvelopeLimit, ...] = ()
    characteristics: tuple[Characteristic, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    service_levels: ServiceLevels = ServiceLevels()
    privacy: Privacy = Privacy()

    def station(self, station_id: str) -> Station:
        """Return the station of that id; raises `KeyError` where there is none."""
        return _by_id(self.stations, station_id)

    def signal(self, signal_id: str) -> Signal:
        """Return the signal of that id; raises `KeyError` where there is none."""
        return _by_id(self.signals, signal_id)

    def source(self, source_id: str) -> SourceSpec:
        """Return the source of that id; raises `KeyError` where there is none."""
        return _by_id(self.sources, source_id)

    def characteristic(self, characteristic_id: str) -> Characteristic:
        """Return the characteristic of that id; raises `KeyError` where there is none."""
        return _by_id(self.characteristics, characteristic_id)

    def signals_at(self, station_id: str) -> tuple[Signal, ...]:
        """Return the signals of a station, in the plan's order."""
        return tuple(signal for signal in self.signals if signal.station == station_id)

    def characteristics_at(self, station_id: str) -> tuple[Characteristic, ...]:
        """Return the characteristics judged at a station, in the plan's order."""
        return tuple(item for item in self.characteristics if item.station == station_id)

    def reactions_to(self, characteristic_id: str) -> tuple[Reaction, ...]:
        """Return the reactions to a characteristic, in the plan's order."""
        return tuple(item for item in self.reactions if item.characteristic == characteristic_id)


def _by_id(items: tuple[_N, ...], wanted: str) -> _N:
    for item in items:
        if item.id == wanted:
            return item
    raise KeyError(wanted)
