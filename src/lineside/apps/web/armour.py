"""What every answer carries and no request escapes, errors included: headers, and generic words for what broke.

It stands outside of everything else. A page that fails says only that it did, with a reference under which the
log holds the rest.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log: Final = logging.getLogger(__name__)

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cache-Control", "no-store"),
)
"""On every answer. The referrer policy keeps ``Origin`` on forms, which ``no-referrer`` would make ``null``."""

FRAMED_BY: Final = "Lineside-Framed-By"
"""A page that may stand in a frame says so by this header, with the origins; it never leaves the process."""
SHARED: Final = "Lineside-Shared"
"""An answer that pages of other origins may read says so by this header; it never leaves the process."""

HSTS: Final = ("Strict-Transport-Security", "max-age=31536000")


class Armour:
    """The outermost layer of the board."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        headers = (*HEADERS, HSTS) if secure else HEADERS
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers]
        self._names = {name for name, _ in self._headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to its answer what every answer carries."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def armed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": self._armed(message.get("headers", ()))}
            await send(message)

        try:
            await self._app(scope, receive, armed)
        except Exception:
            reference = secrets.token_hex(4)
            _log.exception("request failed, reference %s", reference)
            if begun:
                raise
            words = f"Something went wrong here. Reference: {reference}\n"
            await PlainTextResponse(words, status_code=500)(scope, receive, armed)

    def _armed(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return an answer's headers with those that every answer carries, but for what it may leave open."""
        own = [(name.lower(), value) for name, value in given]
        asked = {name: value for name, value in own if name in _ASKED}
        mine = dict(self._headers)
        if (origins := asked.get(FRAMED_BY.lower().encode())) is not None:
            policy = _POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {origins.decode()}")
            mine[b"content-security-policy"] = policy.encode()
            del mine[b"x-frame-options"]
        if asked:
            mine[b"cross-origin-resource-policy"] = b"cross-origin"
        kept = [pair for pair in own if pair[0] not in self._names and pair[0] not in _ASKED]
        return [*kept, *mine.items()]


_ASKED: Final = frozenset({FRAMED_BY.lower().encode(), SHARED.lower().encode()})
