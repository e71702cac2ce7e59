"""Taking a step on the ladder: who may, what it needs, and the events that it is.

Every function takes where everything stands and returns the events to keep, or says why not. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from lineside.domain.access import ENGINEERS, AccessRole
from lineside.domain.errors import InputError
from lineside.domain.readiness import CAN_BE_CONCEDED
from lineside.domain.releases.canary import Canary
from lineside.domain.releases.concession import LASTS, Concession, missed_of
from lineside.domain.releases.ladder import PERSONS, SYSTEM, Ladder, LadderEvent, Standing
from lineside.domain.releases.table import TRANSITIONS, Need, Rung, Step
from lineside.domain.said import Value, joined, say, word

LEAST_REASON: Final = 8
"""Characters of the shortest reason."""
UPWARDS: Final[Mapping[Rung, Step]] = {
    Rung.NONE: Step.DRAFTED,
    Rung.RETIRED: Step.REOPENED,
    Rung.DRAFT: Step.SHADOWED,
    Rung.SHADOW: Step.CANARIED,
    Rung.CANARY: Step.CROWNED,
    Rung.PROPOSED: Step.ENFORCED,
    Rung.WITHDRAWN: Step.PROPOSED,
}
"""The next step upwards from each rung."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who takes a step: the pseudonym of an account and its role; no role: the system itself."""

    pseudonym: str = SYSTEM
    role: AccessRole | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a readiness report says of a release for a rung: ``lacks`` says what is not met, ``digest`` the report.

    ``concedable`` says by level what is not met either but can be let off, as the champion misses it; ``beaten`` names
    every level that the champion misses and this release betters.
    """

    release: str
    rung: Rung
    lacks: tuple[str, ...]
    digest: str
    concedable: Mapping[str, str] = field(default_factory=dict)
    beaten: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether nothing is lacking."""
        return not self.lacks and not self.concedable


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """Who does something, why and when (UTC ns)."""

    by: Person
    reason: str
    now: int

    def event(self, standing: Standing, step: Step, detail: Mapping[str, str] | None = None) -> LadderEvent:
        """Return a step of a release as an event; refuse one that the table has not got, or that lacks a reason.

        Raises:
            InputError: it cannot be taken here, by this person, or without a reason.
        """
        if (standing.rung, step) not in TRANSITIONS:
            possible = tuple(known for rung, known in TRANSITIONS if rung is standing.rung)
            raise InputError(
                say("a release that is {rung} cannot be {step}", rung=_named(standing.rung), step=_named(step)),
                field="release",
                value=standing.release,
                choices=possible,
            )
        if self.by.role is not None and self.by.role not in ENGINEERS:
            raise InputError(
                say("this needs an engineer"), field="by", value=str(self.by.role), choices=sorted(ENGINEERS)
            )
        if len(self.reason.strip()) < LEAST_REASON:
            raise InputError(say("say why, in words that will be read years later"), field="reason", value=self.reason)
        return LadderEvent(
            release=standing.release,
            place=standing.place,
            step=step,
            actor=self.by.pseudonym,
            role="" if self.by.role is None else self.by.role.value,
            time=self.now,
            reason=self.reason.strip(),
            detail=detail or {},
        )


def propose(ladder: Ladder, revision: str, place: str, act: Act, changes: str) -> tuple[LadderEvent, ...]:
    """Propose a revision of the plan; ``changes`` says in words what is different in it.

    Raises:
        InputError: it is proposed already, or in force.
    """
    return (act.event(ladder.of(revision, place), Step.PROPOSED, {"changes": changes}),)


def approve(ladder: Ladder, release: str, act: Act, concedes: Collection[str] = ()) -> tuple[LadderEvent, ...]:
    """Approve the next step upwards of a release, also where it lacks the levels that this person ``concedes``.

    Raises:
        InputError: this is its author, has approved before, there is nothing to approve, or a level cannot be conceded.
    """
    standing = ladder.of(release)
    for name in concedes:
        if name not in CAN_BE_CONCEDED:
            raise InputError(
                say("this service level cannot be let off"), field="concede", value=name, choices=CAN_BE_CONCEDED
            )
    event = act.event(standing, Step.APPROVED, Concession(tuple(concedes)).words() if concedes else None)
    if act.by.role is None:
        raise InputError(say("only a person can approve"), field="by", value=act.by.pseudonym)
    if event.actor == standing.author:
        raise InputError(
            say("its author cannot approve it"), field="by", value=event.by, next_step=say("ask somebody else")
        )
    if event.actor in standing.approvals:
        raise InputError(
            say("this person has approved it already"), field="by", value=event.by, next_step=say("ask a second person")
        )
    return (event,)


