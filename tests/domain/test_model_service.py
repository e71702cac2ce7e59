"""The states of a seat, and that the documentation shows them as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.domain.model_service import EVENT_MEANING, SeatEvent, SeatState, next_state, transition_table

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "how-a-model-goes-live.md"


def test_a_refused_offer_changes_nothing_whatever_judges() -> None:
    assert all(next_state(state, SeatEvent.REFUSED) is state for state in SeatState)


def test_an_accepted_offer_ends_every_state_in_running() -> None:
    assert all(next_state(state, SeatEvent.ACCEPTED) is SeatState.RUNNING for state in SeatState)


def test_a_fallback_has_no_fallback() -> None:
    with pytest.raises(ValueError, match="fallback"):
        next_state(SeatState.FALLBACK, SeatEvent.FAILED)


def test_every_event_is_explained() -> None:
    assert set(EVENT_MEANING) == set(SeatEvent)


def test_the_documentation_has_the_table_of_the_code() -> None:
    assert transition_table() in PAGE.read_text(encoding="utf-8")
