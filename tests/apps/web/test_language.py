"""The language of a page: which is spoken, and what a text is in it."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from lineside.apps.web.language import choose, language, lazily, speaking, tr, tr_html, word
from lineside.apps.web.template_words import TemplateWords, texts_of
from lineside.apps.web.words import age, date_time, number
from lineside.domain.units import HOUR, MINUTE


@pytest.mark.parametrize(
    ("wish", "accept", "spoken"),
    [
        ("de", "es", "de"),
        ("", "fr, de-AT;q=0.8, es;q=0.9", "es"),
        ("tlh", "zh-Hans-CN", "zh"),
        ("", "pt;q=0, *", "en"),
        ("", "de;q=x, , ;;;", "en"),
        ("", "", "en"),
    ],
)
def test_a_wish_goes_before_the_browser_and_english_is_left(wish: str, accept: str, spoken: str) -> None:
    assert choose(wish, accept=accept) == spoken


def test_a_language_is_spoken_within_its_block_alone() -> None:
    with speaking("zh"):
        assert language() == "zh"
        with speaking("no such"):
            assert language() == "en"
        assert language() == "zh"
    assert language() == "en"


def test_what_counts_takes_the_form_of_its_number() -> None:
    assert tr("{n} part|{n} parts", n=1) == "1 part"
    assert tr("{n} part|{n} parts", n=0) == "0 parts"


def test_values_of_a_template_are_escaped() -> None:
    assert tr_html("{who} took it", who="<b>") == "&lt;b&gt; took it"


def test_a_marked_text_is_said_when_it_is_asked_for() -> None:
    assert lazily({1: word("no such text")})[1] == "no such text"


def test_text_and_labels_are_words_and_the_rest_is_not() -> None:
    source = """{% block watch %}alerts{% endblock %}{% block main_attributes %} class="one"{% endblock %}
        <p class="soft{% if x %} asking{% endif %}" title="Above usual">
        · late, not live<a href="/x?{{ x }}">All parts</a>
        <input value="{{ x }}" placeholder="Serial number"{% if x %} checked{% endif %}>{{ x }} · 3</p>"""
    environment = Environment(extensions=[TemplateWords], autoescape=True)
    assert texts_of(environment, source) == ["Above usual", "late, not live", "All parts", "Serial number"]
    plain = Environment(autoescape=True).from_string(source).render(x="")
    assert environment.from_string(source).render(x="") == plain


@pytest.mark.parametrize(
    ("code", "figure", "date"),
    [
        ("en", "1.50", "1970-01-01 01:00:00"),
        ("de", "1,50", "01.01.1970 01:00:00"),
        ("pt", "1,50", "01/01/1970 01:00:00"),
    ],
)
def test_numbers_and_dates_follow_the_language(code: str, figure: str, date: str) -> None:
    with speaking(code):
        assert (number(1.5), date_time(0, "Europe/Berlin")) == (figure, date)


def test_a_span_is_said_in_its_two_leading_units() -> None:
    assert age(4 * HOUR + 12 * MINUTE) == "4 h 12 min"
