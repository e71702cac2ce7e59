"""What every page has at hand: the board's parts, introduced to each other once per process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jinja2 import Environment

from lineside.adapters.state_sql import SqlState
from lineside.apps.plant.board.doorkeeper import Doorkeeper
from lineside.apps.plant.board.live import Broadcast
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.plant.floor import Floor
from lineside.domain.access import Account, Session
from lineside.domain.alerts import AlertEvent
from lineside.ports import AuditLog, Clock

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
