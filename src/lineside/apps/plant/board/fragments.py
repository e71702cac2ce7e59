"""The pieces of the overview that are sent as they change; the same for all who read one language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lineside.apps.plant.board.context import Board
from lineside.apps.plant.board.rendering import fragment

_FIRST: Final = 5
"""Alerts that are named beside the tiles; of the others, how many there are."""


def overview_fragments(board: Board, stations: Iterable[str]) -> dict[str, str]:
    """Return the HTML of the tiles of these stations and of what stands beside them, by element id."""
    now = board.now()
    tiles = {
        f"tile-{station}": fragment(board, "fragments/tile.html", tile=board.floor.tile(station, now))
        for station in sorted(stations)
    }
    return {**tiles, **side_fragments(board)}


def side_fragments(board: Board) -> dict[str, str]:
    """Return the HTML of the alerts beside the tiles, the shift's budget, the facts and the warnings."""
    now = board.now()
    budget = board.floor.budget(now)
    wanting, held = board.floor.count(now)
    return {
        "top-alerts": fragment(
            board,
            "fragments/top_alerts.html",
            cards=board.floor.open_alerts(now, _FIRST),
            count=wanting,
            flood=board.floor.flood(now),
            held=held,
        ),
        "budget": fragment(board, "fragments/budget.html", budget=budget),
        "facts": fragment(
            board,
            "fragments/facts.html",
            budget=budget,
            surroundings=board.floor.surroundings(),
            missing=board.floor.missing.readings,
        ),
        "warnings": fragment(board, "fragments/warnings.html", links=board.floor.links()),
    }
