"""The routes of the interface, made from its table; logging in and out; the description."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board import cookies
from lineside.apps.plant.board.api.openapi import PREFIX, describe
from lineside.apps.plant.board.api.operations import OPERATIONS, Operation
from lineside.apps.plant.board.api.types import Credentials, Problem, SessionView
from lineside.apps.plant.board.doorkeeper import LoginRefusedError
from lineside.apps.plant.board.guard import PUBLIC, Call, Handler, Page
from lineside.apps.plant.board.pages.entry import come_in, refusal_status, with_retry
from lineside.apps.plant.board.tokens import form_token
from lineside.apps.web.requests import parse_json
from lineside.domain.access import ANYONE

_encoder: Final = msgspec.json.Encoder()


def api_pages() -> tuple[Page, ...]:
    """Return the lines that the interface adds to the table of routes."""
    document = _encoder.encode(describe(OPERATIONS))

    async def description(call: Call) -> Response:
        del call
        return Response(document, media_type="application/json")

    session = f"{PREFIX}/session"
    return (
        *(_page(item) for item in OPERATIONS),
        Page(path=session, handler=log_in, allow=PUBLIC, method="POST", api=True, open_to_programs=True),
        Page(path=session, handler=log_out, allow=ANYONE, method="DELETE", api=True),
        Page(path=f"{PREFIX}/openapi.json", handler=description, allow=PUBLIC, api=True),
    )


def _page(item: Operation) -> Page:
    return Page(path=PREFIX + item.path, handler=_handler(item), allow=item.allow, method=item.method, api=True)


def _handler(item: Operation) -> Handler:
    async def handle(call: Call) -> Response:
        query = _query(call, item.query)
        body = None if item.body is None else parse_json(call.body, item.body)
        return _json(await item.handler(call, query, body), item.status)

    return handle


def _query(call: Call, kind: type[msgspec.Struct]) -> Any:
    pairs = call.request.query_params.multi_items()
    if len(dict(pairs)) != len(pairs):
        raise HTTPException(422, detail="a parameter is given twice")
    try:
        return msgspec.convert(dict(pairs), kind, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(422, detail=str(error)) from error


async def log_in(call: Call) -> Response:
    """Let a program in that knows name and password."""
    given: Credentials = parse_json(call.body, Credentials)
    device = cookies.read(call.request, cookies.DEVICE, secure=call.board.settings.secure)
    try:
        entry = await call.board.doors.log_in(given.name, given.password, address=call.address, device=device)
    except LoginRefusedError as error:
        return with_retry(_json(Problem("Not let in", error.problem), refusal_status(error)), error)
    account = entry.account
    view = SessionView(role=account.role, pseudonym=account.pseudonym, token=form_token(entry.session))
    return come_in(call.board, entry, _json(view, 201))


async def log_out(call: Call) -> Response:
    """End the session."""
    await call.board.doors.log_out(call.visitor.session)
    answer = Response(status_code=204)
    cookies.drop(answer, cookies.SESSION, secure=call.board.settings.secure)
    return answer


def _json(content: object, status: int = 200) -> Response:
    return Response(_encoder.encode(content), status_code=status, media_type="application/json")
