"""Numbers that go to the gate as columns are judged as those that go one by one."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.sparkplug.rows import Rows
from lineside.domain.intake.gate import Gate, Taken
from lineside.domain.readings import BAD, GOOD, UNCERTAIN
from lineside.testing.plans import plan_with_source

PLAN = plan_with_source({"kind": "sparkplug", "url": "mqtt://x"})
NOW = 1_750_000_000_000_000_000

OFFERS = st.tuples(
    st.sampled_from(["temperature", "pressure", "running", "serial"]),
    st.integers(NOW - 5, NOW),
    st.one_of(st.floats(), st.integers(-(2**63), 2**64), st.booleans(), st.text(max_size=3), st.none(), st.just([])),
    st.sampled_from([GOOD, UNCERTAIN, BAD, 0xC000_0000]),
)


def rows_of(taken: Taken) -> list[tuple[Any, ...]]:
    batch = taken.readings
    if batch is None:
        return []
    texts = batch.catalogue.text_mask()[batch.signal] & ~np.isnan(batch.value)
    values = [batch.texts[int(value)] if text else repr(value) for value, text in zip(batch.value, texts, strict=True)]
    columns = (batch.signal, batch.source_time, batch.receive_time, batch.status)
    return [(*row, value) for *row, value in zip(*(column.tolist() for column in columns), values, strict=True)]


def refusals_of(taken: Taken) -> list[tuple[str, str]]:
    """What was refused; the gate keeps refusals of columns and of single values in no common order."""
    return sorted((item.signal, item.reason) for item in taken.quarantined)


@given(st.lists(OFFERS, max_size=40))
def test_columns_and_single_values_come_to_the_same(offers: list[tuple[str, int, Any, int]]) -> None:
    one_by_one, together = Gate(PLAN, "machine"), Gate(PLAN, "machine")
    rows = Rows(together)
    for signal, time, value, status in offers:
        one_by_one.offer(signal, time, value, received=NOW, status=status)
        rows.offer(signal, time, value, status, NOW)
    rows.flush()
    single, columns = one_by_one.take(), together.take()
    assert rows_of(columns) == rows_of(single)
    assert columns.duplicates == single.duplicates
    assert refusals_of(columns) == refusals_of(single)


PIECES = st.lists(st.tuples(st.integers(0, 1), st.integers(NOW - 5, NOW), st.floats(-1e6, 1e6)), max_size=6)


@given(st.lists(st.one_of(PIECES, OFFERS), max_size=12))
def test_columns_of_several_messages_keep_their_order_among_single_values(
    offers: list[list[tuple[int, int, float]] | tuple[str, int, Any, int]],
) -> None:
    one_by_one, together = Gate(PLAN, "machine"), Gate(PLAN, "machine")
    rows = Rows(together)
    names = [name for name in ("temperature", "pressure") if name in rows.codes]
    for received, offer in enumerate(offers, NOW):
        if isinstance(offer, list):
            for number, time, value in offer:
                one_by_one.offer(names[number], time, value, received=received)
            rows.offer_columns(
                np.array([rows.codes[names[number]] for number, _, _ in offer], dtype=np.int32),
                np.array([time for _, time, _ in offer], dtype=np.int64),
                np.array([value for _, _, value in offer], dtype=np.float64),
                received,
            )
        else:
            signal, time, value, status = offer
            one_by_one.offer(signal, time, value, received=received, status=status)
            rows.offer(signal, time, value, status, received)
    rows.flush()
    single, columns = one_by_one.take(), together.take()
    assert rows_of(columns) == rows_of(single)
    assert columns.duplicates == single.duplicates
    assert refusals_of(columns) == refusals_of(single)
