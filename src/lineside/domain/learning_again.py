"""Why a model should be learned again: by evidence of damage or of what it has not seen, never by drift alone.

Drift is no argument of these rules, so that harmless drift cannot set anything off. A reason needs material as well:
without bad parts whose truth has come since, learning again learns the same. And where a relation has changed, what was
made before the change teaches what holds no more: then only parts made since are learned from, now and ever after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from lineside.domain.performance.report import PerformanceReport, Since
from lineside.domain.plan.levels import LearnAgain
from lineside.domain.said import say, share, span


class Reason(StrEnum):
    """What speaks for learning again."""

    PERFORMANCE = "performance"
    LIMITS = "limits"
    COVERAGE = "coverage"
    SETUPS = "setups"
    SCHEDULE = "schedule"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """One reason in words; ``ready`` says whether there is material to learn from, else ``waits`` for what.

    ``since`` is when the oldest part was made that should be learned from (UTC ns; 0: any).
    """

    reason: Reason
    text: str
    since: int = 0
    ready: bool = True
    waits: str = ""


LEAST_JUDGED = 200
"""Parts before a share of them says anything."""
_WARMING = 0.2


def triggers(report: PerformanceReport, wish: LearnAgain, most_outside: float, now: int) -> tuple[Trigger, ...]:
    """Return what speaks for learning a model again, the gravest first.

    Args:
        report: how it does.
        wish: the plan's rules.
        most_outside: greatest share of parts that may be outside experience.
        now: the moment (UTC ns).
    """
    since = report.since
    found = [
        Trigger(reason=_REASONS.get(item.what, Reason.PERFORMANCE), text=item.text)
        for item in report.damage
        if item.what in _REASONS
    ]
    if since.judged >= LEAST_JUDGED:
        outside, warming = since.outside / since.judged, since.warming / since.judged
        if outside > most_outside:
            text = say(
                "{outside} of {parts} parts were outside of what it has seen where {most} may be",
                outside=share(outside), parts=since.judged, most=share(most_outside),
            )  # fmt: skip
            found.append(Trigger(reason=Reason.COVERAGE, text=text))
        if warming > _WARMING:
            text = say(
                "{warming} of {parts} parts were of setups that it does not know", warming=share(warming),
                parts=since.judged,
            )  # fmt: skip
            found.append(Trigger(reason=Reason.SETUPS, text=text))
    if wish.every is not None and now - since.learned >= wish.every:
        text = say("learned more than {span} ago", span=span(wish.every))
        found.append(Trigger(reason=Reason.SCHEDULE, text=text))
    return _held_back(tuple(_with_material(item, since, wish) for item in found), since)


_REASONS = {"performance loss": Reason.PERFORMANCE, "recall": Reason.PERFORMANCE, "false alarms": Reason.LIMITS}
"""Damage that learning can mend: latency and availability are not of this kind."""


def _held_back(found: tuple[Trigger, ...], since: Since) -> tuple[Trigger, ...]:
    """Return the triggers, of which none is ready while a change that is known waits for parts made since it.

    A training for conditions or limits would learn from parts of before and since as if they were of one kind, and its
    model would have forgotten that there was a change.
    """
    waits = next((item.waits for item in found if item.reason is Reason.PERFORMANCE and not item.ready), "")
    if not since.worse or not waits:
        return found
    return tuple(replace(item, ready=False, waits=waits) for item in found)


def _with_material(trigger: Trigger, since: Since, wish: LearnAgain) -> Trigger:
    if trigger.reason is not Reason.PERFORMANCE:
        return replace(trigger, since=since.learned_from)
    trigger = replace(trigger, since=max(since.worse, since.learned_from))
    lacking = wish.least_bad - (since.worse_bad if since.worse else since.bad)
    if lacking <= 0:
        return trigger
    return replace(trigger, ready=False, waits=say("{count} more bad parts whose truth has come", count=lacking))
