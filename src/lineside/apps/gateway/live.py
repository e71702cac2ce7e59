"""What a running gateway exchanges while it runs: the plan that people's answers come from, and single sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from lineside.apps.gateway.sources import SourceOptions, open_source
from lineside.apps.gateway.vitals import Vitals
from lineside.domain.errors import LinesideError
from lineside.domain.health.states import Level, State, Subject
from lineside.domain.plan.applying import Application
from lineside.domain.plan.model import Plan
from lineside.domain.readings import ReadingBatch
from lineside.flows.replaceable import ReplaceableSource
from lineside.ports import Clock

_WATCHED: Final = (Subject.SOURCE, Subject.STATION, Subject.BUFFER, Subject.DISK)
"""What a change of configuration can make worse; link, clock and models have their own lives."""


def replaceable_sources(
    plan: Plan, clock: Clock, options: SourceOptions, seen: Sequence[ReadingBatch]
) -> dict[str, ReplaceableSource]:
    """Return every source of a plan by id, so that each can be exchanged."""
    return {
        spec.id: ReplaceableSource(partial(open_source, plan, spec.id, clock, options, seen)) for spec in plan.sources
    }


@dataclass(kw_only=True, slots=True)
class LiveGateway:
    """`lineside.apps.gateway.configuration.Runs` over the parts; ``past`` gives the readings accepted lately.

    ``takers`` are told of a plan that is in force from now on.
    """

    plan: Plan
    clock: Clock
    options: SourceOptions
    vitals: Vitals
    sources: Mapping[str, ReplaceableSource]
    past: Callable[[], Awaitable[Sequence[ReadingBatch]]]
    takers: Sequence[Callable[[Plan], None]]

    def levels(self) -> dict[str, tuple[int, str]]:
        """Return how the parts do that a plan can make worse.

        A source that is silent may be one of a line that stands still, so silence is no reason to return.
        """
        return {
            f"{item.subject} {item.id}".strip(): (
                int(Level.ATTENTION if item.state is State.SILENT else item.level),
                item.words,
            )
            for item in self.vitals.healths()
            if item.subject in _WATCHED
        }

    async def apply(self, plan: Plan, application: Application) -> None:
        """Open the sources anew that changed, one after another, then exchange the plan.

        Raises:
            LinesideError: a source cannot be opened so; all of them are as they were.
        """
        done: list[str] = []
        try:
            for name in application.sources:
                await self._exchange(name, plan)
                done.append(name)
        except LinesideError:
            for name in done:
                await self._exchange(name, self.plan)
            raise
        for take in self.takers:
            take(plan)
        self.plan = self.vitals.plan = plan

    async def _exchange(self, name: str, plan: Plan) -> None:
        seen = await self.past()
        await self.sources[name].exchange(partial(open_source, plan, name, self.clock, self.options, seen))
