from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.cycles.routing import ALWAYS, NEVER, Delimiter, Routes
from lineside.domain.readings import Catalogue, make_batch

SIGNALS = ("a1", "a2", "b1", "hall", "idle", "c1")
CATALOGUE = Catalogue(SIGNALS)
STATIONS = ({"a1", "a2", "hall"}, {"b1", "hall"}, {"c1", "hall"})
FALLING, RISING = Delimiter("a1", 0.5, above=False), Delimiter("b1", 2.0, above=True)
TIMED = (None, None, None)
READINGS = st.lists(st.tuples(st.integers(0, len(SIGNALS) - 1), st.sampled_from([0.0, 1.0, 2.0, 3.0, math.nan])))


@given(st.lists(st.integers(0, len(SIGNALS) - 1), max_size=30))
def test_a_station_is_given_the_shortest_span_that_holds_all_its_readings(codes: list[int]) -> None:
    routes = Routes(CATALOGUE, STATIONS, TIMED)
    spans = routes.spans(make_batch(CATALOGUE, codes, range(len(codes)), [0.0] * len(codes)))
    for span, own in zip(spans, STATIONS, strict=True):
        rows = [row for row, code in enumerate(codes) if SIGNALS[code] in own]
        assert span == (slice(rows[0], rows[-1] + 1) if rows else None)


@given(st.lists(READINGS, max_size=5))
def test_a_delimiter_has_turned_where_it_last_went_to_the_side_that_ends_a_cycle(
    batches: list[list[tuple[int, float]]],
) -> None:
    routes = Routes(CATALOGUE, STATIONS, (FALLING, RISING, Delimiter("c1", math.nan, above=False)))
    expected, on, time = [NEVER, NEVER, NEVER], [False, False], 0
    for batch in batches:
        times = range(time, time + len(batch))
        for at, (code, value) in zip(times, batch, strict=True):
            if SIGNALS[code] == "c1":
                expected[2] = at
            elif math.isnan(value):
                continue
            elif SIGNALS[code] == "a1":
                expected[0] = at if on[0] and not value > 0.5 else expected[0]
                on[0] = value > 0.5
            elif SIGNALS[code] == "b1":
                expected[1] = at if not on[1] and value > 2.0 else expected[1]
                on[1] = value > 2.0
        routes.spans(make_batch(CATALOGUE, [code for code, _ in batch], times, [value for _, value in batch]))
        time += len(batch)
        assert routes.turned().tolist() == expected


def test_a_station_whose_cycles_time_alone_delimits_may_always_end_one() -> None:
    assert Routes(CATALOGUE, STATIONS, TIMED).turned().tolist() == [ALWAYS, ALWAYS, ALWAYS]


def test_whatever_a_delimiter_says_counts_where_stations_read_it_differently() -> None:
    shared = ({"hall"}, {"hall", "b1"}, {"c1"})
    delimiters = (Delimiter("hall", 0.5, above=False), Delimiter("hall", 1.5, above=False), None)
    routes = Routes(CATALOGUE, shared, delimiters)
    routes.spans(make_batch(CATALOGUE, [3], [7], [1.0]))
    assert routes.turned().tolist() == [7, 7, ALWAYS]