def promote(
    ladder: Ladder,
    release: str,
    place: str,
    act: Act,
    report: Report | None = None,
    canary: Canary | None = None,
) -> tuple[LadderEvent, ...]:
    """Take the next step upwards: to draft, to shadow, to canary, to champion; whoever makes it a draft is its author.

    Args:
        ladder: where everything stands.
        release: which.
        place: what it is for.
        act: who, why and when.
        report: what the readiness report says of it for the rung that it goes to.
        canary: which parts it judges, for the step to canary.

    Raises:
        InputError: something that the step needs is missing; the message names all of it.
    """
    standing = ladder.of(release, place)
    step = UPWARDS.get(standing.rung)
    if step is None:
        raise InputError(
            say("there is no step upwards for a release that is {rung}", rung=_named(standing.rung)), value=release
        )
    row = TRANSITIONS[standing.rung, step]
    lacks = (*_lacks_report(standing, row.then, row.needs, report), *_lacks_persons(standing, row.needs))
    if lacks:
        raise InputError(
            say("{release} cannot become {rung}: {what}", release=release, rung=_named(row.then), what=joined(lacks)),
            field="release",
        )
    detail: dict[str, str] = {} if report is None else {"report": report.digest}
    if report is not None and report.concedable:
        detail |= Concession(tuple(report.concedable), act.now + LASTS).words()
    if step is Step.CANARIED:
        if canary is None:
            raise InputError(
                say("a canary needs a limit"), field="share", next_step=say("give a share of parts, or stations")
            )
        _refuse_second(ladder.at(standing.place, Rung.CANARY))
        detail |= canary.words()
    event = act.event(standing, step, detail)
    taken = ladder.at(standing.place, row.then) if step in {Step.CROWNED, Step.ENFORCED} else ()
    old = next(iter(taken), None)
    if old is None:
        return (event,)
    missed = missed_of(() if report is None else report.beaten)
    return act.event(old, Step.SUPERSEDED, {"by": release} | missed), event


def retire(ladder: Ladder, release: str, act: Act) -> tuple[LadderEvent, ...]:
    """Take a release off the ladder that is not the champion."""
    standing = ladder.of(release)
    if standing.rung is Rung.CHAMPION:
        raise InputError(
            say("the champion judges the line"), value=release, next_step=say("promote another one, or roll back")
        )
    return (act.event(standing, Step.RETIRED),)


def roll_back(ladder: Ladder, place: str, act: Act) -> tuple[LadderEvent, ...]:
    """End the canary of a place, or else take the champion back and call back the one before it.

    Raises:
        InputError: there is nothing to go back to.
    """
    canaries = ladder.at(place, Rung.CANARY)
    if canaries:
        return tuple(act.event(item, Step.STEPPED_BACK) for item in canaries)
    champion, then = ladder.champion(place), ladder.called_back(place)
    if champion is None or then is None:
        raise InputError(say("there is no champion before to go back to"), field="place", value=place)
    return (
        act.event(champion, Step.ROLLED_BACK, {"to": then.release}),
        act.event(then, Step.CALLED_BACK, {"from": champion.release}),
    )


def found(ladder: Ladder, release: str, place: str, now: int, *, demo: bool = False) -> tuple[LadderEvent, ...]:
    """Take up what judges without a step: before there was a ladder at its place, or as a ``demo`` in a demo's place.

    What else judges off the ladder is not taken up; nothing makes it a champion.
    """
    act = Act(by=Person(), reason="it judged before there was a ladder", now=now)
    champion, standing = ladder.champion(place), ladder.of(release, place)
    if not ladder.knows(place):
        return (act.event(standing, Step.FOUND, {"demo": "yes"} if demo else {}),)
    if not demo or standing.rung is not Rung.NONE or champion is None or not champion.demo:
        return ()
    return (
        act.event(champion, Step.SUPERSEDED, {"by": release}),
        act.event(standing, Step.FOUND, {"demo": "yes"}),
    )


def check_offer(ladder: Ladder, release: str, place: str, *, demo: bool = False) -> None:
    """Refuse to put anything before people that is neither the champion nor a ``demo`` in a demo's place.

    Raises:
        InputError: it may not be offered.
    """
    champion = ladder.champion(place)
    if champion is not None and champion.release == release:
        return
    if demo and (champion is None or champion.demo):
        return
    problem = "a demo does not replace a release that was approved" if demo else "only a champion is offered"
    raise InputError(
        problem,
        field="release",
        value=release,
        next_step=f"lineside release promote {release.partition('+')[0]}",
    )


def _named(name: Rung | Step) -> Value:
    """Return a rung or a step as people call it."""
    return word("not on the ladder") if name is Rung.NONE else word(name.value.replace("_", " "))


def _lacks_report(standing: Standing, rung: Rung, needs: frozenset[Need], report: Report | None) -> tuple[str, ...]:
    if Need.READY not in needs:
        return ()
    if report is None or report.release != standing.release or report.rung is not rung:
        return (say("there is no readiness report of it for {rung}", rung=_named(rung)),)
    kept_to = [said for level, said in report.concedable.items() if level not in standing.conceded]
    return tuple(say("not ready: {what}", what=item) for item in (*report.lacks, *kept_to))


def _lacks_persons(standing: Standing, needs: frozenset[Need]) -> tuple[str, ...]:
    missing = PERSONS - len(set(standing.approvals))
    if Need.TWO_PERSONS not in needs or missing <= 0:
        return ()
    return (say("{count} of {all} persons have approved it", count=len(set(standing.approvals)), all=PERSONS),)


def _refuse_second(canaries: tuple[Standing, ...]) -> None:
    if canaries:
        raise InputError(
            say("there is a canary already"),
            field="release",
            value=canaries[0].release,
            next_step=say("promote it, retire it or roll it back first"),
        )
