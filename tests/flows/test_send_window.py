import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.flows.send_window import FIRST_DELAY, MOST_DELAY, MOST_STRIKES, SendWindow


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
        probe = send(window, 3, now)
        assert probe is not None
        window.failed(probe, 3, now)
        delays.append(window.resume_at - now)
        now = window.resume_at
    assert delays[0] == FIRST_DELAY
    assert delays[1] == pytest.approx(2 * FIRST_DELAY)
    assert delays[-1] == pytest.approx(MOST_DELAY)
    probe = send(window, 3, now)
    assert probe is not None
    window.answered(probe, 3)
    assert window.proven
    assert window.resume_at == 0


def test_one_record_that_gets_no_answer_holds_up_no_other_and_collects_strikes() -> None:
    window, now, poison, sent = SendWindow.starting(4, last=40), 0.0, 3, []
    while window.strikes(poison) < MOST_STRIKES:
        now += 0.5
        sequence = send(window, 40, now)
        assert now < 100
        if sequence == poison:
            window.failed(poison, 40, now)
        elif sequence is not None:
            sent.append(sequence)
            window.answered(sequence, min(poison - 1, len(sent)))
    assert len(sent) > 4
    window.send_again(poison)
    assert window.strikes(poison) == 0


def test_records_that_all_get_no_answer_collect_no_strikes() -> None:
    window, now = SendWindow.starting(4, last=3), 0.0
    for _ in range(50):
        now += 3.0
        sequence = send(window, 3, now)
        assert sequence is not None
        window.failed(sequence, 3, now)
    assert [window.strikes(sequence) for sequence in (1, 2, 3)] == [0, 0, 0]


def test_a_backlog_goes_at_its_rate_and_live_records_are_not_held_up_by_it() -> None:
    window = SendWindow.starting(4, last=1000, rate=10_000.0)
    window.learn(0)
    now, backlog = 0.0, 0
    while now < 10.0:
        while (sequence := window.next_sequence(1000, now)) is not None:
            window.sent(sequence, 1000, now)
            window.answered(sequence, sequence)
            backlog += 1
        now += 0.01
    assert 95 <= backlog <= 105
    assert window.next_sequence(1001, now - 0.01) == 1001


def test_little_of_the_backlog_is_under_way_at_once() -> None:
    window = SendWindow.starting(16, last=100)
    window.learn(0)
    while (sequence := window.next_sequence(100, 0.0)) is not None:
        window.sent(sequence, 256 << 10, 0.0)
    assert window.in_flight == 4
    assert window.next_sequence(101, 0.0) == 101


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
