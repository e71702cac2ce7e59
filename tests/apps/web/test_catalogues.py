"""The catalogues: every text that a page can show is in each of them, and keeps its values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import lineside
from lineside.apps.web.language import read_catalogues
from lineside.apps.web.template_words import TemplateWords

_SOURCE = Path(lineside.__file__).parent
_CALLS = {"tr", "tr_text", "tr_html", "word"}
_SAYS = {"say", "word"}
"""What makes sentences in the domain, which a page says in its reader's language."""
_CATALOGUES = read_catalogues()


def _of_templates() -> Iterator[str]:
    environment = Environment(extensions=[TemplateWords], autoescape=True)
    for path in sorted(_SOURCE.rglob("templates/**/*.html")):
        for call in environment.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            named = isinstance(call.node, nodes.Name) and call.node.name in _CALLS
            if named and call.args and isinstance(call.args[0], nodes.Const):
                yield call.args[0].value


def _of_code() -> Iterator[str]:
    for path in sorted(_SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        calls = (_CALLS if "apps.web.language" in text else set()) | (_SAYS if "domain.said" in text else set())
        if not calls:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


@pytest.fixture(scope="module")
def texts() -> frozenset[str]:
    return frozenset((*_of_templates(), *_of_code()))


@pytest.mark.parametrize("code", sorted(_CATALOGUES))
def test_every_text_has_a_translation_and_every_translation_a_text(code: str, texts: frozenset[str]) -> None:
    known = {text for text, translation in _CATALOGUES[code].items() if translation.strip()}
    assert sorted(texts - known) == [], f"add these to languages/{code}.json"
    assert sorted(known - texts) == [], f"nothing shows these any more: take them out of languages/{code}.json"


@pytest.mark.parametrize("code", sorted(_CATALOGUES))
def test_a_translation_keeps_its_values_and_brings_no_marks_of_html(code: str) -> None:
    for text, translation in _CATALOGUES[code].items():
        wanted = set(re.findall(r"\{\w*\}", text))
        assert set(re.findall(r"\{\w*\}", translation)) == wanted, translation
        assert len(translation.split("|")) <= len(text.split("|")), translation
        assert not re.search(r'[<>"]', translation), translation
