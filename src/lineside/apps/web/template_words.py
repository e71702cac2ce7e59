"""Makes the plain text of templates translatable without any mark.

Text between tags, and what ``aria-label``, ``title``, ``alt`` and ``placeholder`` say, is looked up in the catalogue
when the page is made. A sentence with a value inside is written as ``{{ tr("...", name=value) }}`` instead, because
its words stand in another order elsewhere. Not words: what stands in other attributes, and the blocks of `_NO_WORDS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from lineside.apps.web.language import tr_html

_NO_WORDS: Final = frozenset({"main_attributes", "watch", "script"})
_SAID: Final = frozenset({"aria-label", "title", "alt", "placeholder"})
_LETTERS: Final = re.compile(r"[A-Za-z]{2}")
_EDGES: Final = re.compile(r"^([\s·•\u2013▲▼✓.,;:()]*)(.*?)([\s·•\u2013,;:()]*)$", re.DOTALL)
_ENTITY: Final = re.compile(r"&#?\w+;")
_VALUE: Final = re.compile(r'([\w-]+)="([^"]*)"')


class TemplateWords(Extension):
    """The Jinja extension that does it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals |= {"tr": tr_html, "tr_text": tr_html}

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Put a look-up in the place of each plain text."""
        reader = _Reader()
        blocks: list[bool] = []
        told: list[Token] = []
        for token in stream:
            told = [token] if token.type == "block_begin" else [*told, token][:4]
            if token.type == "block_end" and len(told) > 1:
                _follow_blocks(told, blocks)
            if token.type == "data" and not any(blocks):
                yield from _tokens(token.lineno, reader.pieces(token.value))
            else:
                yield token


def texts_of(environment: Environment, source: str) -> list[str]:
    """Return the plain texts of a template, as they are looked up."""
    tree = list(environment._tokenize(source, None))  # noqa: SLF001 - Jinja's own extraction reads tokens so too
    return [
        tree[place + 2].value
        for place, token in enumerate(tree)
        if token.test("name:tr_text") and tree[place + 1].type == "lparen"
    ]


def _follow_blocks(told: list[Token], blocks: list[bool]) -> None:
    words = [item.value for item in told[1:3]]
    if words[0] == "block":
        blocks.append(words[1] in _NO_WORDS)
    elif words[0] == "endblock" and blocks:
        blocks.pop()


def _tokens(line: int, pieces: Iterable[tuple[bool, str]]) -> Iterator[Token]:
    for said, text in pieces:
        if not said:
            yield Token(line, "data", text)
            continue
        before, core, after = _EDGES.fullmatch(text).groups()  # type: ignore[union-attr]
        if before:
            yield Token(line, "data", before)
        yield Token(line, "variable_begin", "{{")
        yield Token(line, "name", "tr_text")
        yield Token(line, "lparen", "(")
        yield Token(line, "string", " ".join(core.split()))
        yield Token(line, "rparen", ")")
        yield Token(line, "variable_end", "}}")
        if after:
            yield Token(line, "data", after)


class _Reader:
    """Reads HTML in pieces, as it stands between the expressions of a template: is it text, or within a tag?"""

    def __init__(self) -> None:
        self._tag = False
        self._quote = False

    def pieces(self, data: str) -> Iterator[tuple[bool, str]]:
        """Return the data in pieces, each with whether it is words."""
        while data:
            if self._tag:
                end = self._end_of_tag(data)
                yield from _attributes(data[:end])
            else:
                end = data.find("<")
                end = len(data) if end < 0 else end
                if end:
                    plain = _ENTITY.sub("", data[:end])
                    yield bool(_LETTERS.search(plain)) and '="' not in plain, data[:end]
                if end < len(data):
                    self._tag = True
                    self._quote = False
            data = data[end:]

    def _end_of_tag(self, data: str) -> int:
        for place, sign in enumerate(data):
            if sign == '"':
                self._quote = not self._quote
            elif sign == ">" and not self._quote:
                self._tag = False
                return place + 1
        return len(data)


def _attributes(tag: str) -> Iterator[tuple[bool, str]]:
    done = 0
    for match in _VALUE.finditer(tag):
        if match[1] in _SAID and _LETTERS.search(match[2]):
            yield False, tag[done : match.start(2)]
            yield True, match[2]
            done = match.end(2)
    if done < len(tag):
        yield False, tag[done:]
