"""Signals and their sources: what each says, how well, how its clock stands, and what was refused or dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from lineside.apps.plant.board.context import Board
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.domain.health.states import Subject
from lineside.domain.intake.reasons import EXPLANATIONS
from lineside.wire.status import HealthStatus, SourceStatus

_MOST_REFUSALS: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceView:
    """One source as a gateway tells of it: ``health`` is its own state, ``clock`` that of its clock."""

    id: str
    label: str
    gateway: str = ""
    gone: bool = False
    said: SourceStatus | None = None
    health: HealthStatus | None = None
    clock: HealthStatus | None = None

    @property
    def duplicates(self) -> float | None:
        """The share of what came that had come before; None where nothing came."""
        if self.said is None or not (came := self.said.readings + self.said.duplicates):
            return None
        return self.said.duplicates / came


async def signals(call: Call) -> Response:
    """Show how each signal and each source does."""
    board, now = call.board, call.board.now()
    book = board.settings.signals
    plan, watched = board.floor.plan, board.settings.watched()
    doubtful = {
        signal: fault for station in board.floor.stations() for signal, fault in watched.doubtful(station).items()
    }
    dropped: Counter[str] = Counter()
    for receipt in board.floor.missing.newest():
        dropped[receipt.reason] += receipt.count
    refusals = () if book is None else book.refusals()
    return page(
        board,
        call.who,
        "signals.html",
        signals=() if book is None else book.views(now),
        begun=0 if book is None else book.begun,
        sources=_sources(board),
        labels={source.id: source.label for source in plan.sources},
        doubtful=doubtful,
        refusals=refusals[:_MOST_REFUSALS],
        explained=EXPLANATIONS,
        refused_kinds=len(refusals),
        dropped=dropped.most_common(),
    )


def _sources(board: Board) -> tuple[SourceView, ...]:
    """Return the plan's sources, each as every gateway tells of it that has heard it, or else as nobody does."""
    found: list[SourceView] = []
    views = board.settings.gateways()
    for spec in board.floor.plan.sources:
        told = [
            SourceView(
                id=spec.id,
                label=spec.label,
                gateway=view.name,
                gone=view.gone,
                said=said,
                health=_health(view.status.healths, Subject.SOURCE, spec.id),
                clock=_health(view.status.healths, Subject.CLOCK, spec.id),
            )
            for view in views
            if view.status is not None
            for said in view.status.sources
            if said.id == spec.id
        ]
        found += told or [SourceView(id=spec.id, label=spec.label)]
    return tuple(found)


def _health(healths: tuple[HealthStatus, ...], subject: Subject, name: str) -> HealthStatus | None:
    return next((item for item in healths if item.subject == subject and item.id == name), None)
