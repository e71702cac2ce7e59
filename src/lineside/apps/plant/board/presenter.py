"""What happens by itself while the board runs.

1. Alerts that wait for the audit record are put into it, and only then may be seen.
2. What changed is rendered once for each language, a few times a second at most, and sent to everybody.
3. The time of the process is sent with every change, and where nothing changes every two seconds, so that ages are
   right on tablets whose clocks are not, and a browser notices that nothing comes any more.
4. Streams whose session has ended are closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from lineside.apps.plant.board.context import Board, Shown
from lineside.apps.plant.board.fragments import overview_fragments
from lineside.apps.plant.board.live import encode_event
from lineside.apps.plant.floor import Change, LinkStatus
from lineside.apps.web.language import speaking
from lineside.domain.errors import StorageError, UnavailableError
from lineside.domain.nuisance import Notice

_log: Final = logging.getLogger(__name__)

AUDIT_LINK: Final = "audit record"
_PAUSE: Final = 0.3
_RETRY: Final = 1.0
_BEAT: Final = 2.0
_BEATS_PER_REFRESH: Final = 5


@dataclass(slots=True)
class Presenter:
    """The board's background tasks; ``shown`` returns once the audit record holds an alert event."""

    board: Board
    shown: Shown
    _stations: set[str] = field(default_factory=set)
    _alerts: set[str] = field(default_factory=set)
    _levels: dict[tuple[str, str, str], Notice] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _withheld: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the tasks for as long as the block lasts."""
        stop_listening = self.board.floor.listen(self._notice)
        self._withheld.set()
        self._levels |= {key: item.level for key, item in self.board.floor.notices().standings.items()}
        tasks = [
            asyncio.create_task(work(), name=f"board {work.__name__}")
            for work in (self._audit, self._render, self._beat, self._watch_sessions)
        ]
        try:
            yield
        finally:
            stop_listening()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.board.broadcast.close()

    def _notice(self, change: Change) -> None:
        self._stations |= change.stations
        self._alerts |= change.alerts
        if change.withheld:
            self._withheld.set()
        if change.stations or change.alerts or change.links:
            self._changed.set()

    async def _audit(self) -> None:
        while True:
            await self._withheld.wait()
            self._withheld.clear()
            while waiting := self.board.floor.withheld():
                try:
                    for event in waiting:
                        await self.shown(event)
                        self.board.floor.reveal([event.id])
                except (StorageError, UnavailableError) as error:
                    self._say_audit(f"alerts wait for it: {error.problem}")
                    await asyncio.sleep(_RETRY)
                else:
                    self._say_audit("")

    def _say_audit(self, problem: str) -> None:
        known = next((link for link in self.board.floor.links() if link.name == AUDIT_LINK), None)
        if (known is None and not problem) or (known is not None and known.detail == problem):
            return
        status = LinkStatus(name=AUDIT_LINK, kind="store", ok=not problem, detail=problem, since=self.board.now())
        self.board.floor.apply_status({AUDIT_LINK: status})

    async def _render(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            stations, self._stations = self._stations, set()
            alerts, self._alerts = self._alerts, set()
            self._send(stations, alerts)
            if alerts:
                await self._note_levels()
            await asyncio.sleep(_PAUSE)

    async def _note_levels(self) -> None:
        """Put into the audit record that a cause interrupts no more, or again; what cannot be kept is tried again."""
        for key, standing in self.board.floor.notices().standings.items():
            known = self._levels.setdefault(key, standing.level)
            if known is standing.level:
                continue
            said = {"from": known, "to": standing.level, "value": round(standing.value, 3), "model": standing.model}
            with contextlib.suppress(StorageError, UnavailableError):
                await self.board.audit.append("cause.notice", {"cause": "/".join(key), **said})
                self._levels[key] = standing.level

    def _send(self, stations: set[str], alerts: set[str]) -> None:
        self.board.broadcast.version += 1
        for language in self.board.broadcast.languages():
            with speaking(language):
                html = overview_fragments(self.board, stations)
            content: dict[str, object] = {
                **_told(self.board),
                "html": html,
                "stations": sorted(stations),
                "alerts": sorted(alerts),
            }
            self.board.broadcast.send(encode_event("change", content), language=language)

    async def _beat(self) -> None:
        beats = 0
        while True:
            told = self.board.broadcast.version
            await asyncio.sleep(_BEAT)
            beats += 1
            if beats % _BEATS_PER_REFRESH == 0:
                # Silence and shelving begin and end without any event.
                self._stations |= set(self.board.floor.stations())
                self._changed.set()
            if self.board.broadcast.version == told:
                self.board.broadcast.send(beat(self.board))

    async def _watch_sessions(self) -> None:
        while True:
            await asyncio.sleep(self.board.settings.session_check)
            listening = self.board.broadcast.token_hashes()
            if not listening:
                continue
            try:
                holding = await self.board.doors.holding(listening)
            except StorageError:
                # Who may still listen cannot be known: nobody may.
                _log.exception("sessions cannot be checked; live streams are closed")
                holding = frozenset()
            self.board.broadcast.end_others(holding)


def beat(board: Board) -> bytes:
    """Return the event that tells the time of the process and the age of the newest data."""
    return encode_event("beat", _told(board))


def _told(board: Board) -> dict[str, int]:
    return {
        "now": board.now() // 1_000_000,
        "newest": board.floor.newest() // 1_000_000,
        "version": board.broadcast.version,
    }
