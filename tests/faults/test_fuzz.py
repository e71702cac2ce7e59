"""Every decoder of foreign bytes answers damaged input, or refuses it in its own words; nothing else comes out."""

from __future__ import annotations

import pytest

from lineside.testing.faults.fuzz import Decoder, decoders, fuzz

SHORT = 2_000


@pytest.mark.parametrize("decoder", decoders(), ids=lambda decoder: decoder.name)
def test_damaged_input_is_read_or_refused(decoder: Decoder) -> None:
    found = fuzz(decoder, SHORT, seed=1)
    assert not found.escaped
    assert found.refused > 0


@pytest.mark.drill
@pytest.mark.parametrize("decoder", decoders(), ids=lambda decoder: decoder.name)
def test_a_great_deal_of_damaged_input_is_read_or_refused(decoder: Decoder, pytestconfig: pytest.Config) -> None:
    found = fuzz(decoder, pytestconfig.getoption("--inputs") // len(decoders()), seed=2)
    assert not found.escaped, found.escaped[:3]
