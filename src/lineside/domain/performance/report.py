"""A model in service as those see it who answer for it: measured, estimated, budgets, and the damage in money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from lineside.domain.performance.burning import LevelWatch, watch_level
from lineside.domain.performance.changed import worse_from
from lineside.domain.performance.estimated import Estimated, Expected, estimate
from lineside.domain.performance.judged import JudgedParts
from lineside.domain.performance.measured import Measured, Share, measure
from lineside.domain.performance.silent import silence
from lineside.domain.performance.values import ExpectedValues
from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Plan
from lineside.domain.readiness import HeldOut, wilson
from lineside.domain.said import Said, joined, number, say, share, span, span_text, word
from lineside.domain.units import DAY

WINDOW: Final = 7 * DAY
"""What measured and estimated figures speak of."""
NO_TRUTH: Final = "no truth"
"""Damage that is inspection's, not the model's: what stops is the proof of how the model does."""
ADOPTION: Final = "adoption"
COST: Final = "cost per part"
NOT_OF_THE_MODEL: Final = frozenset({NO_TRUTH, ADOPTION, COST})
"""Damage that another model would not mend."""
LATENCY_ALLOWED: Final = 0.01
"""Of a 99th percentile, one in a hundred may be later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """What is worse than declared or than released: ``what``, in words that name figure and limit, and in money.

    ``money`` is per 1,000 parts in the plan's currency, beyond what the released figures cost (None: cannot be said).
    """

    what: str
    text: str
    money: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedFrom:
    """Parts that a model learned from: none made before ``first`` (0: any), the newest ended at ``last`` (UTC ns)."""

    first: int = 0
    last: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Since:
    """What has happened since a model was learned (UTC ns), or in 30 days, in counts of parts.

    ``bad`` are known to be bad, ``outside`` were outside of its experience and ``warming`` of setups that it was still
    learning, of ``judged``. ``worse`` is when the first of ``worse_bad`` bad parts was judged since which it finds
    certainly fewer (0: it does not). ``learned_from``: no part made before was it to learn from (0: any).
    """

    learned: int
    learned_from: int = 0
    judged: int = 0
    bad: int = 0
    outside: int = 0
    warming: int = 0
    worse: int = 0
    worse_bad: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PerformanceReport:
    """One model in service over the last week, and its service levels over 30 days."""

    station: str
    characteristic: str
    model: str
    measured: Measured
    estimated: Estimated | None
    levels: tuple[LevelWatch, ...]
    damage: tuple[Damage, ...]
    since: Since
    values: ExpectedValues | None = None

    @property
    def of_the_model(self) -> tuple[Damage, ...]:
        """The damage that another model could mend."""
        return tuple(item for item in self.damage if item.what not in NOT_OF_THE_MODEL)


def performance(
    plan: Plan,
    station: str,
    characteristic: str,
    model: str,
    parts: JudgedParts,
    held_out: HeldOut,
    now: int,
    learned: LearnedFrom | None = None,
) -> PerformanceReport:
    """Return the report of a model.

    Args:
        plan: the control plan in force.
        station: where it judges.
        characteristic: what it judges.
        model: its name.
        parts: those of the last 30 days.
        held_out: what it showed before it was released.
        now: the moment (UTC ns).
        learned: which parts it learned from.
    """
    learned = learned or LearnedFrom()
    week = parts.since(now - WINDOW)
    measured, levels = measure(week), _levels(plan, characteristic, parts, now)
    lost = _lost(plan, characteristic, measured, held_out)
    since = _since(parts.since(learned.last), learned)
    return PerformanceReport(
        station=station,
        characteristic=characteristic,
        model=model,
        measured=measured,
        estimated=estimate(week),
        levels=levels,
        damage=(*_burning(levels), *lost, *_silent(parts, now)),
        since=_with_change(since, parts.since(learned.last), held_out) if lost else since,
    )


def with_levels(report: PerformanceReport, further: Sequence[LevelWatch]) -> PerformanceReport:
    """Return a report with further service levels, and the damage where their budgets burn."""
    damage = (*_burning(further), *report.damage)
    return replace(report, levels=(*report.levels, *further), damage=damage)


def with_change(report: PerformanceReport, parts: JudgedParts, held_out: HeldOut) -> PerformanceReport:
    """Return a report of a loss with the moment of the change by all parts since the model was learned.

    Thirty days after a change all of a report's own parts are of after it, and their first one is no change.
    """
    return replace(report, since=_with_change(report.since, parts, held_out))


def _with_change(since: Since, parts: JudgedParts, held_out: HeldOut) -> Since:
    """Add since when fewer bad parts are found."""
    bad = parts.take(parts.known & parts.bad)
    place = worse_from(bad.alarm, held_out)
    return since if place is None else replace(since, worse=int(bad.judged[place]), worse_bad=len(bad) - place)


def _since(parts: JudgedParts, learned: LearnedFrom) -> Since:
    return Since(
        learned=learned.last,
        learned_from=learned.first,
        judged=len(parts),
        bad=int(np.count_nonzero(parts.known & parts.bad)),
        outside=int(np.count_nonzero(parts.outside)),
        warming=int(np.count_nonzero(parts.warming)),
    )


def _levels(plan: Plan, characteristic: str, parts: JudgedParts, now: int) -> tuple[LevelWatch, ...]:
    declared = plan.service_levels
    bad, good = parts.known & parts.bad, parts.known & ~parts.bad
    budget = false_alarms(plan, plan.characteristic(characteristic))
    late = parts.delay > declared.sensor_to_alert_p99
    return (
        watch_level("latency", parts.judged, late, LATENCY_ALLOWED, now),
        watch_level("availability", parts.judged, ~parts.could, 1.0 - declared.availability, now),
        watch_level("recall", parts.judged[bad], ~parts.alarm[bad], 1.0 - declared.least_recall, now),
        watch_level("false alarms", parts.judged[good], parts.alarm[good], budget.rate * budget.raise_after, now),
    )


