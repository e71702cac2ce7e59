"""Remembering what was made of things that never change and are dear to compare: a plan, its signals, a recipe."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

MOST: Final = 16
"""Answers that a function remembers unless it says otherwise; they keep their arguments alive."""
_P = ParamSpec("_P")
_R = TypeVar("_R")


def once_each(most: int = MOST) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Let a function of positional arguments be asked once for each: by which thing it is, but texts by what they say.

    Beyond ``most`` answers it begins anew. An answer is shared by all who ask, so it must not be changed.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        known: dict[tuple[object, ...], tuple[tuple[object, ...], _R]] = {}

        @wraps(function)
        def asked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            assert not kwargs
            key = tuple(item if isinstance(item, str) else id(item) for item in args)
            found = known.get(key)
            if found is None:
                if len(known) >= most:
                    known.clear()
                found = known[key] = args, function(*args, **kwargs)
            return found[1]

        return asked

    return decorate
