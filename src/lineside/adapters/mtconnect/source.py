"""The `Source` of an MTConnect agent: `open_source` gives it for a plan, a source of kind ``mtconnect`` and a clock.

The addresses of signals are ids or names of data items (`lineside.adapters.mtconnect.items`). An agent numbers its
observations and keeps the newest in a buffer. The source takes the state of all data items once (``current``), then
asks for what came since (``sample?from=``), again and again until it has caught up. Its position, the agent's run and
the next number, is kept once everything before it is durable; so nothing is missed or doubled by a restart of the
gateway, as long as the agent's buffer reaches back that far.

What is lost is counted as ``lost_at_source``: an agent that was started anew (another ``instanceId``) has lost what
was not read; a buffer that ran over has lost as many observations as their numbers say. UNAVAILABLE is no value: the
reading has a bad status (Bad_NoCommunication). Data sets and tables are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from lineside.adapters.http_get import Answer, HttpConnection, HttpOptions, TooLargeError
from lineside.adapters.kept_position import keep_position, load_position
from lineside.adapters.mtconnect.documents import (
    AgentError,
    DataItem,
    DocumentError,
    Header,
    Observation,
    read_devices,
    read_streams,
)
from lineside.adapters.mtconnect.items import Wanted, by_item, unit_differs
from lineside.adapters.mtconnect.offering import Offering
from lineside.adapters.polling import MOST_PENDING, PolledSource
from lineside.domain.errors import ConfigurationError, StorageError
from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, refuse
from lineside.domain.intake.troubles import Troubles
from lineside.domain.plan.model import MtconnectSpec, Plan
from lineside.domain.readings import ReadingBatch
from lineside.ports import Clock

OUT_OF_RANGE: Final = "OUT_OF_RANGE"
MOST_ANSWERS: Final = 100
"""Answers that are taken in one poll while there is more; then the gateway has its turn."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on: the run of the agent, and the number of the next observation.

    ``state`` says that the state of all data items just before that number is still to be taken.
    """

    instance: str
    next: int
    state: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MtconnectOptions:
    """What the plan does not hold.

    Args:
        http: secrets, certificates and time-outs.
        position: file that keeps the position across restarts; None: begin with the present state.
    """

    http: HttpOptions = field(default_factory=HttpOptions)
    position: Path | None = None


class MtconnectAsker:
    """Follows one agent."""

    def __init__(
        self, plan: Plan, spec: MtconnectSpec, gate: Gate, troubles: Troubles, clock: Clock, options: MtconnectOptions
    ) -> None:
        self._spec = spec
        self._units = {signal.id: signal.unit for signal in plan.signals}
        self._gate = gate
        self._troubles = troubles
        self._clock = clock
        self._offering = Offering(gate, troubles)
        self._file = options.position
        self._http = HttpConnection(options.http)
        self._base = spec.url.rstrip("/") + (f"/{quote(spec.device, safe='')}" if spec.device else "")
        self._wanted: dict[str, list[Wanted]] = {}
        self.items = 0
        self._loaded = False
        self._at: Position | None = None
        self._kept: Position | None = None

    async def open(self) -> None:
        """Ask what there is, and load the position on the first time."""
        if not self._loaded:
            self._at = self._kept = await asyncio.to_thread(load_position, self._file, Position)
            self._loaded = True
        self._http.open()
        try:
            _, items = read_devices((await self._get("probe")).body)
        except (AgentError, DocumentError) as error:
            raise ConnectionError(f"the answer to 'probe' cannot be used: {error}") from error
        self.know(items)

    def know(self, items: Sequence[DataItem]) -> None:
        """Take note of what the agent has; what a signal does not find is reported."""
        self.items = len(items)
        self._wanted, refused = by_item(self._gate.rules.values(), items)
        now = self._clock.now()
        for signal, why in refused.items():
            refusal = refuse(Reason.UNKNOWN_NODE, hint=f"Found: {why}. Look at {self._base}/probe.")
            self._troubles.note(f"item {signal}", refusal, now=now, signal=signal, raw=why.encode())
        for item in items:
            for wanted in self._wanted.get(item.id, ()):
                self._troubles.over(f"item {wanted.rule.id}", now)
                if unit_differs(self._units[wanted.rule.id], item):
                    hint = f"The agent says {item.units}, the plan {self._units[wanted.rule.id]}."
                    refusal = refuse(Reason.UNIT_DIFFERS, hint=hint)
                    self._troubles.note(f"unit {wanted.rule.id}", refusal, now=now, signal=wanted.rule.id)

    async def ask(self, interval: int) -> None:
        """Take what is new."""
        del interval
        try:
            if self._at is None:
                await self._begin()
            elif self._at.state:
                await self._take_state_again(self._at)
            await self._catch_up()
        except (AgentError, DocumentError, TooLargeError) as error:
            self._note(error)
        else:
            self._troubles.over("answer", self._clock.now())

    def token(self) -> object:
        """Return the position behind all that was offered."""
        return self._at

    async def acknowledge(self, token: object) -> None:
        """Keep a position, unless it is kept already."""
        if isinstance(token, Position) and token != self._kept:
            await asyncio.to_thread(keep_position, self._file, token)
            self._kept = token

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    # -- following ----------------------------------------------------------------------------------------

    async def take_state(self) -> None:
        """Offer the present state, and keep nothing of it in mind."""
        _, observations = await self._streams("current")
        self._take(observations)

    async def _begin(self) -> None:
        """Take the present state; a restart before it is durable takes the same state again."""
        header, observations = await self._streams("current")
        position = Position(instance=header.instance, next=header.next, state=True)
        with contextlib.suppress(StorageError):  # the first acknowledgement tries again, and says so
            await asyncio.to_thread(keep_position, self._file, position)
            self._kept = position
        self._take(observations)
        self._at = Position(instance=header.instance, next=header.next)

    async def _take_state_again(self, at: Position) -> None:
        """Take the state that was taken before and never became durable, if the agent still has it."""
        try:
            header, observations = await self._streams("current", at=str(max(1, at.next - 1)))
        except AgentError:
            observations, header = [], Header(at.instance)
        if header.instance == at.instance:
            self._take(observations)
        self._at = Position(instance=at.instance, next=at.next)

    async def _catch_up(self) -> None:
        """Take observations until there are no more, or the gateway has enough to do."""
        for _ in range(MOST_ANSWERS):
            assert self._at is not None
            before = self._at.next
            try:
                header, observations = await self._streams("sample", **{"from": str(before), "count": self._most})
            except AgentError as error:
                if error.code != OUT_OF_RANGE:
                    raise
                header, _ = await self._streams("current")
                if header.instance == self._at.instance and header.first <= before <= header.next:
                    return
                self._find_place(self._at, header)
                continue
            if header.instance != self._at.instance or header.first > before:
                self._find_place(self._at, header)
                continue
            self._take(observations)
            self._at = Position(instance=header.instance, next=max(before, header.next))
            if header.next <= before or header.next > header.last or self._gate.pending >= MOST_PENDING:
                return

    def _find_place(self, at: Position, header: Header) -> None:
        """Go to the oldest observation that the agent has, and report what is lost before it."""
        if header.instance != at.instance or at.next > header.next:
            hint = f"The agent was started anew (instance {at.instance}, now {header.instance}): what it had is gone."
            lost = 1
        else:
            lost = header.first - at.next
            hint = f"The agent's buffer ran over: {lost} observations from {at.next} on are gone; ask more often."
        now = self._clock.now()
        self._gate.refuse(refuse(Reason.LOST_AT_SOURCE, hint=hint), received=now, raw=str(at.next).encode(), count=lost)
        self._at = Position(instance=header.instance, next=header.first)

    def _take(self, observations: Iterable[Observation]) -> None:
        self._offering.take(observations, self._wanted, self._clock.now())

    # -- asking -------------------------------------------------------------------------------------------

    @property
    def _most(self) -> str:
        return str(self._spec.most)

    async def _streams(self, what: str, **query: str) -> tuple[Header, list[Observation]]:
        return read_streams((await self._get(what, **query)).body, self._wanted)

    async def _get(self, what: str, **query: str) -> Answer:
        """Return the answer to a request; one that is an error of HTTP and no document of the agent's is an error."""
        answer = await self._http.get(f"{self._base}/{what}", params=query or None)
        if answer.status >= 300 and b"MTConnectError" not in answer.body[:4096]:
            raise AgentError(f"HTTP {answer.status}", "redirects are not followed" if answer.status < 400 else "")
        return answer

    def _note(self, error: AgentError | DocumentError | TooLargeError) -> None:
        if isinstance(error, AgentError):
            refusal = refuse(Reason.MACHINE_EXCEPTION, hint=f"The agent says {error}.")
        elif isinstance(error, TooLargeError):
            refusal = refuse(Reason.MESSAGE_TOO_LARGE, hint="Ask for fewer observations at once ('most').")
        else:
            refusal = refuse(Reason.MALFORMED_XML, hint=f"{error}.")
        raw = error.raw if isinstance(error, TooLargeError) else str(error).encode()
        self._troubles.note("answer", refusal, now=self._clock.now(), raw=raw)


def open_source(
    plan: Plan,
    spec: MtconnectSpec,
    clock: Clock,
    *,
    options: MtconnectOptions | None = None,
    seen: Iterable[ReadingBatch] = (),
) -> PolledSource:
    """Return the source of the agent that ``spec`` names; nothing is connected before it delivers.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the address is none of HTTP.
    """
    check_url(spec)
    gate, record = Gate(plan, spec.id), SourceRecord()
    troubles = Troubles(gate.refuse, record)
    source = PolledSource(
        gate=gate,
        clock=clock,
        address=spec.url,
        intervals=[spec.poll_interval],
        asker=MtconnectAsker(plan, spec, gate, troubles, clock, options or MtconnectOptions()),
        troubles=troubles,
        record=record,
    )
    source.remember(seen)
    return source


def check_url(spec: MtconnectSpec) -> None:
    """Refuse an address that is none.

    Raises:
        ConfigurationError: the address is none of HTTP.
    """
    url = urlsplit(spec.url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigurationError(
            "not an address of MTConnect",
            field=f"sources.{spec.id}.url",
            value=spec.url,
            next_step="write http://host:port, or https:// for TLS",
        )
