"""What is held comes out in canonical order, whatever the order of arrival and wherever the columns begin."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.cycles.admission import settle
from lineside.domain.cycles.holding import Holding
from lineside.domain.readings import Catalogue, make_batch
from lineside.domain.units import DAY

SIGNALS = 3
VALUES = st.sampled_from([0.0, -0.0, 1.0, -2.5, float("nan")])
READINGS = st.lists(st.tuples(st.integers(0, SIGNALS - 1), st.integers(0, 12), VALUES, st.integers(0, 2)), max_size=40)
Reading = tuple[int, int, float, int]


def canonical(reading: Reading) -> tuple[Any, ...]:
    signal, time, value, status = reading
    return time, signal, bool(np.isnan(value)), 0.0 if np.isnan(value) else value, status


@given(READINGS, st.integers(0, 200), st.data())
def test_rows_are_settled_as_they_are_sorted_or_all_are_still_there(
    readings: list[Reading], most: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(readings)))
    readings = sorted(readings[:start], key=canonical) + readings[start:]
    kinds = (np.int32, np.int64, np.float64, np.uint32)
    signal, time, value, status = (
        np.array([reading[place] for reading in readings], dtype=kind) for place, kind in enumerate(kinds)
    )
    arrival = np.arange(len(readings), dtype=np.int64)
    done = settle(signal, time, arrival, value, status, start, len(readings), most)
    order = sorted(range(len(readings)), key=lambda row: canonical(readings[row]))
    assert done or len(readings) > 1
    assert arrival.tolist() == order if done else sorted(arrival.tolist()) == sorted(order)
    assert repr(value.tolist()) == repr([readings[row][2] for row in arrival])
    assert signal.tolist() == [readings[row][0] for row in arrival]
    assert time.tolist() == [readings[row][1] for row in arrival]
    assert status.tolist() == [readings[row][3] for row in arrival]


@given(st.lists(st.lists(st.tuples(st.integers(0, SIGNALS - 1), st.integers(0, 50)), max_size=9), max_size=9))
def test_readings_are_held_and_let_go_of_in_order_wherever_the_columns_begin(
    pushes: list[list[tuple[int, int]]],
) -> None:
    catalogue = Catalogue(("a", "b", "c"), frozenset())
    local = np.arange(SIGNALS, dtype=np.int32)
    none = np.zeros(SIGNALS, dtype=np.int32)
    holding = Holding(local, none, -1, DAY, DAY, holds=none.astype(np.bool_), said_at=lambda _: 0)
    holding._allocate(8)
    held: list[tuple[int, int, float]] = []
    number = 0
    for push in pushes:
        values = [float(number + place) for place in range(len(push))]
        number += len(push)
        held += [(time, signal, value) for (signal, time), value in zip(push, values, strict=True)]
        held.sort()
        codes, times = [signal for signal, _ in push], [time for _, time in push]
        holding.add(batch := make_batch(catalogue, codes, times, values), batch.value)
        holding.ripe()
        rows = slice(0, holding.rows)
        assert list(zip(holding.time[rows], holding.signal[rows], holding.value[rows], strict=True)) == held
        holding.drop(len(held) // 2)
        held = held[len(held) // 2 :]
