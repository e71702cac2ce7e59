from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.answer_links import AnswerLink, mark_of, read_link, seal_link
from lineside.domain.eight_d import safe_cell
from lineside.domain.errors import InputError

KEY, OTHER = b"k" * 32, b"o" * 32
LINK = AnswerLink(alert="cast/porosity/cooling/1", expires=1000, mark="m")


def test_a_link_says_what_was_sealed_until_it_is_over() -> None:
    token = seal_link(KEY, LINK)
    assert read_link([KEY], token, 999) == LINK
    with pytest.raises(InputError, match="over"):
        read_link([KEY], token, 1000)


def test_a_link_holds_by_an_older_key_while_it_is_known_and_by_no_other() -> None:
    token = seal_link(OTHER, LINK)
    assert read_link([KEY, OTHER], token, 0) == LINK
    with pytest.raises(InputError, match="none of this board's"):
        read_link([KEY], token, 0)


@given(st.data())
def test_a_link_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    token = seal_link(KEY, LINK)
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCabc012_-.").filter(lambda char: char != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    try:
        assert read_link([KEY], changed, 0) == LINK  # the last bits of base64 may say nothing
    except InputError:
        return


@given(st.text())
def test_no_text_is_a_link(text: str) -> None:
    with pytest.raises(InputError):
        read_link([KEY], text, 0)


def test_the_mark_of_a_message_is_the_same_in_every_channel_and_tells_nothing_without_the_key() -> None:
    assert mark_of(KEY, "a#raised") == mark_of(KEY, "a#raised")
    assert mark_of(KEY, "a#raised") != mark_of(KEY, "a#escalated@1")
    assert mark_of(KEY, "a#raised") != mark_of(OTHER, "a#raised")


@pytest.mark.parametrize("hostile", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_begins_a_formula(hostile: str) -> None:
    assert safe_cell(hostile) == f"'{hostile}"


@pytest.mark.parametrize("plain", ["-4.5", "operator K7", "", "4711", None])
def test_words_and_numbers_stay_what_they_are(plain: str | None) -> None:
    assert safe_cell(plain) == (plain or "")
