import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.buffering import (
    Bounds,
    Kept,
    Why,
    aggregate,
    drop_all,
    join_gaps,
    receipts_for,
    reduce_stretch,
    refuse_newest,
)
from lineside.domain.plan.gateway import WhenFull
from lineside.domain.readings import BAD, Catalogue, make_batch
from lineside.domain.units import MINUTE, SECOND

CATALOGUE = Catalogue(("a", "b", "c", "d"))
POLICIES = (WhenFull.DROP_OLDEST, WhenFull.DROP_NEWEST, WhenFull.THIN, WhenFull.AGGREGATES)


def kept(*codes: int, start: int = 0) -> Kept:
    times = [start + place * SECOND for place in range(len(codes))]
    return Kept(readings=make_batch(CATALOGUE, list(codes), times, [float(place) for place in range(len(codes))]))


def test_each_signal_is_reduced_as_the_plan_says() -> None:
    (left,) = reduce_stretch([kept(0, 1, 2, 3, 0, 1, 2, 3)], POLICIES)
    assert left.readings.signal.tolist() == [1, 2, 1]
    assert {gap.why: (gap.signals, gap.count) for gap in left.gaps} == {
        Why.OLDEST: ((0,), 2), Why.THINNED: ((2,), 1), Why.AGGREGATED: ((3,), 2),
    }  # fmt: skip
    assert [(item.signal, item.count, item.mean) for item in left.aggregates] == [("d", 2, 5.0)]


def test_thinning_counts_over_the_whole_stretch() -> None:
    left = reduce_stretch([kept(2), kept(2), kept(2), kept(2)], POLICIES)
    assert [len(item.readings) for item in left] == [1, 0, 1, 0]


def test_thinning_again_and_again_halves_each_time() -> None:
    stretch, sizes = [kept(*[2] * 64)], []
    while len(stretch[0].readings) > 1:
        stretch = reduce_stretch(stretch, POLICIES)
        sizes.append(len(stretch[0].readings))
    assert sizes == [32, 16, 8, 4, 2, 1]
    assert [gap.count for gap in stretch[0].gaps] == [63]


def test_force_takes_all_but_what_drops_the_newest() -> None:
    (left,) = reduce_stretch([kept(0, 1, 2, 3)], POLICIES, force=True)
    assert left.readings.signal.tolist() == [1]
    assert left.aggregates == ()


def test_new_readings_of_signals_that_drop_the_newest_are_refused_while_it_is_full() -> None:
    left = refuse_newest(kept(0, 1, 2).readings, POLICIES, everything=False)
    assert left.readings.signal.tolist() == [0, 2]
    assert [(gap.why, gap.count) for gap in left.gaps] == [(Why.NEWEST, 1)]
    assert len(refuse_newest(kept(0, 1, 2).readings, POLICIES, everything=True).readings) == 0


def test_aggregates_leave_bad_readings_and_texts_out_and_go_by_minute() -> None:
    catalogue = Catalogue(("n", "t"), frozenset({"t"}))
    batch = make_batch(
        catalogue,
        [0, 0, 0, 0, 1],
        [0, SECOND, MINUTE, MINUTE, 0],
        [1.0, 3.0, 5.0, 7.0, 0.0],
        status=[0, 0, 0, BAD, 0],
        texts=("x",),
    )
    found = [(item.signal, item.minute, item.count, item.mean, item.least, item.most) for item in aggregate(batch)]
    assert found == [("n", 0, 2, 2.0, 1.0, 3.0), ("n", MINUTE, 1, 5.0, 5.0, 5.0)]


def test_a_receipt_says_which_signals_from_when_to_when_how_many_and_why() -> None:
    gone = drop_all(kept(0, 2, 0), Why.AGE)
    (receipt,) = receipts_for(gone.gaps, CATALOGUE, name="n", source="outbox", recorded=9)
    assert (receipt.signals, receipt.first, receipt.last, receipt.count) == (("a", "c"), 0, 2 * SECOND, 3)
    assert receipt.reason == "older than the buffer's hours"
    assert receipt.id == "n-age"


def test_a_signal_that_says_nothing_is_treated_as_usual() -> None:
    bounds = Bounds(bytes=1, hours=1, free_bytes=0, usual=WhenFull.THIN, signals={"b": WhenFull.DROP_NEWEST})
    assert bounds.policies(CATALOGUE) == (WhenFull.THIN, WhenFull.DROP_NEWEST, WhenFull.THIN, WhenFull.THIN)


records = st.lists(st.integers(0, 3), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    stretch=st.lists(records, min_size=1, max_size=6),
    policies=st.tuples(*[st.sampled_from(list(WhenFull))] * 4),
    steps=st.lists(st.sampled_from(["reduce", "force", "newest", "age"]), max_size=8),
)
def test_in_any_run_of_reductions_what_is_kept_and_what_is_receipted_is_what_was_accepted(
    stretch: list[list[int]], policies: tuple[WhenFull, ...], steps: list[str]
) -> None:
    now = [kept(*codes, start=place * MINUTE) for place, codes in enumerate(stretch)]
    accepted = [len(codes) for codes in stretch]
    for step in steps:
        if step == "age":
            now = [drop_all(item, Why.AGE) for item in now]
        elif step == "newest":
            refused = [refuse_newest(item.readings, policies, everything=False) for item in now]
            now = [
                Kept(readings=new.readings, aggregates=old.aggregates, gaps=join_gaps([*old.gaps, *new.gaps]))
                for old, new in zip(now, refused, strict=True)
            ]
        else:
            now = reduce_stretch(now, policies, force=step == "force")
        assert [item.accepted for item in now] == accepted
        for item, codes in zip(now, stretch, strict=True):
            assert sum(part.count for part in item.aggregates) <= len(codes)
            assert set(item.readings.signal.tolist()) <= set(codes)
            assert np.all(np.diff(item.readings.source_time) > 0)


@pytest.mark.parametrize("policy", list(WhenFull))
def test_reducing_ends(policy: WhenFull) -> None:
    stretch = [kept(*[0] * 9) for _ in range(4)]
    for _ in range(8):
        stretch = reduce_stretch(stretch, [policy] * 4)
    assert sum(len(item.readings) for item in stretch) == (
        36 if policy is WhenFull.DROP_NEWEST else policy is WhenFull.THIN
    )
