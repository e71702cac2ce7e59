"""The states that the parts of a gateway can be in, and how grave each is.

Theory of operation. Each *subject* (a source, a station, the buffer, the clock, the disk, a model, the link, the
record) is in exactly one of its states at any time, with the time since when and a reason in words. `LEVELS` is the
one table: it says which states a subject knows and how grave each is. Everything that counts, colours or alarms on
health reads the level from it; what decides on the state stands in `lineside.domain.health.sources` and
`lineside.domain.health.gateway`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Level(IntEnum):
    """How grave a state is; the greater, the worse."""

    GOOD = 0
    ATTENTION = 1
    BAD = 2


class Subject(StrEnum):
    """What has a state of health."""

    SOURCE = "source"
    STATION = "station"
    BUFFER = "buffer"
    CLOCK = "clock"
    DISK = "disk"
    MODEL = "model"
    LINK = "link"
    LOAD = "load"
    RECORD = "record"


class State(StrEnum):
    """The states of all subjects; `LEVELS` says which subject knows which."""

    STARTING = "starting"
    CONNECTED = "connected"
    DEGRADED = "degraded"
    SILENT = "silent"
    LOST = "lost"
    STOPPED = "stopped"
    WAITING = "waiting"
    JUDGING = "judging"
    UNJUDGED = "unjudged"
    READY = "ready"
    FILLING = "filling"
    FULL = "full"
    UNRECORDED = "unrecorded"
    STEADY = "steady"
    STEPPED = "stepped"
    SKEWED = "skewed"
    SLOW = "slow"
    LOW = "low"
    IN_SERVICE = "in service"
    REFUSED = "refused"
    NONE = "none"
    BEHIND = "behind"
    SHEDDING = "shedding"
    AGREED = "agreed"
    DIFFERENT = "different"


LEVELS: Final[Mapping[Subject, Mapping[State, Level]]] = {
    Subject.SOURCE: {
        State.STARTING: Level.GOOD,
        State.CONNECTED: Level.GOOD,
        State.DEGRADED: Level.ATTENTION,
        State.SILENT: Level.BAD,
        State.LOST: Level.BAD,
        State.STOPPED: Level.ATTENTION,
    },
    Subject.STATION: {
        State.WAITING: Level.GOOD,
        State.JUDGING: Level.GOOD,
        State.READY: Level.GOOD,
        State.UNJUDGED: Level.ATTENTION,
        State.DEGRADED: Level.ATTENTION,
    },
    Subject.BUFFER: {
        State.READY: Level.GOOD,
        State.FILLING: Level.ATTENTION,
        State.FULL: Level.BAD,
        State.UNRECORDED: Level.BAD,
    },
    Subject.CLOCK: {
        State.STEADY: Level.GOOD,
        State.STEPPED: Level.ATTENTION,
        State.SKEWED: Level.ATTENTION,
        State.REFUSED: Level.BAD,
    },
    Subject.DISK: {
        State.READY: Level.GOOD,
        State.SLOW: Level.ATTENTION,
        State.LOW: Level.ATTENTION,
        State.FULL: Level.BAD,
    },
    Subject.MODEL: {
        State.IN_SERVICE: Level.GOOD,
        State.NONE: Level.ATTENTION,
        State.REFUSED: Level.BAD,
    },
    Subject.LOAD: {
        State.READY: Level.GOOD,
        State.SHEDDING: Level.ATTENTION,
    },
    Subject.LINK: {
        State.STARTING: Level.GOOD,
        State.CONNECTED: Level.GOOD,
        State.BEHIND: Level.ATTENTION,
        State.LOST: Level.BAD,
    },
    Subject.RECORD: {
        State.WAITING: Level.GOOD,
        State.AGREED: Level.GOOD,
        State.DIFFERENT: Level.BAD,
    },
}
"""Which states a subject knows, and how grave each is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """The state of one subject: ``id`` names it, ``since`` (UTC ns) is when the state began, ``reason`` says why.

    Raises:
        ValueError: the subject does not know that state.
    """

    subject: Subject
    id: str
    state: State
    since: int
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse a state that the table does not give to the subject."""
        if self.state not in LEVELS[self.subject]:
            raise ValueError(f"a {self.subject} is never {self.state!r}")

    @property
    def level(self) -> Level:
        """How grave it is."""
        return LEVELS[self.subject][self.state]

    @property
    def words(self) -> str:
        """The state in one line, as it is shown: ``source press: lost (connection refused)``."""
        name = f"{self.subject} {self.id}" if self.id else str(self.subject)
        return f"{name}: {self.state} ({self.reason})" if self.reason else f"{name}: {self.state}"


def worst(healths: Iterable[Health]) -> Level:
    """Return the gravest level among them; good where there are none."""
    return max((item.level for item in healths), default=Level.GOOD)


def not_good(healths: Iterable[Health]) -> tuple[Health, ...]:
    """Return what is not good, the gravest first, then as they came."""
    return tuple(sorted((item for item in healths if item.level), key=lambda item: -item.level))
