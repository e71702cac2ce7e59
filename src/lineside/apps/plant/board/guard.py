"""The door before every page: who may, from where, and how.

Deny by default: a page is reached only by way of `route`, which takes the roles that may; a page without any is
public by the word `PUBLIC`, in the one table of routes.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from lineside.apps.plant.board import cookies
from lineside.apps.plant.board.context import Board, Visitor
from lineside.apps.plant.board.tokens import fits, form_token
from lineside.apps.web.language import choose, speak
from lineside.apps.web.requests import address_of, is_ours, parse_form, read_body
from lineside.domain.access import AccessRole

_HARMLESS: Final = frozenset({"GET", "OPTIONS"})
PUBLIC: Final[frozenset[AccessRole]] = frozenset()
TOKEN_HEADER: Final = "x-csrf-token"  # noqa: S105 - a header's name


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request that may be answered. ``who`` is None on public pages alone; ``form`` is empty on GET."""

    board: Board
    request: Request
    who: Visitor | None
    form: dict[str, str]
    body: bytes

    @property
    def visitor(self) -> Visitor:
        """Who asks; every page that is not public has somebody."""
        assert self.who is not None
        return self.who

    @property
    def address(self) -> str:
        """Where the request came from."""
        return address_of(self.request)

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def speak_at(self, station: str) -> None:
        """Speak the language of a station from here on, unless another was chosen."""
        speak(_language(self.board, self.request, self.who, station))


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One line of the table of routes. ``api``: speaks JSON, and a stranger gets 401 instead of the login page."""

    path: str
    handler: Handler
    allow: frozenset[AccessRole]
    method: str = "GET"
    api: bool = False
    open_to_programs: bool = False


def route(board: Board, page: Page) -> Route:
    """Return the route of a page with its guard before it."""
    answer = functools.partial(_guarded, board, page)
    return Route(page.path, answer, methods=[page.method], name=f"{page.method} {page.path}")


async def _guarded(board: Board, page: Page, request: Request) -> Response:
    who = await _visitor(board, request)
    speak(_language(board, request, who, _station(request)))
    if page.allow:
        if who is None:
            return _stranger(page, request)
        if who.account.role not in page.allow:
            await _deny(board, request, who, "role")
    form, body = {}, b""
    if page.method not in _HARMLESS:
        if page.api and not request.headers.get("content-type", "application/json").startswith("application/json"):
            raise HTTPException(415)
        body = await read_body(request, board.settings.body_limit)
        form = {} if page.api else parse_form(body)
        await _check_origin(board, page, request, who, form.get("token", request.headers.get(TOKEN_HEADER, "")))
    return await page.handler(Call(board=board, request=request, who=who, form=form, body=body))


def _language(board: Board, request: Request, who: Visitor | None, station: str) -> str:
    """Return what to speak: the account's choice, the menu's, the address's, the station's, the line's, the browser's.

    An address that was given to a screen or stands in a message may say ``?language=``.
    """
    plan = board.floor.plan
    at_station = next((item.language for item in plan.stations if item.id == station), None)
    return choose(
        "" if who is None else who.account.language,
        cookies.read(request, cookies.LANGUAGE, secure=board.settings.secure),
        request.query_params.get("language", ""),
        at_station or "",
        plan.line.language or "",
        accept=request.headers.get("accept-language", ""),
    )


def _station(request: Request) -> str:
    """Return the station that a page is of, empty where it is of none; an alert's id begins with its station."""
    params = request.path_params
    return str(params.get("station") or str(params.get("alert", "")).partition("/")[0])


async def _visitor(board: Board, request: Request) -> Visitor | None:
    secret = cookies.read(request, cookies.SESSION, secure=board.settings.secure)
    session = await board.doors.session(secret)
    return None if session is None else Visitor(session=session, token=form_token(secret))


def _stranger(page: Page, request: Request) -> Response:
    if page.api or page.method != "GET" or page.path == "/live":
        raise HTTPException(401)
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wish = request.query_params.get("language", "")
    spoken = f"&language={quote(wish, safe='')}" if wish else ""
    to = f"/login?next={quote(target, safe='')}{spoken}" if target != "/" else "/login"
    return RedirectResponse(to, status_code=303)


async def _check_origin(board: Board, page: Page, request: Request, who: Visitor | None, token: str) -> None:
    """Refuse what does not come from our own page: strangers' forms carry the token of their form cookie."""
    if not is_ours(request, board.settings.hosts):
        await _deny(board, request, who, "origin")
    if page.open_to_programs:
        return
    cookie = cookies.SESSION if who is not None and page.allow else cookies.FORM
    secret = cookies.read(request, cookie, secure=board.settings.secure)
    if not secret or not fits(token, secret):
        await _deny(board, request, who, "token")


async def _deny(board: Board, request: Request, who: Visitor | None, why: str) -> None:
    content = {
        "account": "" if who is None else who.account.signature,
        "address": address_of(request),
        "method": request.method,
        "path": request.url.path,
        "why": why,
    }
    await board.audit.append("denied", content)
    raise HTTPException(403)
