"""Signed messages of machines that can only post, after Standard Webhooks 1.0: who sent it, when, and never twice.

A message has an id, the time it was sent (Unix seconds) and a body. Its signature is ``v1,`` and the base64 of
HMAC-SHA256 over ``id.timestamp.body`` with a secret that both ends know; several, divided by spaces, may be given while
a secret is exchanged. It is taken within `WINDOW` of our clock, and an id is taken once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lineside.domain.units import MINUTE, SECOND

WINDOW: Final = 5 * MINUTE
"""How far the time of a message may be from ours, either way."""
MOST_IDS: Final = 65_536
"""Ids that are remembered; while as many are younger than the window, no further message is taken."""
LEAST_SECRET: Final = 24
"""Bytes of the shortest secret (Standard Webhooks: 24 to 64)."""
PREFIX: Final = "whsec_"
_ID: Final = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,128}")
_TIMESTAMP: Final = re.compile(r"\d{1,12}", re.ASCII)
_MOST_SIGNATURES: Final = 8


class Unsigned(StrEnum):
    """Why a message is not known to come from the machine."""

    HEADERS = "the id, the timestamp or the signature is missing or none"
    WINDOW = "the timestamp is more than 5 min from the gateway's clock"
    SIGNATURE = "the signature does not fit"
    ID_TAKEN = "the id came before with another body"
    BUSY = "too many ids within the window"


@dataclass(frozen=True, slots=True)
class Post:
    """A message as it came: headers as text, the body as bytes."""

    id: str
    timestamp: str
    signature: str
    body: bytes

    @property
    def digest(self) -> bytes:
        """A name of the body."""
        return hashlib.sha256(self.body).digest()


def secret_bytes(text: str) -> bytes:
    """Return the key that a secret is: base64 behind ``whsec_``, else the text itself.

    Raises:
        ValueError: it is shorter than `LEAST_SECRET`, or not base64.
    """
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else text.encode()
    except binascii.Error as error:
        raise ValueError(f"what follows {PREFIX} is not base64") from error
    if len(key) < LEAST_SECRET:
        raise ValueError(f"it has {len(key)} bytes; {LEAST_SECRET} at least are needed")
    return key


def sign(key: bytes, number: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message."""
    content = b".".join((number.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def check(post: Post, key: bytes, now: int) -> Unsigned | None:
    """Return why a message is not taken at the time ``now`` (UTC ns), None where it is the machine's.

    Signatures are compared in constant time, and before the time is looked at, so that a stranger learns nothing.
    """
    if _ID.fullmatch(post.id) is None or _TIMESTAMP.fullmatch(post.timestamp) is None or not post.signature:
        return Unsigned.HEADERS
    wanted = sign(key, post.id, post.timestamp, post.body)
    given = post.signature.split(" ")[:_MOST_SIGNATURES]
    matches = [hmac.compare_digest(wanted.encode(), item.encode(errors="replace")) for item in given]
    if not any(matches):
        return Unsigned.SIGNATURE
    return Unsigned.WINDOW if abs(int(post.timestamp) * SECOND - now) > WINDOW else None


class SeenIds:
    """The ids of messages within the window, each with its body's digest and when it came; bounded."""

    def __init__(self, most: int = MOST_IDS) -> None:
        self._most = most
        self._seen: dict[str, tuple[bytes, int]] = {}

    def look(self, post: Post, now: int) -> bool | Unsigned:
        """Return whether a message came before, or why it cannot be taken; one that is new is remembered.

        A message may be a window ahead of us, so ids are kept for two.
        """
        self._forget(now)
        known = self._seen.get(post.id)
        if known is not None:
            return True if hmac.compare_digest(known[0], post.digest) else Unsigned.ID_TAKEN
        if len(self._seen) >= self._most:
            return Unsigned.BUSY
        self._seen[post.id] = (post.digest, now)
        return False

    def forget(self, post: Post) -> None:
        """Forget a message that was not taken after all, so that it may come again."""
        self._seen.pop(post.id, None)

    def _forget(self, now: int) -> None:
        for number in list(self._seen):
            if abs(now - self._seen[number][1]) <= 2 * WINDOW:
                return
            del self._seen[number]
