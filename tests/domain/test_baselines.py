from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.baselines import (
    TAKEN_BACK,
    WIDEST,
    BaselineEvent,
    Baselines,
    BaselineState,
    Happened,
    Scatter,
    SetupFacts,
    SetupView,
    Step,
)
from lineside.domain.readings import Float64

WIDTH = 3
FACTS = SetupFacts(
    signals=("variant", "tool"),
    parts=10,
    places=np.array([0, 2, 3]),
    centre=np.array([20.0, 5.0, 0.0]),
    scale=np.array([2.0, 0.5, 1.0]),
    into=np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.2], [0.0, 0.0, 1.0]]),
    between=np.array([9.0, 1.0, 0.05]),
    worth=25.0,
)
PLAIN = replace(FACTS, into=np.eye(WIDTH), between=np.full(WIDTH, 4.0), scale=np.full(WIDTH, 2.0))
INPUTS = 5
B17 = {"variant": "B", "tool": "17"}

rows = st.lists(st.tuples(*[st.floats(-2.0, 2.0, width=32)] * INPUTS), min_size=1, max_size=30)


def near(offset: float, count: int, seed: int = 0) -> Float64:
    """Rows whose setup lies ``offset`` scales off in every feature."""
    z = np.random.default_rng(seed).normal(size=(count, INPUTS)) + offset
    full = np.zeros((count, INPUTS))
    full[:, FACTS.places] = z[:, FACTS.places] * FACTS.scale + FACTS.centre
    return full


def teach(
    baselines: Baselines,
    given_rows: Float64 | Sequence[Sequence[float]],
    context: dict[str, str],
    *,
    first: int = 1,
    suspected: frozenset[int] = frozenset(),
    ratio: float = 0.5,
) -> list[BaselineEvent]:
    events: list[BaselineEvent] = []
    for number, row in enumerate(np.asarray(given_rows, dtype=np.float32), start=first):
        view = baselines.view(context)
        events += baselines.observe(view, row, ratio, unit=f"u{number}", ended=number, suspected=number in suspected)
    return events


def same(one: SetupView, other: SetupView) -> bool:
    return (
        one.setup == other.setup
        and one.offset.tobytes() == other.offset.tobytes()
        and (one.count, one.width, one.gross, one.known) == (other.count, other.width, other.gross, other.known)
    )


def test_a_setup_without_parts_lies_where_all_setups_lie() -> None:
    view = Baselines(FACTS, INPUTS).view(B17)
    assert not view.offset.any()
    assert not view.known
    assert view.words == "0 of 10 good parts of setup B-17"
    assert view.width == pytest.approx(1.0 + 9.0)


def test_a_setup_with_many_parts_lies_where_its_parts_lie() -> None:
    baselines = Baselines(FACTS, INPUTS)
    teach(baselines, near(2.0, 4000), B17)
    view = baselines.view(B17)
    assert view.offset[FACTS.places] == pytest.approx(2.0 * FACTS.scale, abs=0.15)
    assert view.offset[[1, 4]].tolist() == [0.0, 0.0]
    assert view.width == pytest.approx(1.0, abs=0.001)
    assert view.known


@settings(max_examples=30)
@given(rows)
def test_the_centre_lies_between_all_setups_and_the_parts_of_its_own(sample: list[tuple[float, ...]]) -> None:
    baselines = Baselines(PLAIN, INPUTS)
    teach(baselines, np.array(sample) + _centre(), B17)
    mean = np.array(sample)[:, PLAIN.places].mean(axis=0) / PLAIN.scale
    assert np.all(np.abs(baselines.view(B17).shift) <= np.abs(mean) + 1e-5)


@settings(max_examples=30)
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_ordinary_parts_moves_no_centre(sample: list[tuple[float, ...]], chance: object) -> None:
    one, other = Baselines(PLAIN, INPUTS), Baselines(PLAIN, INPUTS)
    mixed = list(sample)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    teach(one, np.array(sample) + _centre(), B17)
    teach(other, np.array(mixed) + _centre(), B17)
    assert other.view(B17).shift == pytest.approx(one.view(B17).shift, abs=1e-5)


