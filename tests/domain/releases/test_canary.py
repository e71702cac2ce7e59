"""Which parts a canary judges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import InputError
from lineside.domain.releases.canary import Canary, position

PLACE = "cast/porosity"


@given(st.text(max_size=20), st.floats(0.01, 0.25))
def test_a_part_stays_where_it_was_when_the_canary_grows(part: str, share: float) -> None:
    small, large = Canary(share=share), Canary(share=2 * share)
    assert large.takes(PLACE, part) or not small.takes(PLACE, part)


def test_the_share_of_parts_is_the_share_that_was_asked_for() -> None:
    taken = sum(Canary(share=0.1).takes(PLACE, f"unit-{number}") for number in range(20_000))
    assert 1850 < taken < 2150


def test_two_places_do_not_choose_the_same_parts() -> None:
    parts = [f"unit-{number}" for number in range(2000)]
    both = sum(position(PLACE, part) < 0.5 and position("trim/burr", part) < 0.5 for part in parts)
    assert 400 < both < 600


def test_a_canary_of_stations_takes_every_part_there_and_none_elsewhere() -> None:
    canary = Canary(stations=("cast",))
    assert canary.takes("cast/porosity", "1")
    assert not canary.takes("trim/burr", "1")
    assert Canary.read(canary.words()) == canary


@pytest.mark.parametrize("share", [-0.1, 0.0, 0.6])
def test_a_canary_without_a_limit_or_of_more_than_half_is_refused(share: float) -> None:
    with pytest.raises(InputError):
        Canary(share=share)
