"""The overview, the pages of stations, of models and of what is missing, and the live stream."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from lineside.apps.plant.board.fragments import side_fragments
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.live import EventStream, Listener
from lineside.apps.plant.board.presenter import beat
from lineside.apps.plant.board.rendering import page
from lineside.apps.web.language import language


async def overview(call: Call) -> Response:
    """Show every station at a glance, and beside them the most urgent alert."""
    board = call.board
    return page(board, call.who, "overview.html", tiles=board.floor.tiles(board.now()), side=side_fragments(board))


async def station(call: Call) -> Response:
    """Show one station: its tile, its alerts, its latest parts."""
    name, board = call.path("station"), call.board
    if name not in board.floor.stations():
        raise HTTPException(404)
    now = board.now()
    return page(
        board,
        call.who,
        "station.html",
        tile=board.floor.tile(name, now),
        station=board.floor.plan.station(name),
        cards=board.floor.alerts(now, station=name, most=10),
        parts=board.floor.parts(station=name, most=30),
        trends=board.floor.trends(name),
    )


async def models(call: Call) -> Response:
    """Show the models that judge, and what is known of their releases."""
    releases = await call.board.releases()
    return page(call.board, call.who, "models.html", models=call.board.floor.models(), releases=releases)


async def performance(call: Call) -> Response:
    """Show how the models in service do, by late truth and without it, and what damage there is."""
    return page(call.board, call.who, "performance.html", watched=call.board.settings.watched())


async def readiness(call: Call) -> Response:
    """Show which of the plan's service levels each release in service meets."""
    ready = await asyncio.to_thread(call.board.settings.ready)
    return page(call.board, call.who, "ready.html", ready=ready)


async def drift(call: Call) -> Response:
    """Show whether the parts of today come from where the models' own came from."""
    return page(call.board, call.who, "drift.html", watched=call.board.settings.watched())


async def coverage(call: Call) -> Response:
    """Show what the models in service have learned from, and how often the line is outside of it."""
    source = call.board.settings.coverages
    return page(call.board, call.who, "coverage.html", views=() if source is None else await source())


async def missing(call: Call) -> Response:
    """Show what is missing from the record, and why."""
    return page(call.board, call.who, "missing.html", receipts=call.board.floor.missing.newest())


async def gateways(call: Call) -> Response:
    """Show the gateways: who they are, how each of their parts does, and the last words of those that are gone."""
    return page(call.board, call.who, "gateways.html", gateways=call.board.settings.gateways())


async def live(call: Call) -> Response:
    """Send what changes, until the browser leaves or the session ends."""
    board, account = call.board, call.visitor.account
    if board.broadcast.held_by(account.id) >= board.settings.streams_per_account:
        raise HTTPException(429)
    listener = Listener(account.id, call.visitor.session.token_hash, language())
    return EventStream(board.broadcast, listener, lambda: beat(board))


async def alive(call: Call) -> Response:
    """Say that the process answers, and nothing else."""
    del call
    return PlainTextResponse("alive\n")
