"""The panel on which a visitor breaks things: the episodes, each started and stopped over the bus."""

from __future__ import annotations

from typing import Final

from lineside.apps.demo import commands
from lineside.apps.demo.episodes import EPISODES, Episode
from lineside.apps.plant.board.settings import Demo, Fault
from lineside.domain.errors import UnavailableError
from lineside.domain.said import exact, say
from lineside.ports import Bus

_WITHIN: Final = 3.0


class Panel:
    """Speaks to the running cell of a line over the bus."""

    def __init__(self, bus: Bus, site: str, line: str) -> None:
        """Store the bus and the line's ids."""
        self._bus = bus
        self._subject = commands.subject(site, line)

    async def ask(self, command: commands.Command) -> commands.Status:
        """Send a command and return how the demo stands then.

        Raises:
            UnavailableError: the cell does not answer, or cannot do it.
        """
        reply = await self._bus.request(self._subject, commands.encode(command), _WITHIN)
        status = commands.read_status(reply)
        if status.problem:
            raise UnavailableError(status.problem, field="episode", value=command.what)
        return status

    def faults(self, speed: float) -> Demo:
        """Return the board's panel for a process that runs at this speed."""
        note = say("Process time runs {speed} times as fast as the clock on your wall.", speed=exact(speed))
        return Demo(faults=tuple(self._fault(episode, speed) for episode in EPISODES), note=note)

    def _fault(self, episode: Episode, speed: float) -> Fault:
        async def start() -> None:
            await self.ask(commands.Command("start", episode.id))

        async def stop() -> None:
            await self.ask(commands.Command("stop", episode.id))

        return Fault(
            id=episode.id,
            name=episode.name,
            description=episode.description,
            follows=episode.follows(speed),
            start=start,
            stop=stop,
        )
