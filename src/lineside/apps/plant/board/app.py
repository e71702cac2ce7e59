"""The board as an ASGI application: one table of routes, one guard, one armour."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lineside.adapters.state_sql import SqlState
from lineside.apps.plant.board.api import api_pages
from lineside.apps.plant.board.context import Board, Respond, Shown
from lineside.apps.plant.board.doorkeeper import Doorkeeper
from lineside.apps.plant.board.guard import PUBLIC, Page, route
from lineside.apps.plant.board.live import Broadcast
from lineside.apps.plant.board.pages import (
    alerts,
    andon,
    breaking,
    entry,
    exports,
    figures,
    files,
    links,
    overview,
    parts,
    people,
    plots,
    releases,
    signals,
    spc,
)
from lineside.apps.plant.board.passwords import Passwords
from lineside.apps.plant.board.presenter import Presenter
from lineside.apps.plant.board.rendering import make_templates, page
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.plant.board.wording import capitalised, refusal, told
from lineside.apps.plant.floor import Floor
from lineside.apps.web.armour import Armour
from lineside.apps.web.language import word
from lineside.domain.access import ADMINS, ANYONE, ENGINEERS
from lineside.domain.errors import InputError, LinesideError
from lineside.ports import AuditLog, Clock

PAGES: Final = (
    Page(path="/", handler=overview.overview, allow=ANYONE),
    Page(path="/live", handler=overview.live, allow=ANYONE),
    Page(path="/stations/{station}", handler=overview.station, allow=ANYONE),
    Page(path="/stations/{station}/capability", handler=spc.capability, allow=ANYONE),
    Page(path="/stations/{station}/measured", handler=spc.measured, allow=ANYONE),
    Page(path="/stations/{station}/charts", handler=spc.charts, allow=ANYONE),
    Page(path="/stations/{station}/charts.bin", handler=spc.points, allow=ANYONE),
    Page(path="/stations/{station}/plot", handler=plots.plot, allow=ANYONE),
    Page(path="/stations/{station}/plot.bin", handler=plots.data, allow=ANYONE),
    Page(path="/alerts", handler=alerts.alerts, allow=ANYONE),
    Page(path="/handover", handler=figures.handover, allow=ANYONE),
    Page(path="/labels", handler=figures.labels, allow=ANYONE),
    Page(path="/statistics", handler=figures.statistics, allow=ANYONE),
    Page(path="/statistics.csv", handler=figures.statistics_csv, allow=ANYONE),
    Page(path="/alerts/{alert:path}/alert.csv", handler=exports.csv_file, allow=ANYONE),
    Page(path="/alerts/{alert:path}/8d.json", handler=exports.eight_d_json, allow=ANYONE),
    Page(path="/alerts/{alert:path}/8d", handler=exports.eight_d_page, allow=ANYONE),
    Page(path="/alerts/{alert:path}", handler=alerts.card, allow=ANYONE),
    Page(path="/alerts/{alert:path}/respond", handler=alerts.respond, allow=ANYONE, method="POST"),
    Page(path="/parts", handler=parts.parts, allow=ANYONE),
    Page(path="/parts/{station}/{cycle:path}", handler=parts.part, allow=ANYONE),
    Page(path="/units/{unit:path}", handler=parts.unit, allow=ANYONE),
    Page(path="/models", handler=overview.models, allow=ANYONE),
    Page(path="/performance", handler=overview.performance, allow=ANYONE),
    Page(path="/ready", handler=overview.readiness, allow=ANYONE),
    Page(path="/drift", handler=overview.drift, allow=ANYONE),
    Page(path="/releases", handler=releases.releases, allow=ANYONE),
    Page(path="/releases", handler=releases.step, allow=ENGINEERS, method="POST"),
    Page(path="/coverage", handler=overview.coverage, allow=ANYONE),
    Page(path="/missing", handler=overview.missing, allow=ANYONE),
    Page(path="/signals", handler=signals.signals, allow=ANYONE),
    Page(path="/gateways", handler=overview.gateways, allow=ANYONE),
    Page(path="/plan-files/{file:path}", handler=files.plan_file, allow=ANYONE),
    Page(path="/andon", handler=andon.andon, allow=PUBLIC, api=True),
    Page(path="/andon", handler=andon.preflight, allow=PUBLIC, method="OPTIONS", api=True),
    Page(path="/metrics", handler=andon.metrics, allow=PUBLIC),
    Page(path="/embed", handler=andon.embed, allow=PUBLIC),
    Page(path="/answer/{link}", handler=links.show, allow=PUBLIC),
    Page(path="/answer/{link}", handler=links.take, allow=PUBLIC, method="POST"),
    Page(path="/login", handler=entry.login_form, allow=PUBLIC),
    Page(path="/login", handler=entry.log_in, allow=PUBLIC, method="POST"),
    Page(path="/first-run", handler=entry.code_form, allow=PUBLIC),
    Page(path="/first-run", handler=entry.use_code, allow=PUBLIC, method="POST"),
    Page(path="/language", handler=entry.choose_language, allow=ANYONE, method="POST"),
    Page(path="/login/language", handler=entry.choose_language, allow=PUBLIC, method="POST"),
    Page(path="/logout", handler=entry.log_out, allow=ANYONE, method="POST"),
    Page(path="/password", handler=entry.password_form, allow=ANYONE),
    Page(path="/password", handler=entry.change_password, allow=ANYONE, method="POST"),
    Page(path="/users", handler=people.users, allow=ADMINS),
    Page(path="/users", handler=people.add, allow=ADMINS, method="POST"),
    Page(path="/users/{account}", handler=people.change, allow=ADMINS, method="POST"),
    Page(path="/demo", handler=breaking.panel, allow=ENGINEERS),
    Page(path="/demo/{fault}", handler=breaking.change, allow=ENGINEERS, method="POST"),
    Page(path="/static/lineside.webmanifest", handler=files.manifest, allow=PUBLIC),
    Page(path="/static/{name}", handler=files.static, allow=PUBLIC),
    Page(path="/worker.js", handler=files.worker, allow=PUBLIC),
    Page(path="/offline", handler=files.offline, allow=PUBLIC),
    Page(path="/authority.crt", handler=files.authority, allow=PUBLIC),
    Page(path="/alive", handler=overview.alive, allow=PUBLIC),
)
"""Every page there is beside the interface's operations, and who may."""

