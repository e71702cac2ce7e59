import pytest

from lineside.apps.drill.watching import Sample, measure


def a_run(down_from: float, down_to: float, drained: float) -> list[Sample]:
    """A line that commits 10 records of 1,000 readings a second, with one outage of the link."""
    samples = []
    for tenth in range(400):
        moment, last = tenth / 10, tenth
        if moment < down_from:
            confirmed = last
        elif moment < down_to:
            confirmed = round(down_from * 10) - 1
        else:
            confirmed = last if moment >= drained else round(down_from * 10)
        samples.append(Sample(moment, last, last * 1000, confirmed))
    return samples


def test_the_longest_delay_is_that_of_the_first_record_of_the_outage() -> None:
    measured = measure(a_run(10.0, 20.0, 22.0), [20.0], line_rate=10_000)
    assert measured.max_delay == pytest.approx(12.0, abs=0.2)


def test_a_drain_is_measured_from_the_first_record_that_got_through() -> None:
    measured = measure(a_run(10.0, 20.0, 22.0), [19.5], line_rate=10_000)
    assert measured.back == pytest.approx(0.5, abs=0.11)
    assert measured.drain_ratio == pytest.approx(95_000 / 2.1 / 10_000, rel=0.1)


def test_without_an_outage_there_is_no_drain_to_speak_of() -> None:
    measured = measure(a_run(99.0, 99.0, 99.0), [20.0], line_rate=10_000)
    assert (measured.max_delay, measured.drain_ratio) == (0.0, 0.0)
