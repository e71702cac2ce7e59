"""The language of a page: which one is spoken now, and what a text is in it.

English is the source language and the key of every catalogue (``languages/*.json``, plain JSON, so that a gateway
needs nothing to read them). A text with a value in it carries placeholders: ``tr("{age} old", age=...)``. A text that
counts carries two forms, split by ``|``: ``tr("{n} part|{n} parts", n=3)``; so do its translations where they have two.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from lineside.domain.said import Language

SOURCE: Final = Language.ENGLISH.value
LANGUAGES: Final[Mapping[str, str]] = {
    Language.ENGLISH.value: "English",
    Language.GERMAN.value: "Deutsch",
    Language.SPANISH.value: "Español",
    Language.CHINESE.value: "中文",
    Language.PORTUGUESE.value: "Português",
}
"""Every language by its code, with the name it gives itself."""

_FOLDER: Final = Path(__file__).parent / "languages"
_MOST_RANGES: Final = 20


def read_catalogues() -> dict[str, dict[str, str]]:
    """Return every catalogue: from English to the language of each code but English."""
    return {
        code: json.loads((_FOLDER / f"{code}.json").read_text(encoding="utf-8")) for code in LANGUAGES if code != SOURCE
    }


_CATALOGUES: Final = read_catalogues()
_spoken: ContextVar[str] = ContextVar("language", default=SOURCE)
_plan: ContextVar[Mapping[str, str]] = ContextVar("plan_words", default={})  # noqa: B039 - never changed in place


def language() -> str:
    """Return the code of the language that is spoken now."""
    return _spoken.get()


def speak(code: str) -> None:
    """Speak a language from here on, in this task."""
    _spoken.set(code if code in LANGUAGES else SOURCE)


@contextlib.contextmanager
def speaking(code: str, words: Mapping[str, Mapping[str, str]] | None = None) -> Iterator[None]:
    """Speak a language within the block, with the ``words`` of a plan where they are given."""
    before, planned = _spoken.set(code if code in LANGUAGES else SOURCE), _plan.get()
    _plan.set(planned if words is None else words.get(language(), {}))
    try:
        yield
    finally:
        _spoken.reset(before)
        _plan.set(planned)


def tr(text: str, /, **values: Any) -> str:
    """Return a text in the spoken language with its values put in; English where it has no translation."""
    return _form(text, values).format(**values) if values else _form(text, values)


def tr_html(text: str, /, **values: Any) -> Markup:
    """Return a text of a template in the spoken language; the values are escaped."""
    found = Markup(_form(text, values))  # noqa: S704 - texts are ours: from templates and catalogues
    return found.format(**values) if values else found


def word(text: str) -> str:
    """Mark a text that is translated where it is shown; return it as it is."""
    return text


def lazily(texts: Mapping[Any, str]) -> Mapping[Any, str]:
    """Return texts by key, each in the language that is spoken when it is asked for."""
    return _Spoken(texts)


class _Spoken(dict[Any, str]):
    def __getitem__(self, key: Any) -> str:
        return tr(super().__getitem__(key))


def know_plan(words: Mapping[str, Mapping[str, str]]) -> None:
    """Know the texts of a plan in the spoken language, from here on in this task."""
    _plan.set(words.get(language(), {}))


def plan_text(text: str) -> str:
    """Return a text of the plan in the spoken language, as the plan words it there; else as it stands."""
    return _plan.get().get(text, text)


def choose(*wishes: str, accept: str = "") -> str:
    """Return the language to speak: the first wish that there is, else what the browser prefers, else English."""
    for wish in (*wishes, *_preferred(accept)):
        code = wish.strip().lower().partition("-")[0]
        if code in LANGUAGES:
            return code
    return SOURCE


def _preferred(accept: str) -> Iterable[str]:
    """Return the ranges of an ``Accept-Language`` header (RFC 9110, 12.5.4), the most wanted first."""
    ranked = []
    for place, item in enumerate(accept.split(",")[:_MOST_RANGES]):
        name, _, rest = item.partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if weight > 0:
            ranked.append((-weight, place, name))
    return [name for _, _, name in sorted(ranked)]


def _form(text: str, values: Mapping[str, Any]) -> str:
    found = _CATALOGUES.get(language(), {}).get(text) or text
    if "|" not in found or "n" not in values:
        return found
    one, _, many = found.partition("|")
    return one if values["n"] == 1 else many
