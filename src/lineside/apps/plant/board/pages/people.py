"""Who may use the board: the admins' page."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lineside.apps.plant.board.doorkeeper import issue_code, new_account
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.domain.access import AccessRole, Account, CodePurpose
from lineside.domain.errors import InputError


async def users(call: Call) -> Response:
    """Show every account."""
    return await _page(call)


async def add(call: Call) -> Response:
    """Add an account, and show once the code with which its owner sets a password."""
    board, form = call.board, call.form
    try:
        account = new_account(form.get("name", ""), _role(form), board.clock.now())
        await _record(call, "account_added", account)
        await board.state.accounts.add(account)
    except InputError as error:
        return await _page(call, status=422, problem=f"{error.field}: {error.problem}")
    return await _invitation(call, account)


async def change(call: Call) -> Response:
    """Change an account: its role, whether it may come in, or give its owner a code for a new password."""
    board, form = call.board, call.form
    account = await board.state.accounts.with_id(call.path("account"))
    if account is None:
        raise HTTPException(404)
    if account.id == call.visitor.account.id and form.get("do") != "reset":
        return await _page(call, status=422, problem="You cannot change your own role or shut yourself out.")
    match form.get("do"):
        case "role":
            role = _role(form)
            await _record(call, "role_changed", account, to=role.value)
            await board.state.accounts.set_role(account.id, role)
        case "disable" | "enable" as what:
            await _record(call, f"account_{what}d", account)
            await board.state.accounts.set_disabled(account.id, what == "disable")
        case "reset":
            await _record(call, "password_reset", account)
            return await _invitation(call, account)
        case _:
            raise HTTPException(422)
    return RedirectResponse("/users", status_code=303)


def _role(form: dict[str, str]) -> AccessRole:
    try:
        return AccessRole(form.get("role", ""))
    except ValueError as error:
        raise HTTPException(422) from error


async def _invitation(call: Call, account: Account) -> Response:
    code = await issue_code(
        call.board.state, call.board.clock.now(), purpose=CodePurpose.SET_PASSWORD, account_id=account.id
    )
    base = str(call.request.base_url).rstrip("/")
    return await _page(call, invitation=f"{base}/first-run?code={code}", invited=account.name)


async def _record(call: Call, action: str, account: Account, **more: str) -> None:
    content = {"account": account.signature, "by": call.visitor.account.signature, **more}
    await call.board.audit.append(action, content)


async def _page(
    call: Call, *, status: int = 200, problem: str = "", invitation: str = "", invited: str = ""
) -> Response:
    return page(
        call.board,
        call.who,
        "users.html",
        status=status,
        accounts=await call.board.state.accounts.all(),
        roles=tuple(AccessRole),
        problem=problem,
        invitation=invitation,
        invited=invited,
    )