_WORDS: Final = {
    400: (word("Not understood"), word("The request could not be read.")),
    401: (word("Please log in"), word("This needs somebody who is logged in.")),
    403: (
        word("Not allowed"),
        word("Your role does not allow this, or the page had expired. Go back, reload it and try again."),
    ),
    404: (word("Not here"), word("There is nothing under this address, or not any more.")),
    405: (word("Not like this"), word("This address does not answer to such a request.")),
    408: (word("Too slow"), word("The request did not arrive in time.")),
    409: (word("Too late"), word("Somebody else was faster. Reload to see how it stands.")),
    413: (word("Too large"), word("The request is larger than anything the board needs.")),
    415: (word("Not JSON"), word("The interface takes JSON.")),
    422: (word("Not accepted"), word("Something in the request is not as it must be.")),
    429: (word("Too many"), word("Too many at once. Wait a little, then try again.")),
    503: (word("Not now"), word("What you did could not be made durable, so it did not happen. Try again.")),
}


def all_pages() -> tuple[Page, ...]:
    """Return the whole table of routes: pages and interface."""
    return (*PAGES, *api_pages())


def create_app(
    *,
    floor: Floor,
    state: SqlState,
    audit: AuditLog,
    respond: Respond,
    shown: Shown,
    clock: Clock,
    settings: BoardSettings | None = None,
    passwords: Passwords | None = None,
) -> Starlette:
    """Return the board as an ASGI application.

    Args:
        floor: what the pages show; the caller feeds it, in the event loop that serves the board.
        state: accounts, sessions, settings, releases.
        audit: the audit record of the board.
        respond: takes a person's answer to an alert and returns once it is durable.
        shown: takes an alert event and returns once the audit record holds it; until then nobody sees it.
        clock: wall time.
        settings: see `BoardSettings`.
        passwords: how passwords are hashed; tests make it cheaper.
    """
    settings = settings or BoardSettings()
    doors = Doorkeeper(state=state, audit=audit, clock=clock, passwords=passwords or Passwords(), settings=settings)
    board = Board(
        floor=floor,
        state=state,
        audit=audit,
        respond=respond,
        clock=clock,
        settings=settings,
        doors=doors,
        broadcast=Broadcast(),
        templates=make_templates(),
        broken={},
    )
    presenter = Presenter(board, shown)
    app = Starlette(
        routes=[route(board, line) for line in all_pages()],
        middleware=[Middleware(Armour, secure=settings.secure)],
        exception_handlers={HTTPException: _say_http, LinesideError: _say_error},
        lifespan=lambda _: presenter.running(),
    )
    app.state.board = board
    return app


async def _say_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title, words = _WORDS.get(error.status_code, (word("Not possible"), word("The request could not be answered.")))
    own = error.detail != HTTPStatus(error.status_code).phrase  # which stands in for a detail that was not given
    detail = error.detail if error.status_code in {409, 422} and error.detail and own else words
    return _say(request, error.status_code, title, detail, dict(error.headers or {}))


async def _say_error(request: Request, error: Exception) -> Response:
    """Say what an input lacks in its own words; of what is wrong inside only that it is, and whether to retry."""
    if isinstance(error, InputError):
        return _say(request, 422, _WORDS[422][0], error, {})
    assert isinstance(error, LinesideError)
    if not error.retry:
        raise error
    return _say(request, 503, *_WORDS[503], {"Retry-After": "2"})


def _say(request: Request, status: int, title: str, what: str | InputError, headers: dict[str, str]) -> Response:
    """Say a refusal: to a program in English, to a person in their language."""
    if request.url.path.startswith("/api/"):
        field = f"{what.field}: " if isinstance(what, InputError) and what.field else ""
        detail = f"{field}{what.problem}" if isinstance(what, InputError) else str(what)
        return JSONResponse({"error": title, "detail": detail}, status_code=status, headers=headers)
    board: Board = request.app.state.board
    words = refusal(what) if isinstance(what, InputError) else capitalised(told(what))
    answer = page(board, None, "error.html", status=status, title=title, words=words)
    answer.headers.update(headers)
    return answer
