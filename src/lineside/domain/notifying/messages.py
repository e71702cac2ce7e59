"""What a message about an alert says, whatever channel carries it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lineside.domain.nuisance import Notice
from lineside.domain.plan.model import Priority
from lineside.domain.said import Said, moment, say, word


class Occasion(StrEnum):
    """What happened to the alert."""

    RAISED = "raised"
    ESCALATED = "escalated"
    CLEARED = "cleared"
    CLOSED = "closed"


_HEADS: Final = {
    Priority.CRITICAL: word("Critical"),
    Priority.HIGH: word("High"),
    Priority.ADVISORY: word("Advisory"),
    Occasion.CLEARED: word("Back to normal"),
    Occasion.CLOSED: word("Closed"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message about one alert; ``id`` is the same however often it is made, so that nothing is told twice.

    ``role`` is who is asked to act; ``step`` the first step that is not done; ``suspects`` the units to hold back;
    ``link`` the address of the alert's card, ``answer`` the one of a page that takes a single answer (empty: none).
    ``folded`` counts further alerts that this message stands for. Times are UTC ns.
    """

    id: str
    alert: str
    occasion: Occasion
    time: int
    line: str
    station: str
    station_label: str
    characteristic: str
    characteristic_label: str
    cause: str
    priority: Priority
    notice: Notice
    text: str
    step: str = ""
    role: str = ""
    suspects: tuple[str, ...] = ()
    raised: int = 0
    shift: str = ""
    link: str = ""
    answer: str = ""
    folded: int = 0

    @property
    def title(self) -> Said:
        """One line that says what it is about."""
        place = {"station": self.station_label, "characteristic": self.characteristic_label}
        if self.occasion is Occasion.ESCALATED:
            head = say("Not answered, now for {role}: {station}, {characteristic}", role=self.role, **place)
        else:
            what = _HEADS[self.priority if self.occasion is Occasion.RAISED else self.occasion]
            head = say("{what}: {station}, {characteristic}", what=what, **place)
        return say("{title} (and {count} more)", title=head, count=self.folded) if self.folded else head

    @property
    def since(self) -> Said:
        """When the alert was raised: a message may arrive much later."""
        return say("Raised {time}", time=moment(self.raised))
