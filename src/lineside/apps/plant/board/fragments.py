"""The pieces of the overview that are sent as they change; the same for all who read one language."""

from __future__ import annotations

from collections.abc import Iterable

from lineside.apps.plant.board.context import Board
from lineside.apps.plant.board.rendering import fragment


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
    cards, budget = board.floor.open_alerts(now), board.floor.budget(now)
    return {
        "top-alerts": fragment(
            board,
            "fragments/top_alerts.html",
            cards=cards,
            flood=board.floor.flood(now),
            held=board.floor.held_alerts(now),
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
