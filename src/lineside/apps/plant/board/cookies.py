"""The board's cookies: over HTTPS with the ``__Host-`` prefix and Secure, over plain HTTP (loopback) without."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

SESSION: Final = "lineside"
DEVICE: Final = "lineside-device"
FORM: Final = "lineside-form"
LANGUAGE: Final = "lineside-language"
_YEAR: Final = 31_536_000


def name_of(cookie: str, *, secure: bool) -> str:
    """Return the name under which a cookie travels."""
    return f"__Host-{cookie}" if secure else cookie


def read(request: Request, cookie: str, *, secure: bool) -> str:
    """Return the value of a cookie, empty where the browser sent none."""
    return request.cookies.get(name_of(cookie, secure=secure), "")


def write(response: Response, cookie: str, value: str, *, secure: bool, lasting: bool = False) -> None:
    """Set a cookie until the browser closes, or for a year."""
    response.set_cookie(
        name_of(cookie, secure=secure),
        value,
        max_age=_YEAR if lasting else None,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def drop(response: Response, cookie: str, *, secure: bool) -> None:
    """Take a cookie back."""
    response.delete_cookie(name_of(cookie, secure=secure), path="/", secure=secure, httponly=True, samesite="lax")
