"""What the interface can do: one table, from which its routes and its description are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException

from lineside.apps.plant.board.answers import Answer, answer
from lineside.apps.plant.board.api import types
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.tokens import new_secret
from lineside.apps.plant.floor.views import Budget, Card, PartSummary, Tile
from lineside.domain.access import ANYONE, AccessRole


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One line of the table: ``handler`` gets the call, its checked parameters and its checked body (or None)."""

    path: str
    handler: Callable[[Call, Any, Any], Awaitable[Any]]
    summary: str
    answer: Any
    allow: frozenset[AccessRole] = ANYONE
    method: str = "GET"
    query: type[msgspec.Struct] = types.Nothing
    body: type[msgspec.Struct] | None = None
    status: int = 200


async def stations(call: Call, query: types.Nothing, body: None) -> tuple[Tile, ...]:
    """Return every station at a glance."""
    del query, body
    return call.board.floor.tiles(call.board.now())


async def station(call: Call, query: types.Nothing, body: None) -> Tile:
    """Return one station at a glance."""
    del query, body
    return call.board.floor.tile(_station(call, call.path("station")), call.board.now())


async def budget(call: Call, query: types.Nothing, body: None) -> Budget:
    """Return this shift's alerts against what the plan allows."""
    del query, body
    return call.board.floor.budget(call.board.now())


async def alerts(call: Call, query: types.AlertsQuery, body: None) -> tuple[Card, ...]:
    """Return alerts in full."""
    del body
    now, floor = call.board.now(), call.board.floor
    if query.station is not None:
        _station(call, query.station)
    if query.open:
        found = [card for card in floor.open_alerts(now) if query.station in {None, card.station}]
        return tuple(found[: query.limit])
    return floor.alerts(now, station=query.station, most=query.limit)


async def alert(call: Call, query: types.Nothing, body: None) -> Card:
    """Return one alert in full."""
    del query, body
    found = call.board.floor.card(call.path("alert"), call.board.now())
    if found is None:
        raise HTTPException(404)
    return found


async def respond(call: Call, query: types.Nothing, body: Answer) -> types.Accepted:
    """Keep an answer to an alert."""
    del query
    once = call.request.headers.get("idempotency-key", "") or new_secret()
    event = await answer(call.board, call.visitor.account, call.path("alert"), body, once=once)
    return types.Accepted(id=event.id)


async def parts(call: Call, query: types.PartsQuery, body: None) -> tuple[PartSummary, ...]:
    """Return parts, newest first."""
    del body
    if query.station is not None:
        _station(call, query.station)
    if query.unit is not None:
        passed = call.board.floor.unit(query.unit)
        chosen = [item for item in passed if query.station in {None, item.station}]
        return tuple(item for item in chosen if query.before is None or item.ended < query.before)[: query.limit]
    return call.board.floor.parts(station=query.station, before=query.before, most=query.limit)


async def part(call: Call, query: types.PartQuery, body: None) -> types.PartDetail:
    """Return everything that is known of one part."""
    del body
    found = call.board.floor.part(call.path("station"), call.path("cycle"), query.unit, call.board.now())
    if found is None:
        raise HTTPException(404)
    return types.part_detail(found)


async def predictions(call: Call, query: types.PredictionsQuery, body: None) -> tuple[types.PredictionView, ...]:
    """Return judgements, newest first."""
    del body
    if query.station is not None:
        _station(call, query.station)
    found = call.board.floor.predictions(station=query.station, characteristic=query.characteristic, most=query.limit)
    return tuple(types.prediction_view(item) for item in found)


async def models(call: Call, query: types.Nothing, body: None) -> types.Models:
    """Return the models that judge, and what is known of their releases."""
    del query, body
    released = await call.board.releases()
    return types.Models(
        judging=call.board.floor.models(),
        released=tuple(
            types.ReleaseView(item.id, item.station, item.characteristic, item.state, item.created, dict(item.detail))
            for item in released
        ),
    )


async def health(call: Call, query: types.Nothing, body: None) -> types.Health:
    """Return how everything is doing."""
    del query, body
    board = call.board
    return types.Health(
        line=board.floor.plan.line.id,
        now=board.now(),
        newest=board.floor.newest(),
        links=board.floor.links(),
        streams=len(board.broadcast),
        streams_cut_off=board.broadcast.cut_off,
        alerts_withheld=len(board.floor.withheld()),
    )


async def session(call: Call, query: types.Nothing, body: None) -> types.SessionView:
    """Return who is logged in."""
    del query, body
    account = call.visitor.account
    return types.SessionView(role=account.role, pseudonym=account.pseudonym, token=call.visitor.token)


def _station(call: Call, name: str) -> str:
    if name not in call.board.floor.stations():
        raise HTTPException(404)
    return name


_Tiles = tuple[Tile, ...]

OPERATIONS: Final = (
    Operation(path="/stations", handler=stations, answer=_Tiles, summary="Every station at a glance"),
    Operation(path="/stations/{station}", handler=station, answer=Tile, summary="One station at a glance"),
    Operation(path="/budget", handler=budget, answer=Budget, summary="This shift's alerts against the plan"),
    Operation(
        path="/alerts", handler=alerts, query=types.AlertsQuery, answer=tuple[Card, ...], summary="Alerts, newest first"
    ),
    Operation(
        path="/alerts/{alert:path}/responses",
        method="POST",
        handler=respond,
        body=Answer,
        answer=types.Accepted,
        status=201,
        summary="Answer an alert; an Idempotency-Key makes repeating it harmless",
    ),
    Operation(path="/alerts/{alert:path}", handler=alert, answer=Card, summary="One alert in full"),
    Operation(
        path="/parts",
        handler=parts,
        query=types.PartsQuery,
        answer=tuple[PartSummary, ...],
        summary="Parts, newest first",
    ),
    Operation(
        path="/parts/{station}/{cycle:path}",
        handler=part,
        query=types.PartQuery,
        answer=types.PartDetail,
        summary="Everything that is known of one part",
    ),
    Operation(
        path="/predictions",
        handler=predictions,
        query=types.PredictionsQuery,
        answer=tuple[types.PredictionView, ...],
        summary="Judgements, newest first",
    ),
    Operation(path="/models", handler=models, answer=types.Models, summary="Models and releases"),
    Operation(path="/health", handler=health, answer=types.Health, summary="How everything is doing"),
    Operation(path="/session", handler=session, answer=types.SessionView, summary="Who is logged in"),
)
"""Every operation but logging in and out, whose answers set cookies (`lineside.apps.plant.board.api.routes`)."""
