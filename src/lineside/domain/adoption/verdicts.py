"""What the plan asks of Lineside, level by level: met, missed, or not enough evidence to say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lineside.domain.adoption.alarms import Alarms
from lineside.domain.adoption.worth import Gap
from lineside.domain.plan.model import ServiceLevels
from lineside.domain.units import SECOND


class Judgement(StrEnum):
    """What the evidence says of a level."""

    MET = "met"
    MISSED = "missed"
    OPEN = "insufficient evidence"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One service level: what is asked, what was measured, and what that says."""

    level: str
    asked: str
    measured: str
    judgement: Judgement


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What the verdicts are made of; None or NaN where nothing was measured.

    ``answered`` is the share of parts with enough inputs to be judged, ``outside`` that of parts within the declared
    envelope whose conditions no earlier part had.
    """

    alarms: Alarms | None
    gap: Gap | None
    p99_us: float
    per_part: float
    currency: str
    answered: float
    outside: float


def verdicts(levels: ServiceLevels, evidence: Evidence) -> tuple[Verdict, ...]:
    """Return a verdict for every service level of the plan, in the plan's order."""
    return tuple(_verdicts(levels, evidence))


def _verdicts(levels: ServiceLevels, evidence: Evidence) -> Iterator[Verdict]:
    alarms = evidence.alarms
    latency = evidence.p99_us * 1000.0 / SECOND
    yield Verdict(
        level="sensor_to_alert_p99",
        asked=f"at most {levels.sensor_to_alert_p99 / SECOND:g} s",
        measured=f"judging alone {_shown(evidence.p99_us / 1000.0)} ms; the way to the alert was not measured",
        judgement=Judgement.MISSED if latency > levels.sensor_to_alert_p99 / SECOND else Judgement.OPEN,
    )
    yield _most(
        "false_alarms_per_shift",
        levels.false_alarms_per_shift,
        (math.nan,) * 3 if alarms is None else (alarms.false_per_shift, alarms.per_shift_low, alarms.per_shift_high),
    )
    yield _least(
        "least_recall",
        levels.least_recall,
        (math.nan,) * 3 if alarms is None else (alarms.recall, alarms.recall_low, alarms.recall_high),
    )
    gap = evidence.gap
    yield _most(
        "greatest_performance_loss",
        levels.greatest_performance_loss,
        (math.nan,) * 3 if gap is None else (max(gap.gap, 0.0), gap.low, gap.high),
    )
    yield _at_most("cost_per_part", levels.cost_per_part, evidence.per_part, f" {evidence.currency}")
    yield Verdict(
        level="adoption",
        asked=f"at least {levels.adoption:.0%} of alerts answered",
        measured="shown only by operators",
        judgement=Judgement.OPEN,
    )
    yield Verdict(
        level="availability",
        asked=f"at least {levels.availability:.1%} of the production time judged",
        measured=f"{_shown(100 * evidence.answered)} % of the parts have enough inputs to be judged",
        judgement=Judgement.MISSED if evidence.answered < levels.availability else Judgement.OPEN,
    )
    yield _at_most("false_alarm_of_outside_experience", levels.false_alarm_of_outside_experience, evidence.outside, "")


def _most(level: str, most: float, measured: tuple[float, float, float]) -> Verdict:
    value, low, high = measured
    judgement = Judgement.OPEN
    if math.isfinite(high) and high <= most:
        judgement = Judgement.MET
    elif math.isfinite(low) and low > most:
        judgement = Judgement.MISSED
    return Verdict(level=level, asked=f"at most {most:g}", measured=_interval(value, low, high), judgement=judgement)


def _least(level: str, least: float, measured: tuple[float, float, float]) -> Verdict:
    value, low, high = measured
    judgement = Judgement.OPEN
    if math.isfinite(low) and low >= least:
        judgement = Judgement.MET
    elif math.isfinite(high) and high < least:
        judgement = Judgement.MISSED
    return Verdict(level=level, asked=f"at least {least:g}", measured=_interval(value, low, high), judgement=judgement)


def _at_most(level: str, most: float, value: float, unit: str) -> Verdict:
    if not math.isfinite(value):
        return Verdict(level=level, asked=f"at most {most:g}{unit}", measured="not measured", judgement=Judgement.OPEN)
    return Verdict(
        level=level,
        asked=f"at most {most:g}{unit}",
        measured=f"{_shown(value)}{unit}",
        judgement=Judgement.MET if value <= most else Judgement.MISSED,
    )


def _interval(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return "not measured"
    return f"{_shown(value)} ({_shown(low)} to {_shown(high)})" if math.isfinite(low) else _shown(value)


def _shown(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "-"
