from __future__ import annotations

import numpy as np

from lineside.learn.experience import outside_experience


def test_conditions_beyond_those_learned_are_outside_experience() -> None:
    hall = np.random.default_rng(0).uniform(15, 25, (300, 1))
    outside = outside_experience(hall, np.array([[20.0], [24.9], [40.0], [np.nan]]), np.array([0]))
    assert outside.tolist() == [False, False, True, False]
