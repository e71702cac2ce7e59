"""What a message about an alert says, whatever channel carries it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineside.domain.nuisance import Notice
from lineside.domain.plan.model import Priority


class Occasion(StrEnum):
    """What happened to the alert."""

    RAISED = "raised"
    ESCALATED = "escalated"
    CLEARED = "cleared"
    CLOSED = "closed"


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
    def title(self) -> str:
        """One line that says what it is about."""
        head = {
            Occasion.RAISED: str(self.priority).capitalize(),
            Occasion.ESCALATED: f"Not answered, now for {self.role}",
            Occasion.CLEARED: "Back to normal",
            Occasion.CLOSED: "Closed",
        }[self.occasion]
        more = f" (and {self.folded} more)" if self.folded else ""
        return f"{head}: {self.station_label}, {self.characteristic_label}{more}"