@settings(max_examples=30)
@given(rows, st.frozensets(st.integers(1, 30)))
def test_a_replay_of_the_events_gives_the_same_bits(sample: list[tuple[float, ...]], suspected: frozenset[int]) -> None:
    live, replayed = Baselines(FACTS, INPUTS), Baselines(FACTS, INPUTS)
    events = teach(live, np.array(sample) + _centre(), B17, suspected=suspected)
    events += live.suspect({"u1", "u3"})
    events += live.clear({"u2", "u3"})
    events += teach(live, near(1.0, 5), {"variant": "A", "tool": "17"}, first=100)
    for event in events:
        replayed.apply(event)
    assert replayed.state() == live.state()
    assert same(replayed.view(B17), live.view(B17))


@settings(max_examples=30)
@given(rows, st.integers(0, 30))
def test_a_restart_from_a_checkpoint_gives_the_same_bits(sample: list[tuple[float, ...]], cut: int) -> None:
    whole, first = Baselines(FACTS, INPUTS), Baselines(FACTS, INPUTS)
    given_rows = np.array(sample) + _centre()
    teach(whole, given_rows, B17)
    teach(first, given_rows[:cut], B17)
    second = Baselines(FACTS, INPUTS, first.state())
    teach(second, given_rows, B17)  # what was learned before comes once more, and changes nothing
    assert second.state() == whole.state()
    assert same(second.view(B17), whole.view(B17))


@settings(max_examples=30)
@given(rows, st.frozensets(st.integers(1, 30), min_size=1))
def test_suspected_parts_move_no_baseline(sample: list[tuple[float, ...]], suspected: frozenset[int]) -> None:
    some, all_of_them = Baselines(FACTS, INPUTS), Baselines(FACTS, INPUTS)
    given_rows = np.array(sample) + _centre()
    teach(all_of_them, given_rows, B17, suspected=suspected)
    good = [i for i in range(len(sample)) if i + 1 not in suspected]
    for i in good:
        teach(some, given_rows[i : i + 1], B17, first=i + 1)
    assert same(some.view(B17), all_of_them.view(B17))


def test_a_part_found_bad_later_leaves_as_if_it_had_never_come() -> None:
    never, later = Baselines(FACTS, INPUTS), Baselines(FACTS, INPUTS)
    given_rows = near(1.5, TAKEN_BACK + 40)
    bad = TAKEN_BACK + 10
    teach(later, given_rows, B17)
    teach(never, given_rows, B17, suspected=frozenset({bad}))
    assert [event.kind for event in later.suspect({f"u{bad}"})] == [Happened.TAKEN_OUT]
    assert later.view(B17).offset.tobytes() == never.view(B17).offset.tobytes()
    assert later.suspect({"u1", "unknown"}) == ()


def test_a_suspected_part_that_is_found_good_teaches() -> None:
    baselines = Baselines(FACTS, INPUTS)
    teach(baselines, near(6.0, 3), B17, suspected=frozenset({1, 2, 3}))
    assert baselines.view(B17).count == 0.0
    assert [event.kind for event in baselines.clear({"u1", "u2"})] == [Happened.TAKEN_IN] * 2
    assert baselines.view(B17).count == 2.0
    assert baselines.view(B17).offset[0] > 5.0


def test_a_unit_that_passes_the_station_again_is_another_part() -> None:
    baselines = Baselines(FACTS, INPUTS)
    for ended, row in enumerate(near(1.0, 4).astype(np.float32), start=1):
        baselines.observe(baselines.view(B17), row, 0.5, unit=f"u{ended % 2}", ended=ended, suspected=False)
    assert same(Baselines(FACTS, INPUTS, baselines.state()).view(B17), baselines.view(B17))
    assert len(baselines.suspect({"u1"})) == 2
    assert baselines.view(B17).count == 2.0


