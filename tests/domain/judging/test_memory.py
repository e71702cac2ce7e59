from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.judging.memory import Memory, MemoryState


def outputs(value: float) -> dict[str, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    return {
        "memory_out": np.full((1, 2), value, dtype=np.float32),
        "past_out": np.full((1, 4), value, dtype=np.float32),
    }


def test_a_memoryless_model_is_given_nothing_and_is_ready_at_once() -> None:
    memory = Memory(width=2, weight=1.0, lags=0)
    assert memory.inputs() == {}
    assert memory.ready
    assert not memory.kept


def test_lags_warm_up_for_as_many_parts() -> None:
    memory = Memory(width=2, weight=0.5, lags=2)
    ready = []
    for i in range(3):
        ready.append(memory.ready)
        memory.advance(outputs(float(i)), 10 * i)
    assert ready == [False, False, True]
    assert memory.inputs()["past"].tolist() == [[2.0] * 4]


def test_a_part_that_comes_late_does_not_rewrite_the_past() -> None:
    memory = Memory(width=2, weight=0.5, lags=0)
    memory.advance(outputs(1.0), 20)
    memory.advance(outputs(9.0), 10)
    assert memory.inputs()["memory"].tolist() == [[1.0, 1.0]]
    assert memory.newest == 20


def test_a_checkpoint_brings_back_exactly_what_was_remembered() -> None:
    memory = Memory(width=2, weight=0.5, lags=2)
    memory.advance(outputs(0.1), 20)
    other = Memory(width=2, weight=0.5, lags=2)
    other.restore(memory.state())
    assert other.state() == memory.state()
    memory.reset()
    assert memory.state() == MemoryState(average=(0.0, 0.0), past=(0.0,) * 4)


def test_how_far_the_centre_has_followed_is_remembered_and_forgotten_like_the_rest() -> None:
    memory = Memory(width=2, weight=1.0, lags=0, drift=0.1)
    memory.advance({"shift_out": np.array([[0.5, -0.5]], dtype=np.float32)}, 20)
    assert memory.kept
    assert memory.inputs()["shift"].tolist() == [[0.5, -0.5]]
    other = Memory(width=2, weight=1.0, lags=0, drift=0.1)
    other.restore(memory.state())
    assert other.state() == memory.state()
    memory.reset()
    assert memory.state().shift == (0.0, 0.0)


def test_a_cumulative_sum_of_stacked_rows_is_remembered_and_forgotten_like_the_rest() -> None:
    memory = Memory(width=1, weight=1.0, lags=1, allowance=0.5)
    memory.advance({"past_out": np.array([[1.0]]), "sums_out": np.array([[0.5, 2.0]], dtype=np.float32)}, 20)
    assert memory.kept
    assert memory.inputs()["sums"].tolist() == [[0.5, 2.0]]
    other = Memory(width=1, weight=1.0, lags=1, allowance=0.5)
    other.restore(memory.state())
    assert other.state() == memory.state()
    memory.reset()
    assert memory.state().sums == (0.0, 0.0)


def test_a_checkpoint_of_another_model_is_refused() -> None:
    memory = Memory(width=3, weight=0.5, lags=0)
    with pytest.raises(ValueError, match="other shape"):
        memory.restore(MemoryState(average=(0.0, 0.0)))
