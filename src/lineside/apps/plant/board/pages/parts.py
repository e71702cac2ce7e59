"""Parts: the list, one part with everything that is known of it, and the way of a unit through the line."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page, part_path
from lineside.apps.plant.floor import Floor
from lineside.domain.errors import LinesideError
from lineside.domain.parts import PartRecord

_PAGE = 60
_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


async def parts(call: Call) -> Response:
    """Show the latest parts, of one station or of all; ``unit`` finds one."""
    query, floor = call.request.query_params, call.board.floor
    wanted = query.get("unit", "").strip()
    if wanted:
        return RedirectResponse(f"/units/{quote(wanted, safe='')}", status_code=303)
    station = query.get("station") or None
    if station is not None and station not in floor.stations():
        raise HTTPException(404)
    before = query.get("before", "")
    listed = floor.parts(station=station, before=int(before) if _is_time(before) else None, most=_PAGE)
    return page(
        call.board,
        call.who,
        "parts.html",
        parts=listed,
        station=station or "",
        more=listed[-1].ended if len(listed) == _PAGE else 0,
    )


async def unit(call: Call) -> Response:
    """Show the cycles that a unit passed; a single one at once."""
    wanted = call.path("unit")
    found = call.board.floor.unit(wanted)
    if not found:
        archived = await _archived(call, wanted)
        found = () if archived is None else archived.unit(wanted)
    if len(found) == 1:
        return RedirectResponse(part_path(found[0].station, found[0].cycle_id, wanted), status_code=303)
    return page(call.board, call.who, "unit.html", unit=wanted, parts=found, status=200 if found else 404)


async def part(call: Call) -> Response:
    """Show one part: its curves and features against what is usual, judgements, outcomes, feedback.

    ``exact`` asks for the exact shares of its scores too.
    """
    board = call.board
    station, cycle = call.path("station"), call.path("cycle")
    name = call.request.query_params.get("unit")
    floor = board.floor
    view = floor.part(station, cycle, name, board.now())
    if view is None:
        floor = await _archived(call, name or "") or floor
        view = floor.part(station, cycle, name, board.now())
    if view is None:
        raise HTTPException(404)
    record = floor.part_record(station, cycle, name)
    traces, problem = await _asked(board.settings.traces, record)
    exact = await _asked(board.settings.exact, record) if "exact" in call.request.query_params else None
    return page(board, call.who, "part.html", part=view, traces=traces, trace_problem=problem, exact=exact)


async def _archived(call: Call, unit: str) -> Floor | None:
    """Return a unit that is not remembered from the history, None where that does not know it or cannot say."""
    archive = call.board.settings.archive
    if archive is None or not unit:
        return None
    try:
        return await archive(unit)
    except LinesideError:
        _LOG.exception("the history could not be asked for a unit")
        return None


async def _asked(
    source: Callable[[PartRecord], Awaitable[Sequence[_T]]] | None, record: PartRecord | None
) -> tuple[tuple[_T, ...], str]:
    """Return what is known of a part; what does not answer costs the page only this, and it says so."""
    if source is None or record is None:
        return (), ""
    try:
        return tuple(await source(record)), ""
    except LinesideError as error:
        return (), error.problem


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
