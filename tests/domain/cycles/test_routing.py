from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.cycles.routing import Routes
from lineside.domain.readings import Catalogue, make_batch

SIGNALS = ("a1", "a2", "b1", "hall", "idle")
CATALOGUE = Catalogue(SIGNALS)
STATIONS = ({"a1", "a2", "hall"}, {"b1", "hall"})
ROUTES = Routes(CATALOGUE, STATIONS)


@given(st.lists(st.integers(0, len(SIGNALS) - 1), max_size=30))
def test_a_station_is_given_the_shortest_span_that_holds_all_its_readings(codes: list[int]) -> None:
    spans = ROUTES.spans(make_batch(CATALOGUE, codes, range(len(codes)), [0.0] * len(codes)))
    for span, own in zip(spans, STATIONS, strict=True):
        rows = [row for row, code in enumerate(codes) if SIGNALS[code] in own]
        assert span == (slice(rows[0], rows[-1] + 1) if rows else None)
