"""What every page has at hand: the board's parts, introduced to each other once per process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment

from lineside.adapters.state_sql import ReleaseRecord, SqlState
from lineside.apps.plant.board.doorkeeper import Doorkeeper
from lineside.apps.plant.board.live import Broadcast
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.plant.floor import Floor, LinkStatus
from lineside.domain.access import Account, Session
from lineside.domain.alerts import AlertEvent
from lineside.domain.errors import IntegrityError
from lineside.ports import AuditLog, Clock

BUNDLES_LINK: Final = "model bundles"

Respond = Callable[[AlertEvent], Awaitable[None]]
Shown = Callable[[AlertEvent], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """The parts of the board. ``clock`` is wall time; `now` is the time of the process that is shown."""

    floor: Floor
    state: SqlState
    audit: AuditLog
    respond: Respond
    clock: Clock
    settings: BoardSettings
    doors: Doorkeeper
    broadcast: Broadcast
    templates: Environment
    broken: dict[str, int]

    async def releases(self) -> tuple[ReleaseRecord, ...]:
        """Return what is known of the bundles, newest first; what cannot be read of them is said on every page."""
        if self.settings.releases is not None:
            problem = ""
            try:
                await self.settings.releases()
            except IntegrityError as error:
                problem = error.problem
            known = [link for link in self.floor.links() if link.name == BUNDLES_LINK]
            if problem or known:
                status = LinkStatus(name=BUNDLES_LINK, kind="store", ok=not problem, detail=problem)
                self.floor.apply_status({BUNDLES_LINK: status})
        return await self.state.releases.all()

    def now(self) -> int:
        """Return the time of the process, UTC ns."""
        return (self.settings.process_clock or self.clock).now()


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who makes a request: the session that holds, and the token that its forms must carry."""

    session: Session
    token: str

    @property
    def account(self) -> Account:
        """The account, as it is now."""
        return self.session.account
