"""Who may be a gateway: names, one-time tokens, and why a request to enrol is refused.

::

    nothing --token made--> open --used--> spent          a gateway:  enrolled --revoked--> revoked
                             |                                            ^                    |
                             +--time passed--> expired                    +---a new token------+

A token opens one enrolment of one gateway for one line. The same key may use it again while its time lasts (its
answer was lost); another key may not. Times are UTC nanoseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lineside.domain.errors import InputError
from lineside.domain.units import MINUTE, SECOND

TOKEN_LASTS: Final = 60 * MINUTE
"""How long a token lasts unless something else is asked for."""
TOKEN_LASTS_AT_MOST: Final = 7 * 24 * 60 * MINUTE
CLOCK_SKEW: Final = 5 * MINUTE
"""Greatest difference of the clocks of gateway and plant at which they may enrol."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_RESERVED: Final = frozenset({"plant"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """A gateway that the plant knows: its line, and the public halves of its keys (hexadecimal).

    ``key`` signs it in at the transport; from ``exchange`` and the plant's own the key of its watermarks is derived.
    ``revoked`` is None while it may write.
    """

    name: str
    site: str
    line: str
    key: str
    exchange: str
    enrolled: int
    revoked: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRecord:
    """What the plant keeps of a token: its public half alone, so that nobody can use what is kept here.

    ``used_by`` is the public key of the gateway that has used it, empty while it is open.
    """

    id: str
    gateway: str
    site: str
    line: str
    public: str
    expires: int
    used_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Applicant:
    """What a device says of itself when it asks to be enrolled; ``time`` by its own clock."""

    token: str
    gateway: str
    site: str
    line: str
    key: str
    exchange: str
    time: int


def check_name(name: str) -> str:
    """Return a gateway's name.

    Raises:
        InputError: it cannot stand in a subject, or is the plant's own.
    """
    if _NAME.fullmatch(name) is None or name in _RESERVED:
        raise InputError(
            "not a name for a gateway",
            field="gateway",
            value=name,
            next_step="use 1 to 63 letters, digits, '-' and '_', such as dc07-1; 'plant' is taken",
        )
    return name


def check_lasts(lasts: int) -> int:
    """Return how long a token shall last (ns); raises `InputError` where that is no sensible time."""
    if not MINUTE <= lasts <= TOKEN_LASTS_AT_MOST:
        raise InputError("a token lasts from a minute to seven days", field="lasts", value=f"{lasts / MINUTE:.0f} min")
    return lasts


def why_refused(token: TokenRecord | None, applicant: Applicant, now: int) -> str:
    """Return why an applicant must not be enrolled with a token, in words for who stands at the device; else ``""``."""
    if token is None:
        return "the plant knows no such token: have a new one made"
    meant, found = (f"{item.gateway} on line {item.line} of site {item.site}" for item in (token, applicant))
    if meant != found:
        return f"the token is for the gateway {meant}, not for {found}"
    if token.used_by and token.used_by != applicant.key:
        return "the token was used before, by another device: have a new one made, and find out who used it"
    if now >= token.expires:
        return f"the token expired {(now - token.expires) / MINUTE:.0f} min ago: have a new one made"
    return _why_clock(applicant.time - now)


def _why_clock(ahead: int) -> str:
    if abs(ahead) <= CLOCK_SKEW:
        return ""
    where = "ahead of" if ahead > 0 else "behind"
    return f"the device's clock is {abs(ahead) / SECOND:.0f} s {where} the plant's: set it first"
