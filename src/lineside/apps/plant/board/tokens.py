"""Secrets that browsers hold: sessions, devices, one-time codes, and the tokens that forms carry.

Each is 256 random bits; only hashes of them are kept. A form's token is derived from the session's secret, so it
needs no place of its own and ends with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without characters that are mistaken for each other."""


def new_secret() -> str:
    """Return a new secret of 256 bits."""
    return secrets.token_urlsafe(32)


def new_pseudonym() -> str:
    """Return a name that says nothing of its bearer, short enough to read aloud."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def hashed(secret: str) -> str:
    """Return how a secret is kept: it is random and long, so that one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(secret: str) -> str:
    """Return the token that the forms of a session carry."""
    return hmac.digest(secret.encode(), b"lineside form", hashlib.sha256).hex()


def fits(token: str, secret: str) -> bool:
    """Return whether a form's token belongs to a session's secret, in constant time."""
    return hmac.compare_digest(token.encode(), form_token(secret).encode())
