"""The release ladder of a plant: decide by the record, audit, keep, and then put it in service.

1. Read every event, and take up what judged before there was a ladder.
2. Decide (`lineside.domain.releases.deciding`): refused here, nothing has happened.
3. Audit.
4. Keep the events, unless somebody was faster.
5. Offer the champion or the canary to the gateways. `settle` does it again after a crash between 4 and 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.plan_yaml import parse_plan
from lineside.adapters.state_sql import SqlState
from lineside.apps.plant.evidence import champion_of, kept_bundle, levels_of, report_of
from lineside.apps.releasing import PLAN_PLACE, is_revision, place_of, revision_of, unknown
from lineside.domain.errors import InputError, IntegrityError
from lineside.domain.plan.diff import compare
from lineside.domain.plan.digest import judging_digest
from lineside.domain.plan.model import Plan
from lineside.domain.readiness import Level
from lineside.domain.releases import deciding
from lineside.domain.releases.canary import Canary
from lineside.domain.releases.deciding import Act, Person, Report
from lineside.domain.releases.ladder import WATERMARK, Ladder, LadderEvent, fold
from lineside.domain.releases.table import TRANSITIONS, Need, Rung, Step
from lineside.domain.said import say
from lineside.ports import AuditLog, Clock
from lineside.wire.bundle import Bundle

_SERVES: Final = frozenset({Step.CROWNED, Step.CALLED_BACK})
_ENDS_CANARY: Final = frozenset({Step.CROWNED, Step.STEPPED_BACK, Step.RETIRED})
MOST_WORDS: Final = 2000
"""Characters of the differences of a plan that its proposal keeps."""
Decide = Callable[[Ladder], tuple[LadderEvent, ...]]


async def _nobody() -> None:
    """Tell nobody: gateways ask now and then by themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseLadder:
    """The releases of a line, and what may be done to them; ``folder`` signs the offers, ``tell`` has gateways ask."""

    plan: Plan
    folder: BundleFolder
    history: Path
    state: SqlState
    audit: AuditLog
    clock: Clock
    tell: Callable[[], Awaitable[None]] = _nobody

    async def ladder(self) -> Ladder:
        """Return where everything stands, what judged before there was a ladder included."""
        events = await self.state.ladder.all()
        serving = await asyncio.to_thread(self.folder.all_in_service)
        return fold(await self._keep(events, unknown(events, serving, self.clock.now())))

    async def bundle(self, release: str) -> Bundle:
        """Return the kept bundle of a release, such as ``porosity/3``; the digest behind a ``+`` may be left out."""
        return await asyncio.to_thread(kept_bundle, self.folder, self.plan, release)

    async def kept(self) -> tuple[Bundle, ...]:
        """Return every bundle that is kept, by characteristic, the newest first."""
        names = [item.id for item in self.plan.characteristics]
        return await asyncio.to_thread(lambda: tuple(one for name in names for one in self.folder.bundles(name)))

    async def levels(self, bundle: Bundle) -> tuple[Level, ...]:
        """Return every service level of the plan, measured of a release, and how it does beside the champion."""
        champion = await asyncio.to_thread(champion_of, self.folder, bundle)
        return await asyncio.to_thread(levels_of, self.plan, bundle, self.history, champion)

    async def propose(self, text: str, person: Person, reason: str) -> tuple[LadderEvent, ...]:
        """Propose a revision of the line's plan, given as the text of its file; the text is kept.

        Raises:
            PlanError: the plan has mistakes.
            InputError: it is another line's, or in force already.
        """
        plan, name = parse_plan(text, "the plan"), revision_of(text)
        if (plan.site.id, plan.line.id) != (self.plan.site.id, self.plan.line.id):
            raise InputError("the plan of another line", field="line", value=plan.line.id, choices=(self.plan.line.id,))
        changes = "; ".join(change.text for change in compare(await self._in_force(), plan).changes)
        act = self._act(person, reason)
        await self.state.settings.put(name, text, self.clock.now())
        return await self._do(lambda ladder: deciding.propose(ladder, name, PLAN_PLACE, act, changes[:MOST_WORDS]))

    async def approve(
        self, release: str, person: Person, reason: str, concedes: Collection[str] = ()
    ) -> tuple[LadderEvent, ...]:
        """Approve the next step of a release, also where it lacks the service levels that this person ``concedes``."""
        name = await self.name(release)
        return await self._do(lambda ladder: deciding.approve(ladder, name, self._act(person, reason), concedes))

    async def promote(
        self, release: str, person: Person, reason: str, canary: Canary | None = None
    ) -> tuple[LadderEvent, ...]:
        """Take the next step upwards, by a readiness report made now where the step needs one."""
        if is_revision(release):
            name, by = await self.name(release), self._act(person, reason)
            return await self._do(lambda ladder: deciding.promote(ladder, name, PLAN_PLACE, by))
        bundle = await self.bundle(release)
        self._check_plan(bundle)
        rung = (await self.ladder()).of(bundle.name).rung
        report = await self._report(bundle, rung)
        place, act = place_of(bundle), self._act(person, reason)
        return await self._do(lambda ladder: deciding.promote(ladder, bundle.name, place, act, report, canary))

    async def retire(self, release: str, person: Person, reason: str) -> tuple[LadderEvent, ...]:
        """Take a release off the ladder."""
        name = await self.name(release)
        return await self._do(lambda ladder: deciding.retire(ladder, name, self._act(person, reason)))

    async def roll_back(self, place: str, person: Person, reason: str) -> tuple[LadderEvent, ...]:
        """End the canary of a place, or go back to the champion before.

        Raises:
            InputError: there is none, or it was learned for another plan, so that no gateway would take it.
        """
        act = self._act(person, reason)
        for event in deciding.roll_back(await self.ladder(), place, act):
            if event.step is Step.CALLED_BACK:
                self._check_plan(await self._exactly(event.release))
        return await self._do(lambda ladder: deciding.roll_back(ladder, place, act))

    async def off_the_ladder(self) -> tuple[str, ...]:
        """Return what judges without being a champion: somebody has offered it by other means."""
        ladder, serving = await self.ladder(), await asyncio.to_thread(self.folder.all_in_service)
        names = [item.bundle.name for item in serving]
        return tuple(name for name in names if ladder.of(name).rung is not Rung.CHAMPION)

    async def settle(self) -> None:
        """Offer every champion and canary that is not on offer yet, and end the canaries that are none any more."""
        ladder, canaries = await self.ladder(), await asyncio.to_thread(self.folder.canaries)
        serving = {item.bundle.name for item in await asyncio.to_thread(self.folder.all_in_service)}
        trying = {canary.offer.model for canary, _ in canaries}
        for canary, _ in canaries:
            if ladder.of(canary.offer.model).rung is not Rung.CANARY:
                await asyncio.to_thread(self.folder.end_canary, canary.offer.place)
        for standing in ladder.standings.values():
            if standing.rung is Rung.CHAMPION and standing.release not in serving:
                await self._serve(standing.history[-1])
            elif standing.canary is not None and standing.release not in trying:
                await self._try(standing.release, standing.canary, "offered again")

    async def name(self, release: str) -> str:
        """Return the whole name of a release, or of a revision of the plan (``plan/<digest>``, or its beginning)."""
        if not is_revision(release):
            return (await self.bundle(release)).name
        known = [name for name in (await self.ladder()).standings if is_revision(name)]
        found = [name for name in known if name.startswith(release)]
        if len(found) != 1:
            raise InputError(say("no such revision of the plan"), field="RELEASE", value=release, choices=known)
        return found[0]

    async def take_up(self, text: str) -> tuple[str, ...]:
        """Settle at a start; return what has to be said: what judges off the ladder, and a plan that is not in force.

        ``text`` is the plan that the plant runs.
        """
        await self.settle()
        said = [f"{name} judges off the ladder: lineside release list" for name in await self.off_the_ladder()]
        in_force = [item.release for item in (await self.ladder()).at(PLAN_PLACE, Rung.IN_FORCE)]
        if in_force and revision_of(text) not in in_force:
            await self.audit.append("plan.not_in_force", {"runs": revision_of(text), "in_force": in_force[0]})
            said.append(f"the plan that the plant runs is not the one in force, {in_force[0]}")
        return tuple(said)

    async def _in_force(self) -> Plan:
        """Return the plan in force, or the one that the plant runs where none was ever put in force."""
        for standing in (await self.ladder()).at(PLAN_PLACE, Rung.IN_FORCE):
            text = await self.state.settings.get(standing.release)
            if text is not None:
                return parse_plan(text, "the plan in force")
        return self.plan

    async def _do(self, decide: Decide) -> tuple[LadderEvent, ...]:
        await self.ladder()
        before = await self.state.ladder.all()
        events = decide(fold(before))
        await self._keep(before, events)
        for event in events:
            await self._put_in_force(event)
        await self.tell()
        return events

    async def _keep(self, before: tuple[LadderEvent, ...], events: tuple[LadderEvent, ...]) -> tuple[LadderEvent, ...]:
        for event in events:
            content = {"release": event.release, "place": event.place, "by": event.by, "reason": event.reason}
            await self.audit.append(f"release.{event.step}", content | dict(event.detail))
        try:
            await self.state.ladder.append(events, after=len(before))
        except InputError as error:
            await self.audit.append("release.refused", {"release": events[0].release, "why": error.problem})
            raise
        return (*before, *events)

    async def _put_in_force(self, event: LadderEvent) -> None:
        if event.step is Step.CANARIED:
            await self._try(event.release, Canary.read(event.detail), event.reason)
        elif event.step in _ENDS_CANARY:
            await asyncio.to_thread(self._end_canary, event)
        if event.step in _SERVES:
            await self._serve(event)

    async def _exactly(self, release: str) -> Bundle:
        """Return the bundle of a release's whole name; refuse another one that is kept under its version."""
        bundle = await self.bundle(release)
        if bundle.name != release:
            raise IntegrityError("another bundle is kept under that version", field=release, value=bundle.name)
        return bundle

    def _check_plan(self, bundle: Bundle) -> None:
        if bundle.manifest.plan_digest != judging_digest(self.plan):
            raise InputError(
                say("it was learned for another plan, and no gateway would take it"),
                field="release",
                value=bundle.name,
                next_step=say("promote one that was learned for this plan"),
            )

    async def _try(self, release: str, canary: Canary, why: str) -> None:
        bundle = await self._exactly(release)
        await asyncio.to_thread(self.folder.offer_canary, bundle, canary, note=why)

    def _end_canary(self, event: LadderEvent) -> None:
        """End the canary of a release; another one's goes on."""
        if any(canary.offer.model == event.release for canary, _ in self.folder.canaries()):
            self.folder.end_canary(event.place)

    async def _serve(self, event: LadderEvent) -> None:
        bundle = await self._exactly(event.release)
        standing = (await self.ladder()).of(event.release)
        lacks = "" if standing.concession is None else f" (by concession: {standing.concession.said()})"
        note = f"{WATERMARK}: {event.reason}" if standing.demo else f"{event.reason}{lacks}"
        await asyncio.to_thread(self.folder.offer, bundle, note=note)

    async def _report(self, bundle: Bundle, rung: Rung) -> Report | None:
        step = deciding.UPWARDS.get(rung)
        row = None if step is None else TRANSITIONS[rung, step]
        if row is None or Need.READY not in row.needs:
            return None
        return report_of(bundle.name, await self.levels(bundle), row.then)

    def _act(self, person: Person, reason: str) -> Act:
        return Act(by=person, reason=reason, now=self.clock.now())
