"""The passwords that everybody tries first, made from their patterns rather than copied from a list.

Passwords in circulation are few words with a few endings, runs along the keyboard, sequences and repetitions.
The patterns below make more than 3,000 of them, and find the long ones that a list of short ones misses.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Final

_WORDS: Final = (
    "password passwort passw0rd p@ssword p@ssw0rd pass secret admin administrator root user guest test tester demo "
    "login welcome willkommen hello hallo letmein changeme default system master super service support office "
    "company factory plant line machine operator engineer quality casting lineside qwerty qwertz azerty asdf abc "
    "iloveyou love dragon monkey football baseball soccer hockey princess sunshine shadow superman batman trustno1 "
    "starwars freedom whatever michael daniel thomas andreas summer sommer winter spring autumn herbst january "
    "monday computer internet server windows linux ubuntu raspberry oracle cisco mustang ferrari porsche mercedes"
)
_ENDINGS: Final = (
    "",
    *(str(digit) for digit in range(10)),
    *("!", "!!", ".", "?", "#", "*", "01", "11", "12", "12!", "21", "69", "77", "88", "99", "00", "007"),
    *("111", "123", "123!", "123.", "1234", "1234!", "12345", "123456", "1234567", "12345678", "123456789", "321"),
    *(str(year) for year in range(2000, 2031)),
)
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
)
_SHORTEST_RUN: Final = 8
_TRIMMINGS: Final = "!.?#*-_ "


@cache
def common_passwords() -> frozenset[str]:
    """Return the passwords of the patterns, in lower case."""
    return frozenset(_made())


def _made() -> Iterator[str]:
    for word, ending in product(_WORDS.split(), _ENDINGS):
        yield word + ending
        yield word + word + ending
    for run in (*_RUNS, *(run[::-1] for run in _RUNS)):
        for start in range(len(run)):
            for end in range(start + 4, len(run) + 1):
                yield run[start:end]


def is_common(password: str, context: tuple[str, ...] = ()) -> bool:
    """Return whether a password is one of the patterns, a repetition of one, or made of the context's words."""
    text = password.casefold()
    known = common_passwords()
    if text in known or _is_repetition(text, known):
        return True
    words = [word.casefold() for word in context if len(word) > 2]
    rest = text
    for word in words:
        rest = rest.replace(word, "")
    return rest != text and (len(rest) < 4 or rest.strip(_TRIMMINGS) in known or rest.isdigit())


def _is_repetition(text: str, known: frozenset[str]) -> bool:
    """Return whether the text is a short piece, or a known password, over and over (the last one may be cut)."""
    for size in range(1, len(text) // 2 + 1):
        piece = text[:size]
        common = size < _SHORTEST_RUN or piece in known or piece.rstrip(_TRIMMINGS) in known
        if common and (piece * (len(text) // size + 1))[: len(text)] == text:
            return True
    return False
