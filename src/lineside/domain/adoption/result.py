"""What an adoption hands over: figures, findings, verdicts and what would help, as one object that becomes JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from lineside.domain.adoption.alarms import Alarms
from lineside.domain.adoption.findings import Finding
from lineside.domain.adoption.inputs import MappedInput
from lineside.domain.adoption.sensitivity import Disturbed
from lineside.domain.adoption.verdicts import Verdict
from lineside.domain.adoption.worth import Figure, Gap


@dataclass(frozen=True, kw_only=True, slots=True)
class Rerun:
    """One honest scheme: its figure, the random split's on the same parts, and their difference."""

    scheme: str
    label: str
    held_out: int
    figure: Figure
    gap: Gap


@dataclass(frozen=True, kw_only=True, slots=True)
class Lab:
    """The laboratory figure: as it was told (None: it was not), and as a random split gives it here."""

    measure: str
    told: float | None
    told_name: str
    here: Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionCover:
    """What of a condition's declared range the parts have seen, and the share of the range without any."""

    signal: str
    unit: str
    low: float
    high: float
    seen_low: float
    seen_high: float
    unseen: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What judging costs here, a part at a time: microseconds, bytes, and money at a price per hour of one core."""

    where: str
    p50_us: float
    p99_us: float
    cpu_seconds: float
    bytes: int
    per_part: float
    currency: str
    hour_price: float
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What was brought, and what it was tried on. ``tried`` says in words what stands for it in the re-runs."""

    prototype: str
    kind: str
    size: int
    plan: str
    characteristic: str
    data: str
    parts: int
    nonconforming: int
    left_out: Mapping[str, int]
    tried: str
    is_stand_in: bool
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """The whole report. ``primary`` names the scheme by which alarms are counted and service levels are judged."""

    about: About
    inputs: tuple[MappedInput, ...]
    lab: Lab
    frozen: float
    later_frozen: Figure | None
    reruns: tuple[Rerun, ...]
    trivial: Mapping[str, float]
    primary: str
    alarms: tuple[Alarms, ...]
    findings: tuple[Finding, ...]
    coverage: tuple[ConditionCover, ...]
    disturbed: tuple[Disturbed, ...]
    cost: Cost | None
    verdicts: tuple[Verdict, ...]
    remedies: tuple[str, ...]
    shown: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    wrapped: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def honest(self) -> Rerun | None:
        """The scheme with the least figure: what is to be expected where production differs most from the past."""
        known = [item for item in self.reruns if math.isfinite(item.figure.value)]
        return min(known, key=lambda item: item.figure.value, default=None)

    @property
    def inflated(self) -> tuple[Rerun, ...]:
        """The schemes by which the random split flatters, beyond chance, the greatest difference first."""
        return tuple(sorted((r for r in self.reruns if r.gap.inflated), key=lambda item: -item.gap.gap))


def json_object(report: Readiness) -> dict[str, Any]:
    """Return the report as JSON can hold it: what is no number is null."""
    found: dict[str, Any] = _plain(report)
    found["inflated"] = [item.scheme for item in report.inflated]
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
