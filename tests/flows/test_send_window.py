import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.flows.send_window import FIRST_DELAY, MOST_DELAY, SendWindow


def send(window: SendWindow, last: int, now: float = 0.0) -> int | None:
    sequence = window.next_sequence(last, now)
    if sequence is not None:
        window.sent(sequence)
    return sequence


def test_one_request_probes_before_the_window_opens() -> None:
    window = SendWindow.starting(4, last=10)
    assert send(window, 10) == 1
    assert send(window, 10) is None
    window.answered(1, 1)
    assert [send(window, 10) for _ in range(5)] == [2, 3, 4, 5, None]


def test_the_first_answer_says_from_where_to_go_on() -> None:
    window = SendWindow.starting(4, last=10)
    assert send(window, 10) == 1
    window.answered(1, 8)
    assert [send(window, 10) for _ in range(3)] == [9, 10, None]


def test_what_is_live_goes_before_the_backlog() -> None:
    window = SendWindow.starting(4, last=10)
    send(window, 10)
    window.answered(1, 1)
    assert [send(window, 12) for _ in range(4)] == [11, 12, 2, 3]
    window.answered(11, 1)
    assert send(window, 13) == 13


def test_what_failed_is_sent_again_before_the_rest_of_the_backlog() -> None:
    window = SendWindow.starting(2, last=10)
    send(window, 10)
    window.answered(1, 1)
    assert [send(window, 10), send(window, 10)] == [2, 3]
    window.failed(2, 10, now=1.0)
    assert send(window, 10, now=1.0) is None
    window.answered(3, 1)
    assert [send(window, 10, now=1.0) for _ in range(2)] == [2, 4]


def test_the_delay_grows_while_nobody_answers_and_ends_with_the_first_answer() -> None:
    window = SendWindow.starting(8, last=3)
    now, delays = 0.0, []
    for _ in range(10):
        assert send(window, 3, now) is not None
        window.failed(1, 3, now)
        delays.append(window.resume_at - now)
        now = window.resume_at
    assert delays[0] == FIRST_DELAY
    assert delays[1] == pytest.approx(2 * FIRST_DELAY)
    assert delays[-1] == pytest.approx(MOST_DELAY)
    assert send(window, 3, now) == 1
    window.answered(1, 1)
    assert send(window, 3, now) == 2


def test_a_burst_that_fails_together_counts_once() -> None:
    window = SendWindow.starting(8, last=9)
    send(window, 9)
    window.answered(1, 1)
    for _ in range(8):
        send(window, 9)
    for sequence in range(2, 10):
        window.failed(sequence, 9, now=0.0)
    assert window.resume_at <= 2 * FIRST_DELAY


def test_a_plant_that_was_restored_is_sent_everything_again() -> None:
    window = SendWindow.starting(4, last=0)
    for sequence in range(1, 6):
        assert send(window, sequence) == sequence
        window.answered(sequence, sequence)
    assert send(window, 6) == 6
    window.answered(6, 0, missing=(1, 2, 3, 4, 5))
    found = [send(window, 6) for _ in range(4)]
    assert found == [1, 2, 3, 4]


def test_what_the_plant_misses_though_it_had_answered_is_sent_again() -> None:
    window = SendWindow.starting(4, last=3)
    send(window, 3)
    window.answered(1, 1)
    assert [send(window, 3), send(window, 3)] == [2, 3]
    window.answered(2, 1)
    window.answered(3, 1, missing=(2,))
    assert send(window, 3) == 2


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, 20), seed=st.randoms(use_true_random=False), kept_from=st.integers(1, 8))
def test_in_any_run_of_losses_and_new_records_everything_is_confirmed_in_the_end(
    start: int, seed: object, kept_from: int
) -> None:
    """Model of a plant that lands what reaches it, over a link that loses requests and replies."""
    choose = seed.random  # type: ignore[attr-defined]
    # What the outbox has forgotten, the plant has had.
    held = set(range(1, min(kept_from, start + 1)))
    window, last, now = SendWindow.starting(4, start), start, 0.0
    flying: list[int] = []
    for step in range(900):
        now += 0.05
        if step < 60 and choose() < 0.5:
            last += 1
        while (sequence := window.next_sequence(last, now)) is not None:
            oldest = min(kept_from, start + 1)
            if sequence < oldest:
                sequence = oldest if oldest <= last else sequence
                window.skip_again(sequence - 1)
            if sequence > last or (sequence < oldest and oldest > last):
                break
            window.sent(sequence)
            flying.append(sequence)
        assert window.in_flight <= 4
        if flying:
            sequence = flying.pop(int(choose() * len(flying)))
            lossy = step < 300
            if not lossy or choose() < 0.7:
                held.add(sequence)
            mark = next(n for n in range(1, last + 3) if n not in held) - 1
            if sequence in held and (not lossy or choose() < 0.7):
                missing = tuple(n for n in range(mark + 1, max(held, default=0)) if n not in held)
                window.answered(sequence, mark, missing)
            else:
                window.failed(sequence, last, now)
    assert window.confirmed == last or held == set(range(1, last + 1))
    assert held == set(range(1, last + 1))
