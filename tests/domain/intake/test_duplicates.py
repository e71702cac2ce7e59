"""What came before is found whatever came between, within the two generations that are remembered."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.duplicates import CONFLICTING, NEW, REPEATED, Duplicates

READINGS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 9), st.sampled_from([0.0, -0.0, 1.0, float("nan")])), max_size=60
)
Reading = tuple[int, int, float]


def by_the_rule(readings: list[Reading], generation: int) -> list[int]:
    """Return the kinds as two dictionaries have them: the younger becomes the elder when it is full."""
    young: dict[tuple[int, int], float] = {}
    old: dict[tuple[int, int], float] = {}
    newest: dict[int, int] = {}
    kinds = []
    for signal, time, value in readings:
        known = None if time > newest.get(signal, -1) else young.get((signal, time), old.get((signal, time)))
        if known is None:
            kinds.append(NEW)
            young[signal, time] = value
        else:
            kinds.append(REPEATED if known == value or (known != known and value != value) else CONFLICTING)  # noqa: PLR0124 - NaN
        newest[signal] = max(time, newest.get(signal, -1))
        if len(young) >= generation:
            young, old = {}, young
    return kinds


@given(READINGS, st.integers(1, 9), st.integers(1, 20))
def test_each_reading_is_what_two_generations_of_those_before_it_say(
    readings: list[Reading], generation: int, batch: int
) -> None:
    seen = Duplicates(3, generation)
    kinds: list[int] = []
    for at in range(0, len(readings), batch):
        signal, time, value = zip(*readings[at : at + batch], strict=True)
        columns = np.array(signal, dtype=np.int32), np.array(time, dtype=np.int64), np.array(value)
        kinds += seen.classify_columns(*columns).tolist()
    assert kinds == by_the_rule(readings, generation)