def test_one_wild_part_moves_a_centre_a_bounded_way() -> None:
    calm, wild = Baselines(FACTS, INPUTS), Baselines(FACTS, INPUTS)
    sample = near(0.0, 20)
    teach(calm, sample, B17)
    sample[10, 0] += 1e6
    teach(wild, sample, B17)
    assert abs(wild.view(B17).offset[0] - calm.view(B17).offset[0]) < 3.5 * FACTS.scale[0] / 10


def test_a_setup_that_comes_back_goes_on_from_its_own_baseline() -> None:
    baselines = Baselines(FACTS, INPUTS)
    teach(baselines, near(3.0, 100), B17)
    before = baselines.view(B17)
    teach(baselines, near(-3.0, 30), {"variant": "A", "tool": "17"}, first=1000)
    again = baselines.view(B17)
    assert again.known
    assert again.count == pytest.approx(FACTS.worth)
    assert again.offset[0] == pytest.approx(before.offset[0], rel=0.05)
    events = teach(baselines, near(3.0, 1), B17, first=2000)
    assert [event.kind for event in events] == [Happened.BEGUN, Happened.LEARNED]
    assert baselines.view(B17).count == pytest.approx(FACTS.worth + 1.0)


def test_a_signal_that_says_nothing_keeps_its_last_value() -> None:
    baselines = Baselines(FACTS, INPUTS)
    assert "setup (no variant)-(no tool)" in baselines.view({}).words
    teach(baselines, near(0.0, 1), B17)
    assert baselines.view({"tool": "18"}).setup == ("B", "18")


def test_a_part_older_than_the_newest_is_judged_and_teaches_nothing() -> None:
    baselines = Baselines(FACTS, INPUTS)
    teach(baselines, near(0.0, 1), B17, first=50)
    assert teach(baselines, near(9.0, 1), B17, first=20) == []


def test_the_limit_narrows_with_the_parts_and_never_below_the_steps_of_learning() -> None:
    steps = (Step(parts=0, width=2.0, gross=3.0), Step(parts=10, width=1.2, gross=1.5))
    baselines = Baselines(replace(FACTS, steps=steps), INPUTS)
    widths = []
    for number, row in enumerate(near(0.0, 40), start=1):
        view = baselines.view(B17)
        widths.append(view.width)
        assert view.gross >= view.width
        baselines.observe(view, row.astype(np.float32), 0.5, unit=str(number), ended=number, suspected=False)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(1.2 * (1.0 + 9.0 / (39 * 9.0 + 1.0)))


def test_a_setup_that_scatters_more_gets_a_wider_limit() -> None:
    scatter = Scatter(centre=math.log(0.5), between=0.1, within=0.3)
    usual, wide = (Baselines(replace(FACTS, scatter=scatter), INPUTS) for _ in range(2))
    teach(usual, near(0.0, 300), B17, ratio=0.5)
    teach(wide, near(0.0, 300), B17, ratio=0.9)
    assert usual.view(B17).width == pytest.approx(1.0, abs=0.01)
    assert 1.5 < wide.view(B17).width <= WIDEST


def test_a_score_that_is_no_distance_has_the_limit_of_its_model() -> None:
    view = Baselines(replace(FACTS, widens=False), INPUTS).view(B17)
    assert (view.width, view.gross) == (1.0, math.inf)


def test_baselines_of_another_model_are_refused() -> None:
    baselines = Baselines(FACTS, INPUTS)
    teach(baselines, near(0.0, 2), B17)
    fewer = replace(
        FACTS, places=FACTS.places[:2], centre=FACTS.centre[:2], scale=FACTS.scale[:2], into=np.eye(2),
        between=FACTS.between[:2],
    )  # fmt: skip
    with pytest.raises(ValueError, match="another shape"):
        Baselines(fewer, INPUTS, baselines.state())
    assert Baselines(FACTS, INPUTS, BaselineState()).state() == BaselineState()


def _centre() -> Float64:
    full = np.zeros(INPUTS)
    full[FACTS.places] = FACTS.centre
    return full
