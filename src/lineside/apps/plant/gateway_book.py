"""The gateways of a line as the plant knows them: born, heard, or gone with their last words.

A gateway is *gone* when it has said goodbye, or when nothing was heard of it for `GONE_AFTER` by the plant's own clock,
whatever the gateway's says. What it said last stays on show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lineside.domain.units import SECOND
from lineside.wire.life import Birth, Goodbye
from lineside.wire.status import GatewayStatus, HealthStatus

GONE_AFTER: Final = 10 * SECOND
_SHOWN: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayView:
    """One gateway: ``heard`` is when the plant last heard it (UTC ns, the plant's clock).

    ``gone`` says that it is, and ``words`` what it said last: its goodbye, or what was not good.
    """

    name: str
    heard: int
    gone: bool = False
    words: str = ""
    birth: Birth | None = None
    status: GatewayStatus | None = None
    goodbye: Goodbye | None = None

    @property
    def level(self) -> int:
        """The gravest level: 0 good, 1 attention, 2 bad; gone is bad."""
        return 2 if self.gone else 0 if self.status is None else self.status.level


class GatewayBook:
    """Takes in births, statuses and goodbyes; ``now`` is always the plant's clock, UTC ns."""

    def __init__(self) -> None:
        self._known: dict[str, GatewayView] = {}

    def born(self, birth: Birth, now: int) -> None:
        """Take in a birth: it is alive, and what it said before it went counts no more."""
        self._known[birth.gateway] = replace(self._of(birth.gateway), birth=birth, goodbye=None, heard=now)

    def heard(self, status: GatewayStatus, now: int) -> None:
        """Take in a status; one that was under way when its gateway said goodbye does not bring it back."""
        known = self._of(status.gateway)
        goodbye = known.goodbye if known.goodbye is not None and status.time <= known.goodbye.time else None
        self._known[status.gateway] = replace(known, status=status, goodbye=goodbye, heard=now)

    def went(self, goodbye: Goodbye, now: int) -> None:
        """Take in a goodbye."""
        self._known[goodbye.gateway] = replace(self._of(goodbye.gateway), goodbye=goodbye, heard=now)

    def wants_birth(self) -> bool:
        """Whether one is heard whose birth was not: the plant has started after it."""
        return any(view.birth is None for view in self._known.values())

    def views(self, now: int) -> tuple[GatewayView, ...]:
        """Return every gateway as it stands now, by name."""
        return tuple(_as_of(view, now) for _, view in sorted(self._known.items()))

    def _of(self, name: str) -> GatewayView:
        return self._known.get(name, GatewayView(name=name, heard=0))


def _as_of(view: GatewayView, now: int) -> GatewayView:
    if view.goodbye is not None:
        return replace(view, gone=True, words=view.goodbye.words)
    if now - view.heard > GONE_AFTER:
        said = what_is_bad(view.status.healths if view.status is not None else (), least=1)
        return replace(view, gone=True, words=f"fell silent; {said}" if said else "fell silent; all was good")
    return view


def what_is_bad(healths: tuple[HealthStatus, ...], least: int = 2) -> str:
    """Return in words what has that level at least, the gravest first, the first few of it."""
    found = sorted((item for item in healths if item.level >= least), key=lambda item: -item.level)
    words = "; ".join(item.words for item in found[:_SHOWN])
    return words if len(found) <= _SHOWN else f"{words}; and {len(found) - _SHOWN} more"
