"""Links by which an alert can be answered from a message: signed, for a time, for one answer.

A link is a bearer's: whoever has it may answer this one alert, once. It says so by itself (alert, end, a mark that is
spent with the answer) and is signed by HMAC-SHA256, so that the board needs to remember only what was spent. Opening it
changes nothing: mail programs and chat servers open links by themselves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass

from lineside.domain.errors import InputError
from lineside.domain.said import say


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLink:
    """What a link says: the alert, until when it holds (UTC ns), and the mark that is spent with it."""

    alert: str
    expires: int
    mark: str


def mark_of(key: bytes, message: str) -> str:
    """Return the mark of a message's link: the same in every channel, so that one of them answers for all."""
    return hmac.new(key, b"mark\n" + message.encode(), hashlib.sha256).hexdigest()[:32]


def seal_link(key: bytes, link: AnswerLink) -> str:
    """Return a link's token, fit for an address."""
    body = json.dumps([link.alert, link.expires, link.mark], separators=(",", ":")).encode()
    return f"{_text(body)}.{_text(_signature(key, body))}"


def read_link(keys: Sequence[bytes], token: str, now: int) -> AnswerLink:
    """Return what a token says, signed by any of the keys.

    Raises:
        InputError: it is none of ours, or it is over.
    """
    head, _, tail = token.partition(".")
    try:
        body, signature = _bytes(head), _bytes(tail)
    except (binascii.Error, ValueError) as error:
        raise InputError(say("this link is none of this board's"), field="link") from error
    if not any(hmac.compare_digest(signature, _signature(key, body)) for key in keys):
        raise InputError(
            say("this link is none of this board's"), field="link", next_step=say("open the alert on the board")
        )
    alert, expires, mark = json.loads(body)
    if expires <= now:
        raise InputError(say("this link is over"), field="link", next_step=say("open the alert on the board"))
    return AnswerLink(alert=alert, expires=expires, mark=mark)


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"answer\n" + body, hashlib.sha256).digest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
