"""Who is told what: the routes of the administrator, not of the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lineside.domain.notifying.andon import AndonNode
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.nuisance import Notice
from lineside.domain.said import Language


class Channel(StrEnum):
    """The kinds of targets."""

    WEBHOOK = "webhook"
    TEAMS = "teams"
    SLACK = "slack"
    EMAIL = "email"
    MQTT = "mqtt"
    SERVICENOW = "servicenow"
    SAP = "sap"


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Which messages a target gets; an empty field lets every message pass.

    By default what interrupts is told when it is raised and when nobody has answered.
    """

    stations: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    notices: tuple[str, ...] = (Notice.INTERRUPT,)
    occasions: tuple[str, ...] = (Occasion.RAISED, Occasion.ESCALATED)
    shifts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def wants(self, message: Message) -> bool:
        """Return whether the target gets a message."""
        asked = (
            (self.stations, message.station),
            (self.priorities, message.priority),
            (self.notices, message.notice),
            (self.occasions, message.occasion),
            (self.shifts, message.shift),
            (self.roles, message.role),
        )
        return all(not wanted or said in wanted for wanted, said in asked)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where messages go. ``options`` are those of its channel; a secret is only named, never held.

    ``per_minute`` is the most messages that it takes; more are folded into one. ``language`` is what it is told in.
    """

    id: str
    channel: Channel
    route: Route = field(default_factory=Route)
    per_minute: int = 30
    language: Language = Language.ENGLISH
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notifying:
    """The whole of it: the board's address for links, addresses inside the plant that may be reached, the targets.

    ``andons`` are the edge nodes by which HMIs and stack lights follow the line.
    """

    board: str = ""
    inside: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    andons: tuple[AndonNode, ...] = ()
