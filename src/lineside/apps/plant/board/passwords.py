"""Passwords: what is refused, and how the rest is kept (argon2id).

Rules after ASVS 5.0, 6.2: length counts, composition does not; what everybody tries first is refused.
"""

from __future__ import annotations

import asyncio
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lineside.apps.plant.board.common_passwords import is_common
from lineside.domain.errors import ConfigurationError, InputError
from lineside.domain.said import say

LEAST: Final = 15
FLOOR: Final = 8
MOST: Final = 256


def check_password(password: str, *, least: int = LEAST, context: tuple[str, ...] = ()) -> None:
    """Refuse a password that is short, endless or among the first that everybody tries.

    Args:
        password: what somebody chose.
        least: characters it must have.
        context: words that say nothing here, such as the account's name and the line's.

    Raises:
        InputError: it is refused, with the reason; the message never repeats it.
        ConfigurationError: ``least`` is below the floor.
    """
    if least < FLOOR:
        raise ConfigurationError(
            "passwords may not be that short", field="least", value=least, choices=(f">= {FLOOR}",)
        )
    text = _normal(password)
    if len(text) < least:
        raise InputError(
            say("use {least} characters or more; several words are easy to remember", least=least), field="password"
        )
    if len(text) > MOST:
        raise InputError(say("use at most {most} characters", most=MOST), field="password")
    if is_common(text, context):
        raise InputError(say("this password is one of the first that anybody tries; choose another"), field="password")


class Passwords:
    """Hashes and verifies in a thread, a few at a time, since each takes 64 MB for a moment."""

    def __init__(self, hasher: PasswordHasher | None = None, at_a_time: int = 2) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
        self._gate = asyncio.Semaphore(at_a_time)
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Return the hash of a password, with a salt of its own."""
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def verify(self, password_hash: str, password: str) -> bool:
        """Return whether a password fits; an empty hash never does, and takes the same time to say so."""
        if not self._nobody:
            self._nobody = await self.hash("nobody has this password")
        async with self._gate:
            fits = await asyncio.to_thread(self._fits, password_hash or self._nobody, _normal(password))
        return fits and bool(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    """Return the password in one Unicode form, so that it fits whatever keyboard it is typed on."""
    return unicodedata.normalize("NFC", password)