def _burning(levels: Sequence[LevelWatch]) -> list[Damage]:
    return [Damage(what=level.name, text=joined(_burns(level))) for level in levels if level.news]


def _burns(level: LevelWatch) -> Iterator[Said]:
    if level.each is None:
        yield say(
            "{level}: {bad} of {events} bad in 30 days where {allowed} may be", level=word(level.name), bad=level.bad,
            events=level.events, allowed=share(level.allowed),
        )  # fmt: skip
    else:
        yield say(
            "{level}: {each} in 30 days where {allowed} is allowed", level=word(level.name), each=number(level.each),
            allowed=number(level.allowed),
        )  # fmt: skip
    for burn in level.burns:
        if burn.news and burn.long is not None:
            yield say("{times} times too fast over {span}", times=number(burn.long), span=span(burn.window))


def _silent(parts: JudgedParts, now: int) -> list[Damage]:
    found = silence(parts, now)
    if found is None:
        return []
    text = say(
        "no truth for {parts} parts, for {since}: of those before, {usual} had one within {lag}; ask inspection, or "
        "see whether its outcomes still arrive",
        parts=found.parts, since=span(now - found.since), usual=share(found.usual), lag=span(found.lag),
    )  # fmt: skip
    return [Damage(what=NO_TRUTH, text=text)]


def _lost(plan: Plan, characteristic: str, measured: Measured, held_out: HeldOut) -> list[Damage]:
    """Return a loss of recall that is certain: the best of now is below the worst of then by more than declared."""
    if not held_out.bad or not measured.recall.of:
        return []
    then, now = wilson(held_out.found, held_out.bad), measured.recall.interval
    if then[0] - now[1] <= plan.service_levels.greatest_performance_loss:
        return []
    text = say(
        "recall {now} ({now_low} to {now_high}) of {bad} bad parts, released with {then} ({then_low} to {then_high})",
        now=share(measured.recall.hits / measured.recall.of), now_low=share(now[0]), now_high=share(now[1]),
        bad=measured.recall.of, then=share(held_out.found / held_out.bad), then_low=share(then[0]),
        then_high=share(then[1]),
    )  # fmt: skip
    return [Damage(what="performance loss", text=text, money=_money(plan, characteristic, measured, held_out))]


def _money(plan: Plan, characteristic: str, measured: Measured, held_out: HeldOut) -> float | None:
    """Return what 1,000 parts cost more than with the figures of the release, at the share of bad parts known now."""
    cost, recall, false = plan.characteristic(characteristic).cost, measured.recall, measured.false_alarms
    if not recall.of or not false.of or not held_out.bad or not held_out.good:
        return None
    bad = recall.of / (recall.of + false.of)
    lost = held_out.found / held_out.bad - recall.hits / recall.of
    more = false.hits / false.of - held_out.false / held_out.good
    return 1_000 * (bad * lost * cost.escape + (1 - bad) * more * cost.false_alarm)


def performance_lines(report: PerformanceReport) -> list[str]:
    """Return a report as lines for a terminal."""
    measured, estimated = report.measured, report.estimated
    lines = [
        f"{report.model} at {report.station}: {measured.parts:,} parts in 7 days",
        f"  truth        of {share_text(measured.covered)} of parts, of {share_text(measured.covered_alarm)} in alarm",
        f"  truth comes  after {span_text(measured.lag)} (90 %: {span_text(measured.lag_p90)})",
        f"  sources      contradict each other on {measured.contradicted:,} parts",
    ]
    for name, figure in _figures(measured):
        expected = None if estimated is None else getattr(estimated, name.replace(" ", "_"))
        lines.append(f"  {name:12} measured {share_text(figure)}; estimated without truth {expected_text(expected)}")
    if report.values is not None:
        lines.append(f"  values       {values_text(report.values)}")
    for level in report.levels:
        left = "-" if level.left is None else f"{level.left:.0%} of its budget left"
        used = f"{level.bad} bad of {level.events}" if level.each is None else f"{level.each:.3g} each"
        lines.append(f"  {level.name:12} {used}, {level.allowed:.3g} allowed: {left}")
    lines += [f"  DAMAGE       {item.text}{_money_text(item.money)}" for item in report.damage]
    return lines


def performance_objects(reports: Sequence[PerformanceReport]) -> list[dict[str, Any]]:
    """Return reports as objects for JSON."""
    return [asdict(report) for report in reports]


def values_text(values: ExpectedValues) -> str:
    """Return in words how far expected values were from measured ones."""
    alone = "" if values.alone is None else f" ({values.alone:.4g} by the model alone)"
    within = f"{share_text(values.held)} within the interval"
    return f"off by {values.rmse:.4g}{alone}, measured less expected {values.off:+.4g}, {within}"


def share_text(share: Share) -> str:
    """Return a share with its interval and its cases; a dash of nothing."""
    if share.value is None:
        return "- (no case)"
    low, high = share.interval
    return f"{share.value:.3f} ({low:.3f} to {high:.3f}; {share.hits} of {share.of})"


def expected_text(expected: Expected | None) -> str:
    """Return an expected share with its interval; a dash where there is none."""
    return "-" if expected is None else f"{expected.value:.3f} ({expected.low:.3f} to {expected.high:.3f})"


def _figures(measured: Measured) -> tuple[tuple[str, Share], ...]:
    return ("recall", measured.recall), ("precision", measured.precision), ("false alarms", measured.false_alarms)


def _money_text(money: float | None) -> str:
    return "" if money is None else f"; {money:+.2f} per 1,000 parts"
