"""How the stations of a line stand, for what is no page of the board: other systems, HMIs, stack lights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec

from lineside.apps.plant.floor import Floor
from lineside.apps.plant.floor.views import Condition
from lineside.apps.web.language import plan_text
from lineside.apps.web.words import recorded
from lineside.domain.plan.model import Priority


class StationAndon(msgspec.Struct, frozen=True, omit_defaults=False):
    """One station. ``state`` is the tile's condition; ``since`` and ``last_part`` UTC ns, 0 where there is none."""

    station: str
    label: str
    state: Condition
    priority: Priority | None
    characteristic: str
    text: str
    step: str
    since: int
    taken: bool
    stale: bool
    last_part: int
    alert: Annotated[str, msgspec.Meta(description="Id of the most urgent alert; empty: none.")]


def stations_of(floor: Floor, now: int, shown: Callable[[str], bool]) -> tuple[StationAndon, ...]:
    """Return the stations that are ``shown``, in the language that is spoken."""
    found = []
    for tile in floor.tiles(now):
        if not shown(tile.station):
            continue
        card = floor.card(tile.alert_id, now) if tile.alert_id else None
        step = "" if card is None else next((item.text for item in card.steps if not item.done), "")
        found.append(
            StationAndon(
                station=tile.station,
                label=plan_text(tile.label),
                state=tile.condition,
                priority=tile.priority,
                characteristic=plan_text(tile.characteristic),
                text=recorded(tile.detail if card is None else card.text),
                step=plan_text(step),
                since=tile.since,
                taken=tile.taken,
                stale=tile.stale,
                last_part=tile.last_part,
                alert=tile.alert_id,
            )
        )
    return tuple(found)
