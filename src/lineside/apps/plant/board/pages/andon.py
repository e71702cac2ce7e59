"""The andon of a line for other systems: its stations as plain JSON or as a stream, and a page that may be framed.

Who has no login brings the token of a *screen*: it may look at some stations, on pages of some origins, until it ends
or is revoked; it can change nothing. The page ``/embed`` is the only one that may stand in a frame, on those origins.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from lineside.adapters.state_sql.screens import Screen
from lineside.apps.plant.andon import StationAndon, stations_of
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.tokens import hashed
from lineside.apps.plant.meters import CONTENT_TYPE
from lineside.apps.web.armour import FRAMED_BY, SHARED
from lineside.apps.web.language import know_plan, language
from lineside.domain.access import ANYONE

_PAUSE: Final = 0.3
_BEAT: Final = 10.0
_MOST_CARDS: Final = 50
_encoder: Final = msgspec.json.Encoder()
_EVERYTHING: Final = Screen(id="", label="", stations=(), origins=(), created=0, expires=0)


class Andon(msgspec.Struct, frozen=True):
    """The line. ``now`` is the time of the process, ``newest`` the receive time of the newest data, UTC ns.

    ``language`` is the one in which labels, texts and steps are.
    """

    line: str
    language: str
    now: int
    newest: int
    stations: tuple[StationAndon, ...]


async def andon(call: Call) -> Response:
    """Return the stations, once or (``?stream=1``) at every change."""
    screen = await _screen(call)
    call.speak_at(_only_station(screen))
    know_plan(call.board.floor.plan.words)
    headers = _shared(call, screen)
    if call.request.query_params.get("stream", "") not in {"1", "true"}:
        return Response(_encoder.encode(_andon(call, screen)), media_type="application/json", headers=headers)
    headers["X-Accel-Buffering"] = "no"
    return StreamingResponse(_stream(call, screen), media_type="text/event-stream", headers=headers)


async def preflight(call: Call) -> Response:
    """Tell a browser that pages of a screen's origin may ask with a token."""
    origin, now = call.request.headers.get("origin", ""), call.board.clock.now()
    if not any(origin in screen.origins and screen.holds(now) for screen in await call.board.state.screens.all()):
        raise HTTPException(403)
    allowed = {"Access-Control-Allow-Headers": "authorization", "Access-Control-Allow-Methods": "GET"}
    return Response(status_code=204, headers={"Access-Control-Allow-Origin": origin, "Vary": "Origin", **allowed})


async def embed(call: Call) -> Response:
    """Show the stations of a screen on a page that may stand in its frame."""
    screen = await _screen(call)
    now, floor = call.board.now(), call.board.floor
    call.speak_at(_only_station(screen))
    tiles = [tile for tile in floor.tiles(now) if screen.may_show(tile.station)]
    cards = [card for card in floor.open_alerts(now, _MOST_CARDS) if screen.may_show(card.station)]
    answer = page(call.board, None, "embed.html", tiles=tiles, cards=cards)
    answer.headers[FRAMED_BY] = " ".join(screen.origins) or "'none'"
    return answer


async def metrics(call: Call) -> Response:
    """Return what is measured, as Prometheus scrapes it, to the bearer of a token or somebody who is logged in."""
    await _screen(call)
    text = await asyncio.to_thread(call.board.settings.meters)
    return Response(text, media_type=CONTENT_TYPE)


async def _screen(call: Call) -> Screen:
    """Return what the bearer of a token, or somebody who is logged in, may see.

    Raises:
        HTTPException: nobody of either (401), or the page that asks is none of the screen's (403).
    """
    given = call.request.headers.get("authorization", "")
    token = given.removeprefix("Bearer ") if given.startswith("Bearer ") else call.request.query_params.get("token", "")
    if not token:
        if call.who is not None and call.who.account.role in ANYONE:
            return _EVERYTHING
        raise HTTPException(401)
    found = await call.board.state.screens.by_token(hashed(token))
    if found is None or not found.holds(call.board.clock.now()):
        raise HTTPException(401)
    origin, site = call.request.headers.get("origin"), call.request.headers.get("sec-fetch-site")
    if origin is not None and origin not in found.origins and site != "same-origin":
        await call.board.audit.append("denied", {"screen": found.id, "origin": origin[:200], "why": "origin"})
        raise HTTPException(403)
    return found


def _only_station(screen: Screen) -> str:
    """Return the station of a screen that shows one alone."""
    return screen.stations[0] if len(screen.stations) == 1 else ""


def _shared(call: Call, screen: Screen) -> dict[str, str]:
    """Return the headers that let a page of the screen's origins read the answer."""
    origin = call.request.headers.get("origin", "")
    if origin not in screen.origins:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", SHARED: "yes"}


def _andon(call: Call, screen: Screen) -> Andon:
    board = call.board
    now = board.now()
    stations = stations_of(board.floor, now, screen.may_show)
    return Andon(
        line=board.floor.plan.line.id,
        language=language(),
        now=now,
        newest=board.floor.newest(),
        stations=stations,
    )


async def _stream(call: Call, screen: Screen) -> AsyncIterator[bytes]:
    """Yield the stations whenever they look different; a viewer that is slow gets the latest, not every one."""
    changed = asyncio.Event()
    changed.set()
    stop = call.board.floor.listen(lambda _: changed.set())
    told: object = None
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BEAT):
                    await changed.wait()
            changed.clear()
            if screen.id:
                again = await call.board.state.screens.by_token(await _hash_of(call))
                if again is None or not again.holds(call.board.clock.now()):
                    return
            seen = _andon(call, screen)
            if seen.stations != told:
                told = seen.stations
                yield b"event: andon\ndata: " + _encoder.encode(seen) + b"\n\n"
            else:
                yield b": beat\n\n"
            await asyncio.sleep(_PAUSE)
    finally:
        stop()


async def _hash_of(call: Call) -> str:
    given = call.request.headers.get("authorization", "")
    return hashed(given.removeprefix("Bearer ") or call.request.query_params.get("token", ""))
