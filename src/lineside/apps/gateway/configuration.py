"""The configuration that a gateway takes from its plant: checked, put into force, watched, and given back if worse.

For each one, in this order:

1. check that the pinned plant has signed it, for this gateway and line, newer than all before, not expired;
2. check that its plan has no mistake;
3. keep it durably, with the one before it;
4. put into force what can be: see `lineside.domain.plan.applying`;
5. watch; where something is bad that was not, return to the one before, and say so.

A gateway that ends while a configuration is watched counts the starts: after `MOST_STARTS` it returns too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import msgspec

from lineside.adapters.configuration_files import ConfigurationFiles, Kept
from lineside.adapters.gateway_identity import Identity, load_identity
from lineside.adapters.plan_yaml import load_plan, parse_plan
from lineside.apps.layout import Layout
from lineside.domain.configuring import MOST_STARTS, Outcome, Place, Watch, sound_now, why_not_taken
from lineside.domain.errors import IntegrityError, LinesideError, PlanError, UnavailableError
from lineside.domain.plan.applying import Application, how_applied
from lineside.domain.plan.model import Plan
from lineside.ports import AuditLog, Bus, Clock
from lineside.wire.configuration import Configuration, ConfigurationAsk, encode_ask, verify_configuration

ASK_SECONDS: Final = 10.0
_WITHIN: Final = 3.0
_LOOK_SECONDS: Final = 1.0

Levels = Mapping[str, tuple[int, str]]


class Runs(Protocol):
    """A running gateway, as far as a configuration changes it."""

    def levels(self) -> Levels:
        """Return how its parts do: the level of each, and its words."""

    async def apply(self, plan: Plan, application: Application) -> None:
        """Put a plan into force, as far as the application says.

        Raises:
            LinesideError: it could not be done; what runs is as it was, but for sources that were opened anew.
        """


def plan_to_run(plan_file: Path, layout: Layout, now: int) -> Plan:
    """Return the plan to start with: that of the configuration that was taken last, else the file's.

    One that was given up twice while it was watched, or is not what the plant signed, is returned from.

    Raises:
        PlanError: the file's own plan has mistakes, and there is no other.
    """
    identity, files = load_identity(layout.identity), ConfigurationFiles(layout.configuration)
    kept = files.read()
    if identity is None or not kept.running:
        return load_plan(plan_file)
    problem = ""
    if kept.trial:
        kept = msgspec.structs.replace(kept, starts=kept.starts + 1)
        files.write(kept)
        problem = f"the gateway ended {kept.starts - 1} times while it was tried" if kept.starts > MOST_STARTS else ""
    try:
        plan = _plan_of(files.running(), identity, plan_file, now)
    except LinesideError as error:
        problem = str(error)
    if not problem:
        return plan
    files.go_back(returned(kept, problem))
    return plan_to_run(plan_file, layout, now) if kept.before else load_plan(plan_file)


def returned(kept: Kept, reason: str) -> Kept:
    """Return what is known once the configuration before runs again."""
    return msgspec.structs.replace(
        kept,
        running=kept.before,
        before=0,
        trial=False,
        starts=0,
        about=kept.running,
        outcome=Outcome.RETURNED.value,
        reason=reason,
    )


@dataclass(kw_only=True, slots=True)
class Configurator:
    """Asks the plant, and takes what it may; ``plan`` is the one in force now."""

    identity: Identity
    files: ConfigurationFiles
    plan_file: Path
    plan: Plan
    bus: Bus
    subject: str
    audit: AuditLog
    clock: Clock
    runs: Runs
    pause: float = ASK_SECONDS
    _watch: Watch | None = None
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask_now(self) -> None:
        """Ask at once, because the plant says that there is something new."""
        self._asked.set()

    async def run(self) -> None:
        """Ask and watch until cancelled."""
        kept = self.files.read()
        if kept.trial:
            self._watch = Watch(sound=frozenset(kept.sound), began=self.clock.now())
        while True:
            with contextlib.suppress(UnavailableError):  # what runs goes on, and it is asked again
                await self.ask()
            await self._wait()

    async def ask(self) -> None:
        """Tell the plant how it stands, and take what it offers."""
        kept = self.files.read()
        question = ConfigurationAsk(running=kept.running, about=kept.about, outcome=kept.outcome, reason=kept.reason)
        offered = await self.bus.request(self.subject, encode_ask(question), _WITHIN)
        if offered:
            await self.take(offered)

    async def take(self, signed: bytes) -> None:
        """Take a configuration, or refuse it and say why."""
        kept, now = self.files.read(), self.clock.now()
        try:
            found = verify_configuration(signed, bytes.fromhex(self.identity.facts.plant), now)
        except IntegrityError as error:
            await self._refuse(kept, kept.about, str(error))
            return
        facts = self.identity.facts
        place = Place(site=facts.site, line=facts.line, gateway=facts.gateway)
        if refused := why_not_taken(found.offer, place, kept.highest, now):
            await self._refuse(kept, found.version, refused)
            return
        try:
            plan = await asyncio.to_thread(_checked, found, self.plan_file)
        except PlanError as error:
            await self._refuse(msgspec.structs.replace(kept, highest=found.version), found.version, str(error))
            return
        await self._put_into_force(signed, found, plan, kept)

    async def _put_into_force(self, signed: bytes, found: Configuration, plan: Plan, kept: Kept) -> None:
        application = how_applied(self.plan, plan)
        sound = sound_now(self.runs.levels())
        outcome = Outcome.WAITING if application.next_start else Outcome.TRIAL
        proven = not kept.trial  # one that is still watched is nothing to return to
        kept = Kept(
            highest=found.version,
            running=found.version,
            before=kept.running if proven else kept.before,
            trial=True,
            sound=tuple(sorted(sound)),
            about=found.version,
            outcome=outcome.value,
            reason=application.words,
        )
        await self.audit.append("configuration.taken", {"version": found.version, "how": application.words})
        self.files.take(signed, kept, proven=proven)
        if application.next_start:
            return
        try:
            await self.runs.apply(plan, application)
        except LinesideError as error:
            await self._go_back(str(error))
            return
        self.plan = plan
        self._watch = Watch(sound=sound, began=self.clock.now())

    async def _wait(self) -> None:
        """Wait for the time to ask again; meanwhile look after what is being tried."""
        end = asyncio.get_running_loop().time() + self.pause
        while asyncio.get_running_loop().time() < end and not self._asked.is_set():
            if self._watch is not None:
                await self._look(self._watch)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(_LOOK_SECONDS, self.pause)):
                    await self._asked.wait()
        self._asked.clear()

    async def _look(self, watch: Watch) -> None:
        worse = watch.look(self.runs.levels(), self.clock.now())
        if worse is None:
            return
        self._watch = None
        if worse:
            await self._go_back(worse)
            return
        kept = self.files.read()
        await self.audit.append("configuration.running", {"version": kept.running})
        self.files.write(msgspec.structs.replace(kept, trial=False, starts=0, outcome=Outcome.RUNNING.value, reason=""))
        self._asked.set()

    async def _go_back(self, reason: str) -> None:
        """Run the configuration before again, and say why."""
        kept = self.files.read()
        await self.audit.append("configuration.returned", {"version": kept.running, "reason": reason})
        self.files.go_back(returned(kept, reason))
        self._watch = None
        self._asked.set()
        plan = await asyncio.to_thread(self._plan_before)
        application = how_applied(self.plan, plan)
        if application.next_start:
            self._say(f"{reason}; the one before {application.words}")
        elif application.changed:
            try:
                await self.runs.apply(plan, application)
                self.plan = plan
            except LinesideError as error:
                self._say(f"{reason}; the one before waits for the next start: {error}")

    def _plan_before(self) -> Plan:
        signed = self.files.running()
        if not signed:
            return load_plan(self.plan_file)
        return _plan_of(signed, self.identity, self.plan_file, self.clock.now())

    async def _refuse(self, kept: Kept, version: int, reason: str) -> None:
        said = (version, Outcome.REFUSED.value, reason)
        if said != (kept.about, kept.outcome, kept.reason):
            await self.audit.append("configuration.refused", {"version": version, "reason": reason})
            about, outcome, why = said
            self.files.write(msgspec.structs.replace(kept, about=about, outcome=outcome, reason=why))
            self._asked.set()

    def _say(self, reason: str) -> None:
        self.files.write(msgspec.structs.replace(self.files.read(), reason=reason))


def _plan_of(signed: bytes, identity: Identity, plan_file: Path, now: int) -> Plan:
    found = verify_configuration(signed, bytes.fromhex(identity.facts.plant), now)
    return _checked(found, plan_file)


def _checked(found: Configuration, plan_file: Path) -> Plan:
    """Return the plan of a configuration, linted, and of the line that the configuration is for."""
    plan = parse_plan(found.plan, f"{plan_file.name} of configuration {found.version}")
    if (plan.site.id, plan.line.id) != (found.site, found.line):
        raise PlanError("the plan is of another line", field="line", value=plan.line.id, choices=(found.line,))
    return plan
