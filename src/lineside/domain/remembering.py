"""Remembering what was made of things that never change and are dear to compare: a plan, its signals, a recipe."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

MOST: Final = 256
"""Answers that one function remembers; they keep their arguments alive. Beyond that it begins anew."""
_P = ParamSpec("_P")
_R = TypeVar("_R")


def once_each(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function of positional arguments be asked once for each: by what they are, but texts by what they say.

    The answer is shared by all who ask, so it must not be changed.
    """
    known: dict[tuple[object, ...], tuple[tuple[object, ...], Any]] = {}

    @wraps(function)
    def asked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        assert not kwargs
        key = tuple(item if isinstance(item, str) else id(item) for item in args)
        found = known.get(key)
        if found is None:
            if len(known) >= MOST:
                known.clear()
            found = known[key] = args, function(*args, **kwargs)
        answer: _R = found[1]
        return answer

    return asked
