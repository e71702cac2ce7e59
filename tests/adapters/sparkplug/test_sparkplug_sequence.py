"""The sequence of an edge node's messages, by every way of mixing and losing them."""

from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.sparkplug.sequence import MOST_HELD, TURN, Sequencer
from lineside.adapters.sparkplug.states import TRANSITIONS, Event, State

WITHIN = 1000


def test_every_state_knows_what_every_event_makes_of_it() -> None:
    assert set(TRANSITIONS) == {(state, event) for state in State for event in Event}


def test_no_state_but_live_comes_of_a_birth_and_none_but_stale_of_a_death_of_what_lived() -> None:
    assert {TRANSITIONS[state, Event.BIRTH] for state in State} == {State.LIVE}
    assert TRANSITIONS[State.LIVE, Event.DEATH] is TRANSITIONS[State.AWAITED, Event.DEATH] is State.STALE


@given(st.integers(0, 255), st.integers(0, 600))
def test_messages_in_order_pass_at_once_through_every_turn(start: int, count: int) -> None:
    sequencer: Sequencer[int] = Sequencer(WITHIN)
    sequencer.start(start)
    for number in range(1, count + 1):
        assert sequencer.push((start + number) % TURN, number, now=number) == [number]
    assert sequencer.due is None


@given(st.integers(0, 255), st.permutations(range(12)))
def test_messages_that_are_mixed_come_out_in_order_and_once(start: int, order: list[int]) -> None:
    sequencer: Sequencer[int] = Sequencer(WITHIN)
    sequencer.start(start)
    out: list[int] = []
    for item in order:
        ready = sequencer.push((start + 1 + item) % TURN, item, now=0)
        assert ready is not None
        out += ready
    assert out == list(range(12))
    assert sequencer.due is None


@given(st.integers(0, 255), st.sets(st.integers(0, 40), min_size=1, max_size=20))
def test_what_is_given_up_on_is_counted_and_the_rest_comes_in_order(start: int, lost: set[int]) -> None:
    sequencer: Sequencer[int] = Sequencer(WITHIN)
    sequencer.start(start)
    last = max(lost) + 1
    out: list[int] = []
    for item in range(last + 1):
        if item not in lost:
            ready = sequencer.push((start + 1 + item) % TURN, item, now=item)
            assert ready is not None
            out += ready
    assert sequencer.due == min(lost) + 1 + WITHIN or len(lost) > 1
    gap = sequencer.give_up()
    assert gap.missing == len(lost)
    assert out + list(gap.items) == [item for item in range(last + 1) if item not in lost]
    assert sequencer.push((start + 2 + last) % TURN, -1, now=99) == [-1]


def test_too_many_behind_a_gap_or_a_number_twice_are_beyond_repair() -> None:
    sequencer: Sequencer[int] = Sequencer(WITHIN)
    sequencer.start(0)
    for number in range(2, 2 + MOST_HELD):
        assert sequencer.push(number, number, now=0) == []
    assert sequencer.push(2, 2, now=0) is None
    assert sequencer.push(2 + MOST_HELD, 0, now=0) is None
    assert sequencer.give_up().missing == 1
