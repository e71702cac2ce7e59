"""Whether a release is ready: every service level of the plan, what was measured, and what that is worth.

A figure is no evidence without its number of cases. Shares are held against their level with a 90 % interval (Wilson,
JASA 22, 1927): *met* where the whole interval is on the right side, *missed* where it is on the wrong one, and else
*insufficient evidence*, which is not a pass. False alarms are met too where the limit itself was set so that nine of
ten such limits keep the level (`lineside.domain.limits`) and no more were seen on later parts than it accepts: what
was held out is then the check of a promise, and need not prove it once more by itself.

Where a champion misses a level, a challenger that does not meet it either can still be the lesser harm. What only
service shows can then be let off, by a concession (ISO 9000:2015, 3.12.5) that two persons sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Plan
from lineside.domain.record_words import read_back
from lineside.domain.releases.comparing import ALPHA, Comparison, Relation
from lineside.domain.said import Said, Value, exact, joined, number, say, share, word
from lineside.domain.units import SECOND

_Z: Final = 1.6448536269514722
"""Of a two-sided 90 % interval of the normal distribution."""
LEAST_FOR_TAIL: Final = 1000
"""Fewest parts for a 99th percentile."""


class Verdict(StrEnum):
    """What a service level's measurement amounts to."""

    MET = "met"
    MISSED = "missed"
    INSUFFICIENT = "insufficient evidence"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """What a model showed on parts held out from its training: ``found`` of ``bad``, ``false`` alarms of ``good``.

    ``false_alerts`` are the alerts that these fold into (None: not known). ``promised`` is the share of conforming
    parts, or alerts for each, that nine of ten limits set like its own stay below.
    """

    scheme: str
    bad: int
    found: int
    good: int
    false: int
    false_alerts: int | None = None
    promised: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Lived:
    """What a model has shown in service: parts, those it could judge, and those whose outcome is known.

    ``p99`` is the time from a part's last reading to its judgement, 99th percentile (ns; None: no part). ``alerts``
    were raised by it, ``answered`` of them.
    """

    parts: int = 0
    judged: int = 0
    bad: int = 0
    found: int = 0
    p99: int | None = None
    alerts: int = 0
    answered: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What a part takes: processor seconds of its judgement and bytes kept, on average, with what both rest on."""

    cpu_seconds: float
    bytes: float
    evidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What the champion shows of a level on the same parts; ``better``: the challenger is, beyond doubt."""

    measured: str
    verdict: Verdict
    better: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One service level: what was declared, what was measured on what, and the verdict."""

    name: str
    declared: str
    measured: str
    verdict: Verdict
    evidence: str
    beside: Beside | None = None

    @property
    def beaten(self) -> bool:
        """Whether the champion misses it, and the challenger is better than the champion beyond doubt."""
        return self.beside is not None and self.beside.better and self.beside.verdict is Verdict.MISSED

    @property
    def concedable(self) -> bool:
        """Whether it can be let off: it is not met, and to keep the champion for it would be worse."""
        return self.verdict is not Verdict.MET and self.beaten


def readiness(
    plan: Plan,
    characteristic: str,
    held_out: HeldOut,
    lived: Lived,
    lacks: tuple[str, ...],
    used: Used | None = None,
) -> tuple[Level, ...]:
    """Return every service level of the plan for a release.

    Args:
        plan: the control plan in force.
        characteristic: what the model judges.
        held_out: what it showed before it was released.
        lived: what it has shown in service, if it was.
        lacks: what the plan lacks for it (`lineside.domain.rule_coverage.uncovered`).
        used: what judging and keeping a part takes; None: it was not measured.
    """
    levels = plan.service_levels
    return (
        _share(
            "recall, held out",
            held_out.found,
            held_out.bad,
            levels.least_recall,
            say("{hits} of {cases} nonconforming parts held out", hits=held_out.found, cases=held_out.bad),
        ),
        *in_service(plan, held_out, lived),
        _false_alarms(plan, characteristic, held_out),
        _latency(lived, levels.sensor_to_alert_p99),
        _share(
            "availability",
            lived.judged,
            lived.parts,
            levels.availability,
            say("{hits} of {cases} parts in service", hits=lived.judged, cases=lived.parts),
        ),
        _share(
            "adoption",
            lived.answered,
            lived.alerts,
            levels.adoption,
            say("{hits} of {cases} alerts", hits=lived.answered, cases=lived.alerts),
        ),
        _cost(plan, used),
        Level(
            name="rule coverage",
            declared=say("a reaction for whatever the model can say"),
            measured=joined(lacks) if lacks else say("complete"),
            verdict=Verdict.MISSED if lacks else Verdict.MET,
            evidence=say("the plan in force"),
        ),
    )


BEFORE_SERVICE: Final = frozenset({"recall, held out", "false alarms a shift", "cost per part", "rule coverage"})
"""What can be known of a model that has not judged the line yet."""


def in_service(plan: Plan, held_out: HeldOut, lived: Lived) -> tuple[Level, Level]:
    """Return the levels of what a model finds in service: its recall, and the loss against what it was released with.

    These alone can be let off: champion and challenger both show them, on the same parts.
    """
    levels = plan.service_levels
    recall = _share(
        "recall, in service",
        lived.found,
        lived.bad,
        levels.least_recall,
        say("{hits} of {cases} parts found nonconforming", hits=lived.found, cases=lived.bad),
    )
    return recall, _loss(held_out, lived, levels.greatest_performance_loss)


CAN_BE_CONCEDED: Final = ("recall, in service", "performance loss")
"""The names of these."""


def beside_champion(levels: tuple[Level, ...], champion: tuple[Level, ...], *, better: bool) -> tuple[Level, ...]:
    """Return a challenger's levels with what the champion shows of them on the same parts."""
    shown = {item.name: Beside(measured=item.measured, verdict=item.verdict, better=better) for item in champion}
    return tuple(replace(level, beside=shown.get(level.name)) for level in levels)


