"""What a visitor may break, in words, and for how long it then stays broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.apps.demo.physics.downstream import INSPECTED
from lineside.apps.demo.physics.faults import FaultKind
from lineside.domain.said import Said, Value, say, span
from lineside.domain.units import HOUR, MINUTE

CUT_LINK: Final = "cut_link"
VACUUM_AWAY: Final = "vacuum_away"
CHILLER_SILENT: Final = "chiller_silent"
CHILLER_UNPLUGGED: Final = "chiller_unplugged"
OPENING_LASTS: Final = 75 * MINUTE
"""How long the scripted first episode lasts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """Something to break; durations in ns of process time, ``alert_after`` None where no alert should come."""

    id: str
    name: Said
    description: Said
    alert_after: int | None
    lasts: int

    def follows(self, speed: float) -> Said:
        """Return what will be seen and when, in the visitor's own time at a speed."""
        if self.id == CUT_LINK:
            return say("The board says that the gateway is away; after mending, everything arrives, nothing is lost.")
        if self.id == VACUUM_AWAY:
            return say(
                "The vacuum unit is called stale; parts are judged without it, and its readings come later, as history."
            )
        if self.id in {CHILLER_SILENT, CHILLER_UNPLUGGED}:
            return say("The gateway says so of the chiller; parts are judged without the cooling water, and say that.")
        if self.alert_after is None:
            return say("No alert about the parts should come: they stay as good as they were.")
        return say(
            "An alert within {alert}; inspection confirms it after {found}.",
            alert=_told(self.alert_after / speed),
            found=_told((self.alert_after + INSPECTED) / speed),
        )


EPISODES: Final = (
    Episode(
        id=FaultKind.CHILLER_VALVE,
        name=say("Close the cooling valve"),
        description=say(
            "The die's cooling valve V3 closes to a quarter. The die grows hot, castings shrink unfed: pores."
        ),
        alert_after=12 * MINUTE,
        lasts=2 * HOUR,
    ),
    Episode(
        id=FaultKind.VACUUM_LEAK,
        name=say("Open a vacuum leak"),
        description=say("The die's seal leaks. Air stays in the cavity and ends as gas pores."),
        alert_after=5 * MINUTE,
        lasts=2 * HOUR,
    ),
    Episode(
        id=FaultKind.PLUNGER_WEAR,
        name=say("Wear out the plunger tip"),
        description=say("The tip wears within minutes. The cavity fills slower, pressure does not arrive: cold shuts."),
        alert_after=18 * MINUTE,
        lasts=2 * HOUR,
    ),
    Episode(
        id=FaultKind.ALLOY_LOT,
        name=say("Deliver a poor alloy lot"),
        description=say(
            "The next melt carries more hydrogen and iron, less silicon: gas pores, now and then a cold shut."
        ),
        alert_after=12 * MINUTE,
        lasts=4 * HOUR,
    ),
    Episode(
        id=FaultKind.HOT_DAY,
        name=say("Make it a hot day"),
        description=say(
            "Eleven degrees more in the hall: everything runs warmer, and the parts stay as good as they were."
        ),
        alert_after=None,
        lasts=8 * HOUR,
    ),
    Episode(
        id=FaultKind.SENSOR_STUCK,
        name=say("Freeze a thermocouple"),
        description=say(
            "The moving half's thermocouple goes on reading what it reads now. Nothing happens to the parts."
        ),
        alert_after=None,
        lasts=2 * HOUR,
    ),
    Episode(
        id=FaultKind.SENSOR_DRIFT,
        name=say("Let a thermocouple drift"),
        description=say("The fixed half's thermocouple slowly comes to read 25 degrees too much. The parts stay good."),
        alert_after=None,
        lasts=4 * HOUR,
    ),
    Episode(
        id=CUT_LINK,
        name=say("Cut the link to the plant"),
        description=say("The gateway can no longer reach the plant. It goes on judging and keeps what it cannot send."),
        alert_after=None,
        lasts=20 * MINUTE,
    ),
    Episode(
        id=VACUUM_AWAY,
        name=say("Take the vacuum unit off the network"),
        description=say("The vacuum unit loses its network. The broker says that it died, and it is born again later."),
        alert_after=None,
        lasts=20 * MINUTE,
    ),
    Episode(
        id=CHILLER_SILENT,
        name=say("Silence the chiller"),
        description=say("The chiller's controller stops answering its Modbus gateway, which says so to every request."),
        alert_after=None,
        lasts=20 * MINUTE,
    ),
    Episode(
        id=CHILLER_UNPLUGGED,
        name=say("Unplug the chiller's gateway"),
        description=say("The cable is pulled: the cooling water is not measured any more. It flows on."),
        alert_after=None,
        lasts=20 * MINUTE,
    ),
)


def _told(nanoseconds: float) -> Value:
    return span(max(1, round(nanoseconds / MINUTE)) * MINUTE)
