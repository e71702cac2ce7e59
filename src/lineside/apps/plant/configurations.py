"""Configurations on their way from the plant to its gateways, in waves.

A plan is linted, gets a version, and is given to one gateway first. The others are given it when that one runs it
and is no worse for it. Each gateway asks for its own; what it is answered is signed for it alone and holds a day, and
what it says of it is noted. Every step is in the audit record before it takes effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.durable_files import load_key
from lineside.adapters.plan_yaml import parse_plan
from lineside.adapters.state_sql import SqlState
from lineside.adapters.state_sql.configurations import Placement, StoredConfiguration
from lineside.apps.layout import Layout
from lineside.apps.releasing import revision_of
from lineside.domain.configuring import Outcome
from lineside.domain.errors import InputError
from lineside.domain.releases.ladder import fold
from lineside.domain.releases.table import Rung
from lineside.domain.units import DAY
from lineside.ports import Bus, Clock
from lineside.wire.configuration import (
    MOST_BYTES,
    Configuration,
    ConfigurationAsk,
    decode_ask,
    sign_configuration,
)
from lineside.wire.signed import Signer
from lineside.wire.subjects import Subjects

QUEUE: Final = "configurations"
LASTS: Final = DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationDesk:
    """Gives gateways their configurations; all its state is in the plant's stores."""

    layout: Layout
    state: SqlState
    audit: SqliteAudit
    clock: Clock

    async def begin(self, text: str, first: str, *, by: str) -> int:
        """Give a plan to the first gateway of its line, and return the version it got.

        Args:
            text: the plan.
            first: the gateway; empty: the first of the line by name.
            by: who asked for it, for the audit record.

        Raises:
            PlanError: the plan has mistakes.
            InputError: two persons have not approved it, there is no such gateway, or it is too large to travel.
        """
        plan, revision = parse_plan(text, "the plan"), revision_of(text)
        if fold(await self.state.ladder.all()).of(revision).rung is not Rung.IN_FORCE:
            raise InputError(
                "this revision of the plan is not in force",
                field="plan",
                value=revision,
                next_step="lineside release propose; two persons approve it; lineside release promote",
            )
        if len(text.encode()) > MOST_BYTES:
            raise InputError(
                "a plan that is too large to travel", field="length", value=len(text), choices=(MOST_BYTES,)
            )
        names = await self._gateways(plan.site.id, plan.line.id)
        chosen = first or next(iter(names), "")
        if chosen not in names:
            raise InputError("no gateway of this line is enrolled by that name", value=first, choices=names)
        version = await self.state.configurations.add(plan.site.id, plan.line.id, text, self.clock.now())
        await self._place([chosen], version, by=by)
        return version

    async def go_on(self, site: str, line: str, *, by: str) -> tuple[int, Sequence[str]]:
        """Give the newest plan of a line to the gateways that do not have it; return its version and their names.

        Raises:
            InputError: there is none, or a gateway that has it does not run it well.
        """
        newest = await self.state.configurations.newest(site, line)
        if newest is None:
            raise InputError("nothing was given to a first gateway of this line yet", field="line", value=line)
        names = await self._gateways(site, line)
        known = await self.state.configurations.placements()
        have = [known[name] for name in names if name in known and known[name].version == newest.version]
        for item in have:
            if item.outcome != Outcome.RUNNING or item.running != newest.version:
                raise InputError(
                    f"{item.gateway} does not run version {newest.version} yet: {describe(item)}",
                    next_step="wait until it does, or mend the plan and begin again",
                )
        rest = [name for name in names if name not in {item.gateway for item in have}]
        await self._place(rest, newest.version, by=by)
        return newest.version, rest

    async def answer(self, gateway: str, ask: ConfigurationAsk) -> bytes:
        """Note what a gateway says, and return the signed configuration that it should take; empty where none."""
        now = self.clock.now()
        known = (await self.state.configurations.placements()).get(gateway)
        if known is None:
            return b""
        said = known
        if ask.about == known.version:
            said = Placement(
                gateway=gateway, version=known.version, running=ask.running, outcome=ask.outcome, reason=ask.reason,
                changed=now,
            )  # fmt: skip
            if (said.outcome, said.running) != (known.outcome, known.running):
                content = {"gateway": gateway, "version": said.version, "outcome": said.outcome, "reason": said.reason}
                await self.audit.append("configuration.said", content)
                await self.state.configurations.said(said)
        if ask.running == known.version or said.outcome in {Outcome.REFUSED, Outcome.RETURNED}:
            return b""
        stored = await self.state.configurations.version(known.version)
        return b"" if stored is None else self.sign(stored, gateway)

    def sign(self, stored: StoredConfiguration, gateway: str) -> bytes:
        """Return a configuration signed for one gateway, for a day from now."""
        now = self.clock.now()
        made = Configuration(
            version=stored.version,
            site=stored.site,
            line=stored.line,
            gateway=gateway,
            plan=stored.plan,
            issued=now,
            expires=now + LASTS,
        )
        return sign_configuration(made, Signer(load_key(self.layout.plant_key)))

    async def _gateways(self, site: str, line: str) -> list[str]:
        every = await self.state.gateways.all()
        return [item.name for item in every if (item.site, item.line, item.revoked) == (site, line, None)]

    async def _place(self, gateways: Sequence[str], version: int, *, by: str) -> None:
        for gateway in gateways:
            await self.audit.append("configuration.given", {"gateway": gateway, "version": version, "by": by})
            await self.state.configurations.place(gateway, version, self.clock.now())


async def serve_configurations(bus: Bus, desk: ConfigurationDesk, subjects: Subjects) -> None:
    """Answer the gateways of a line that ask for their configuration."""

    async def answer(subject: str, data: bytes) -> bytes:
        return await desk.answer(subject.rpartition(".")[2], decode_ask(data))

    await bus.serve_each(subjects.configuration, answer, QUEUE)


def describe(placement: Placement) -> str:
    """Return how a gateway stands with its configuration, in words."""
    if not placement.outcome:
        return f"shall run version {placement.version}, and has not said anything of it"
    reason = f" ({placement.reason})" if placement.reason else ""
    return f"shall run version {placement.version}: {placement.outcome}{reason}; runs {placement.running or 'its file'}"