def against_champion(found: Comparison, margin: float, alpha: float = ALPHA) -> Level:
    """Return how a challenger compares with the champion on the same parts (`lineside.domain.releases.comparing`)."""
    verdicts = {
        Relation.BETTER: Verdict.MET,
        Relation.NOT_WORSE: Verdict.MET,
        Relation.WORSE: Verdict.MISSED,
        Relation.UNDECIDED: Verdict.INSUFFICIENT,
    }
    capital = max(found.better, found.not_worse) if found.relation is not Relation.WORSE else found.worse
    return Level(
        name="against the champion",
        declared=say("not worse by {margin} of the greatest loss", margin=number(margin)),
        measured=say(
            "{relation}: saves {gain} a part, evidence {capital} of {wanted}",
            relation=word(found.relation.value),
            gain=number(found.gain),
            capital=number(capital),
            wanted=number(1 / alpha),
        ),
        verdict=verdicts[found.relation],
        evidence=say(
            "{parts} parts that both judged, {differing} of them otherwise",
            parts=found.parts,
            differing=found.differing,
        ),
    )


def lacking(levels: tuple[Level, ...], *, served: bool = True) -> dict[str, Said]:
    """Return by name what is not met, in words; nothing: ready.

    A model that is to judge its first parts has not ``served``: of what only service can show, it must miss nothing.
    """
    waived = frozenset() if served else frozenset(level.name for level in levels) - BEFORE_SERVICE
    return {
        level.name: say("{level}: {verdict}", level=word(level.name), verdict=word(level.verdict.value))
        for level in levels
        if level.verdict is not Verdict.MET and not (level.name in waived and level.verdict is Verdict.INSUFFICIENT)
    }


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 90 % interval of a share; everything where there are no cases."""
    if of == 0:
        return 0.0, 1.0
    share, spread = hits / of, _Z**2 / of
    centre = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def loss_of_share(before: tuple[int, int], now: tuple[int, int]) -> tuple[float, float, float]:
    """Return by how much a share has fallen, and the 90 % interval of that; each is hits of cases, not of none.

    The interval is Newcombe's (*Statistics in Medicine* 17, 1998, method 10): the distances of both shares from the
    ends of their own intervals, added as the sides of a right angle are. To add them as they stand covers far more.
    """
    (then, low, high), (here, least, most) = ((hits / of, *wilson(hits, of)) for hits, of in (before, now))
    fallen = then - here
    return fallen, fallen - math.hypot(then - low, most - here), fallen + math.hypot(high - then, here - least)


def _share(name: str, hits: int, cases: int, least: float, evidence: Said) -> Level:
    low, high = wilson(hits, cases)
    verdict = Verdict.MET if cases and low >= least else Verdict.MISSED if high < least else Verdict.INSUFFICIENT
    measured = _between(hits / cases, low, high) if cases else "-"
    return Level(
        name=name, declared=say("≥ {value}", value=exact(least)), measured=measured, verdict=verdict, evidence=evidence
    )


def _between(value: float, low: float, high: float) -> Said:
    return say("{value} ({low} to {high})", value=number(value), low=number(low), high=number(high))


def _loss(held_out: HeldOut, lived: Lived, most: float) -> Level:
    """Return the loss of recall in service against held-out parts."""
    evidence = say("{bad} nonconforming parts in service, {before} held out", bad=lived.bad, before=held_out.bad)
    declared = say("≤ {value}", value=exact(most))
    if not held_out.bad or not lived.bad:
        return Level(
            name="performance loss", declared=declared, measured="-", verdict=Verdict.INSUFFICIENT, evidence=evidence
        )
    loss, least, greatest = loss_of_share((held_out.found, held_out.bad), (lived.found, lived.bad))
    verdict = Verdict.MET if greatest <= most else Verdict.MISSED if least > most else Verdict.INSUFFICIENT
    measured = _between(loss, least, greatest)
    return Level(name="performance loss", declared=declared, measured=measured, verdict=verdict, evidence=evidence)


def _false_alarms(plan: Plan, characteristic: str, held_out: HeldOut) -> Level:
    """Return the false alarms of a shift, in alerts where the plan counts them and they are known.

    Parts in alarm stand for them elsewhere: alerts fold these, and are never more.
    """
    budget = false_alarms(plan, plan.characteristic(characteristic))
    alerts = held_out.false_alerts if budget.per_episode else None
    false = held_out.false if alerts is None else alerts
    low, high = wilson(false, held_out.good)
    counted: dict[str, int | str] = {
        "false": false,
        "good": held_out.good,
        "scheme": read_back(held_out.scheme) or held_out.scheme,
    }
    if alerts is None:
        evidence = say("{false} of {good} conforming parts held out ({scheme})", **counted)
    else:
        evidence = say("{false} false alerts at {good} conforming parts held out ({scheme})", **counted)
    promised = held_out.promised <= budget.rate
    if promised:
        evidence = joined((evidence, say("nine of ten such limits keep to {share}", share=share(held_out.promised))))
    kept = high <= budget.rate or (promised and false <= budget.rate * held_out.good)
    verdict = Verdict.MISSED if low > budget.rate else Verdict.MET if kept else Verdict.INSUFFICIENT
    parts = budget.shift_parts
    if parts is None or budget.per_shift is None or not held_out.good:
        return Level(
            name="false alarms a shift",
            declared=say("a share of {rate} at the most", rate=share(budget.rate)),
            measured=say("a share of {low} to {high}", low=share(low), high=share(high)),
            verdict=verdict,
            evidence=evidence,
        )
    shown = {"mean": false / held_out.good, "low": low, "high": high}
    rates = {name: number(value * parts) for name, value in shown.items()}
    return Level(
        name="false alarms a shift",
        declared=_a_shift(number(budget.per_shift), alerts=budget.per_episode),
        measured=say("{mean} parts ({low} to {high})", **rates)
        if alerts is None
        else say("{mean} alerts ({low} to {high})", **rates),
        verdict=verdict,
        evidence=evidence,
    )


def _a_shift(most: Value, *, alerts: bool) -> Said:
    return say("≤ {value} alerts", value=most) if alerts else say("≤ {value} parts in alarm", value=most)


def _cost(plan: Plan, used: Used | None) -> Level:
    """Return what a part costs by the plan's rates: processor seconds of its judgement, and bytes that are kept."""
    most, rates = plan.service_levels.cost_per_part, plan.rates
    if rates is None or used is None:
        no_rates = say("the plan gives no rates for processor time and storage")
        why = no_rates if rates is None else say("nothing was measured")
        return Level(
            name="cost per part",
            declared=say("≤ {value}", value=exact(most)),
            measured="-",
            verdict=Verdict.INSUFFICIENT,
            evidence=why,
        )
    cost = used.cpu_seconds / 3600.0 * rates.processor_hour + used.bytes / 1e9 * rates.gigabyte
    return Level(
        name="cost per part",
        declared=say("≤ {value}", value=exact(most)),
        measured=say(
            "{cost} ({ms} ms of processor, {bytes} bytes)",
            cost=number(cost),
            ms=number(1e3 * used.cpu_seconds),
            bytes=round(used.bytes),
        ),
        verdict=Verdict.MET if cost <= most else Verdict.MISSED,
        evidence=used.evidence,
    )


def _latency(lived: Lived, most: int) -> Level:
    enough = lived.parts >= LEAST_FOR_TAIL and lived.p99 is not None
    within = lived.p99 is not None and lived.p99 <= most
    return Level(
        name="sensor to alert, 99th percentile",
        declared=say("≤ {value} s", value=exact(most / SECOND)),
        measured="-" if lived.p99 is None else say("{value} s", value=number(lived.p99 / SECOND)),
        verdict=Verdict.INSUFFICIENT if not enough else Verdict.MET if within else Verdict.MISSED,
        evidence=say("{parts} parts in service; {least} are needed", parts=lived.parts, least=LEAST_FOR_TAIL),
    )
