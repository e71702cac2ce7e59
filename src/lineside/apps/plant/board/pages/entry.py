"""Coming in and going out: login, one-time codes (first admin, invitation, demo), own password, logout."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from lineside.apps.plant.board import cookies
from lineside.apps.plant.board.context import Board
from lineside.apps.plant.board.doorkeeper import WINDOW, Entry, LoginRefusedError
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.tokens import form_token, new_secret
from lineside.apps.plant.board.wording import refusal
from lineside.apps.web.language import choose, tr, word
from lineside.apps.web.requests import own_path
from lineside.domain.access import CodePurpose
from lineside.domain.errors import InputError
from lineside.domain.said import say
from lineside.domain.units import SECOND

_LATER = word("Too many attempts. Wait a few minutes, then try again.")
_WRONG = word("Name or password is wrong.")
_NO_CODE = word("This code does not hold: it was used, it is too old, or it was never given. Ask for a new one.")


async def login_form(call: Call) -> Response:
    """Ask for name and password."""
    if call.who is not None:
        return RedirectResponse(own_path(call.request.query_params.get("next", "/")), status_code=303)
    return _login(call, own_path(call.request.query_params.get("next", "/")))


async def log_in(call: Call) -> Response:
    """Let somebody in who knows name and password."""
    target = own_path(call.form.get("next", "/"))
    device = cookies.read(call.request, cookies.DEVICE, secure=call.board.settings.secure)
    try:
        entry = await call.board.doors.log_in(
            call.form.get("name", ""), call.form.get("password", ""), address=call.address, device=device
        )
    except LoginRefusedError as error:
        answer = _login(call, target, _LATER if error.later else _WRONG, refusal_status(error))
        return with_retry(answer, error)
    return come_in(call.board, entry, RedirectResponse(target, status_code=303))


async def code_form(call: Call) -> Response:
    """Ask for what a one-time code still needs; the code itself changes nothing by being looked at."""
    secret = call.request.query_params.get("code", "")
    try:
        code = await call.board.doors.code(secret, address=call.address)
    except LoginRefusedError as error:
        return _no_code(call, error)
    return with_form_cookie(call, "code.html", code=secret, purpose=code.purpose.value, problem="", name="")


async def use_code(call: Call) -> Response:
    """Take a one-time code and let its bearer in."""
    form = call.form
    try:
        _same_twice(form)
        entry = await call.board.doors.use_code(
            form.get("code", ""),
            address=call.address,
            name=form.get("name", ""),
            password=form.get("password", ""),
        )
    except LoginRefusedError as error:
        return _no_code(call, error)
    except InputError as error:
        purpose = form.get("purpose", CodePurpose.SET_PASSWORD.value)
        return with_form_cookie(
            call,
            "code.html",
            status=422,
            code=form.get("code", ""),
            purpose=purpose,
            problem=refusal(error),
            name=form.get("name", ""),
        )
    return come_in(call.board, entry, RedirectResponse("/", status_code=303))


async def log_out(call: Call) -> Response:
    """End the session."""
    await call.board.doors.log_out(call.visitor.session)
    answer = RedirectResponse("/login", status_code=303)
    cookies.drop(answer, cookies.SESSION, secure=call.board.settings.secure)
    return answer


async def choose_language(call: Call) -> Response:
    """Remember the language that somebody wants to read: with their account, and in this browser."""
    answer = RedirectResponse(own_path(call.form.get("next", "/")), status_code=303)
    wanted = choose(call.form.get("language", ""))
    if call.who is not None:
        await call.board.state.accounts.set_language(call.who.account.id, wanted)
    cookies.write(answer, cookies.LANGUAGE, wanted, secure=call.board.settings.secure, lasting=True)
    return answer


async def password_form(call: Call) -> Response:
    """Ask for a new password."""
    return page(call.board, call.who, "password.html", problem="")


async def change_password(call: Call) -> Response:
    """Set a new password; it ends every session of the account, this one begins anew."""
    doors, account, form = call.board.doors, call.visitor.account, call.form
    problem = ""
    try:
        await doors.check_again(account, form.get("old", ""), address=call.address)
        _same_twice(form)
        await doors.change_password(account, form.get("password", ""))
    except LoginRefusedError as error:
        problem = _LATER if error.later else word("The old password is wrong.")
    except InputError as error:
        problem = refusal(error)
    if problem:
        return page(call.board, call.who, "password.html", status=422, problem=problem)
    entry = await doors.admit(account, address=call.address, how="password changed")
    return come_in(call.board, entry, RedirectResponse("/", status_code=303))


def come_in(board: Board, entry: Entry, answer: Response) -> Response:
    """Give the browser what it comes in with."""
    secure = board.settings.secure
    cookies.write(answer, cookies.SESSION, entry.session, secure=secure)
    cookies.write(answer, cookies.DEVICE, entry.device, secure=secure, lasting=True)
    cookies.drop(answer, cookies.FORM, secure=secure)
    return answer


def refusal_status(error: LoginRefusedError) -> int:
    """Return the status of a refused login: not now, or not at all."""
    return 429 if error.later else 401


def with_retry(answer: Response, error: LoginRefusedError) -> Response:
    """Say when to come back, where that is what is asked."""
    if error.later:
        answer.headers["Retry-After"] = str(WINDOW // SECOND)
    return answer


def _login(call: Call, target: str, problem: str = "", status: int = 200) -> Response:
    """Return the login page, which goes on in the language that its address asks for."""
    wish = call.request.query_params.get("language", "")
    return with_form_cookie(call, "login.html", status=status, next=target, problem=problem, wish=wish)


def _same_twice(form: dict[str, str]) -> None:
    if form.get("password", "") != form.get("again", ""):
        raise InputError(say("the two passwords differ"), field="password")


def _no_code(call: Call, error: LoginRefusedError) -> Response:
    words = _LATER if error.later else _NO_CODE
    answer = page(
        call.board, None, "error.html", status=refusal_status(error), title=word("No way in"), words=tr(words)
    )
    return with_retry(answer, error)


def with_form_cookie(call: Call, template: str, *, status: int = 200, **values: object) -> Response:
    """Return a page whose form a stranger may send: its token belongs to a cookie of its own."""
    secure = call.board.settings.secure
    secret = cookies.read(call.request, cookies.FORM, secure=secure) or new_secret()
    answer = page(call.board, None, template, status=status, form_token=form_token(secret), **values)
    cookies.write(answer, cookies.FORM, secret, secure=secure)
    return answer
