"""Who may use the board: the admins' page."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.people import People
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.wording import refusal
from lineside.apps.web.language import word
from lineside.domain.access import AccessRole, Account
from lineside.domain.errors import InputError


async def users(call: Call) -> Response:
    """Show every account."""
    return await _page(call)


async def add(call: Call) -> Response:
    """Add an account, and show once the code with which its owner sets a password."""
    role = _role(call.form)
    try:
        account, code = await _people(call).add(call.form.get("name", ""), role, by=_by(call))
    except InputError as error:
        return await _page(call, status=422, problem=refusal(error))
    return await _page(call, code=code, invited=account.name)


async def change(call: Call) -> Response:
    """Change an account: its role, whether it may come in, or give its owner a code for a new password."""
    people, what = _people(call), call.form.get("do", "")
    account = await call.board.state.accounts.with_id(call.path("account"))
    if account is None:
        raise HTTPException(404)
    if account.id == call.visitor.account.id and what != "reset":
        return await _page(call, status=422, problem=word("You cannot change your own role or shut yourself out."))
    try:
        code = await _done(people, account, what, call)
    except InputError as error:
        return await _page(call, status=422, problem=refusal(error))
    if code:
        return await _page(call, code=code, invited=account.name)
    return RedirectResponse("/users", status_code=303)


async def _done(people: People, account: Account, what: str, call: Call) -> str:
    """Do what was asked; return the code for a new password, where one was asked for."""
    if what == "role":
        await people.set_role(account, _role(call.form), by=_by(call))
    elif what in {"disable", "enable"}:
        await people.set_disabled(account, disabled=what == "disable", by=_by(call))
    elif what == "reset":
        return await people.reset(account, by=_by(call))
    else:
        raise HTTPException(422)
    return ""


def _people(call: Call) -> People:
    return People(state=call.board.state, audit=call.board.audit, clock=call.board.clock)


def _by(call: Call) -> str:
    return call.visitor.account.signature


def _role(form: dict[str, str]) -> AccessRole:
    try:
        return AccessRole(form.get("role", ""))
    except ValueError as error:
        raise HTTPException(422) from error


async def _page(call: Call, *, status: int = 200, problem: str = "", code: str = "", invited: str = "") -> Response:
    base = str(call.request.base_url).rstrip("/")
    return page(
        call.board,
        call.who,
        "users.html",
        status=status,
        accounts=await call.board.state.accounts.all(),
        roles=tuple(AccessRole),
        problem=problem,
        invitation=f"{base}/first-run?code={code}" if code else "",
        invited=invited,
    )
