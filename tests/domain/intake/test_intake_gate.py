import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.duplicates import CONFLICTING, NEW, REPEATED, Duplicates
from lineside.domain.intake.gate import MOST_SINGLE, Gate, Taken
from lineside.domain.intake.reasons import Reason, refuse
from lineside.domain.intake.times import check_time
from lineside.domain.quarantine import RAW_LIMIT
from lineside.domain.readings import BAD_SENSOR_FAILURE, GOOD, UNCERTAIN, UNCERTAIN_EU_EXCEEDED
from lineside.testing.clocks import A_MOMENT as NOW
from lineside.testing.plans import plan_with_source

PLAN = plan_with_source({"kind": "files", "path": "x"})


def gate() -> Gate:
    return Gate(PLAN, "machine")


def counted(taken: Taken) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in taken.quarantined:
        counts[item.reason] = counts.get(item.reason, 0) + item.count
    return counts


def test_single_values_become_a_batch_in_the_order_of_their_arrival() -> None:
    one = gate()
    one.offer("temperature", NOW, 21.5, received=NOW + 1)
    one.offer("serial", NOW, "A1", received=NOW + 2)
    one.offer("running", NOW, True, received=NOW + 3)
    taken = one.take()
    assert taken.readings is not None
    assert taken.readings.signal.tolist() == [0, 3, 2]
    assert taken.readings.value.tolist() == [21.5, 0.0, 1.0]
    assert taken.readings.receive_time.tolist() == [NOW + 1, NOW + 2, NOW + 3]
    assert taken.readings.texts == ("A1",)
    assert one.take() == Taken(readings=None, quarantined=(), duplicates=0)


def test_a_bad_status_is_kept_with_no_value_whatever_came_with_it() -> None:
    one = gate()
    one.offer("temperature", NOW, None, received=NOW, status=BAD_SENSOR_FAILURE)
    one.offer("serial", NOW, [1], received=NOW, status=BAD_SENSOR_FAILURE)
    taken = one.take()
    assert taken.readings is not None
    assert np.isnan(taken.readings.value).all()
    assert taken.readings.status.tolist() == [BAD_SENSOR_FAILURE] * 2


def test_an_implausible_value_is_marked_and_an_uncertain_one_keeps_its_own_mark() -> None:
    one = gate()
    one.offer("temperature", NOW, 301.0, received=NOW)
    one.offer("temperature", NOW + 1, 301.0, received=NOW, status=UNCERTAIN)
    one.offer("temperature", NOW + 2, 300.0, received=NOW)
    taken = one.take()
    assert taken.readings is not None
    assert taken.readings.status.tolist() == [UNCERTAIN_EU_EXCEEDED, UNCERTAIN, GOOD]


@pytest.mark.parametrize("status", [0xC000_0000, -1, 2**32])
def test_a_status_that_is_none_is_refused(status: int) -> None:
    one = gate()
    one.offer("temperature", NOW, 1.0, received=NOW, status=status)
    assert counted(one.take()) == {"unknown_quality": 1}


def test_a_refused_time_or_value_is_kept_with_its_raw_bytes() -> None:
    one = gate()
    one.offer("temperature", check_time(0, NOW), 1.0, received=NOW, raw=b"x" * 10_000)
    one.offer("temperature", NOW, "21,5", received=NOW)
    first, second = one.take().quarantined
    assert (first.reason, first.signal, first.raw) == ("time_implausible", "temperature", b"x" * RAW_LIMIT)
    assert second.raw == f"{NOW} '21,5'".encode()


def test_the_same_reading_is_dropped_and_counted_and_another_value_is_a_conflict() -> None:
    one = gate()
    one.offer("temperature", NOW, 1.0, received=NOW)
    one.take()
    one.offer("temperature", NOW, 1.0, received=NOW)
    one.offer("temperature", NOW, 2.0, received=NOW)
    taken = one.take()
    assert taken.readings is None
    assert taken.duplicates == 1
    assert counted(taken) == {"conflicting": 1}


def test_readings_of_before_a_restart_are_known_again() -> None:
    before, after = gate(), gate()
    for one in (before, after):
        one.offer("serial", NOW, "A1", received=NOW)
        one.offer("temperature", NOW, 1.0, received=NOW)
        if one is before:
            taken = one.take().readings
            assert taken is not None
            after.remember(taken)
    assert after.take().duplicates == 2


def test_a_flood_of_bad_input_is_counted_and_not_kept() -> None:
    one = gate()
    for number in range(MOST_SINGLE + 500):
        one.offer("temperature", NOW + number, "bad", received=NOW)
        one.offer("pressure", NOW + number, None, received=NOW)
    taken = one.take()
    assert counted(taken) == {"not_a_number": MOST_SINGLE + 500, "null": MOST_SINGLE + 500}
    assert len(taken.quarantined) == MOST_SINGLE + 2


def test_a_flood_of_different_refusals_is_bounded_too() -> None:
    one = gate()
    for number in range(25_000):
        one.refuse(refuse(Reason.UNKNOWN_SIGNAL), received=NOW, signal=f"s{number}")
    taken = one.take()
    assert counted(taken) == {"unknown_signal": 25_000}
    assert len(taken.quarantined) < 12_000


READINGS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 6), st.sampled_from([1.0, 2.0, float("nan")])), max_size=30
)


@given(READINGS, st.integers(1, 30))
def test_columns_are_classified_as_readings_one_by_one(readings: list[tuple[int, int, float]], cut: int) -> None:
    columns, singles = Duplicates(3), Duplicates(3)
    found: list[int] = []
    for start in range(0, len(readings), cut):
        part = readings[start : start + cut]
        signal, time = (np.array([row[place] for row in part], dtype=np.int64) for place in (0, 1))
        found += columns.classify_columns(
            signal.astype(np.int32), time, np.array([row[2] for row in part], dtype=np.float64)
        ).tolist()
    assert found == [singles.classify(*row) for row in readings]
    first: dict[tuple[int, int], float] = {}
    for (code, moment, value), kind in zip(readings, found, strict=True):
        known = first.setdefault((code, moment), value)
        same = np.array_equal(known, value, equal_nan=True)
        assert kind in ({NEW, REPEATED} if same else {CONFLICTING})
    assert found.count(NEW) == len(first)


def test_the_memory_for_duplicates_is_bounded() -> None:
    seen = Duplicates(1, generation=10)
    kinds = [seen.classify(0, time, 1.0) for time in range(1000)]
    assert kinds == [NEW] * 1000
    assert seen.classify(0, 995, 1.0) == REPEATED
    assert seen.classify(0, 5, 1.0) == NEW


def test_many_columns_at_once_leave_the_memory_bounded() -> None:
    seen = Duplicates(1, generation=10)
    times = np.arange(1000, dtype=np.int64)
    seen.classify_columns(np.zeros(1000, dtype=np.int32), times, np.ones(1000))
    assert seen.classify(0, 999, 1.0) == REPEATED
    assert seen.classify(0, 5, 1.0) == NEW


def test_an_empty_block_of_columns_changes_nothing() -> None:
    one = gate()
    none = np.array([], dtype=np.int64)
    one.offer_columns(none.astype(np.int32), none, none.astype(np.float64), received=NOW)
    assert one.take() == Taken(readings=None, quarantined=(), duplicates=0)
