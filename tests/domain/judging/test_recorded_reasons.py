from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.onnx_judge.verdict import judged_by_setup
from lineside.domain.baselines import SetupView
from lineside.domain.judging.reasons import recall
from lineside.domain.judging.wording import NO_JUDGEMENT, word_outside
from lineside.domain.said import Said

WORDS = "4 of 10 good parts of setup v42"


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
    st.floats(-1e9, 1e9),
    st.tuples(st.floats(-1e6, 0.0), st.floats(0.0, 1e6)),
    st.sampled_from(["", "degC", "%", "l/min"]),
)
def test_what_is_outside_is_read_back_whatever_the_signal_value_and_unit(
    label: str, value: float, learned: tuple[float, float], unit: str
) -> None:
    text = str(word_outside(label, value, learned, unit))
    reason, mark = recall(text)
    assert isinstance(reason, Said)
    assert f"{reason} {mark}" == text
    ((_, values),) = reason.clauses
    assert str(values["signal"]) == label


def test_a_text_of_the_plan_behind_a_reason_stays_the_plans() -> None:
    text = f"{word_outside('Hall', 36.0, (12.0, 33.5), 'degC')} Look at one part in twenty."
    reason, mark, planned = recall(text)
    assert isinstance(reason, Said)
    assert mark == NO_JUDGEMENT
    assert not isinstance(planned, Said)
    assert planned == "Look at one part in twenty."


def test_what_a_part_lacked_is_read_back_behind_every_reason() -> None:
    outside = f"{word_outside('Hall', 36.0, (12.0, 33.5), 'degC')}; judged without a, b"
    assert [isinstance(said, Said) for said in recall(outside)] == [True, True, True]
    assert recall("judged without a, b")[0] == "judged without a, b"
    (both,) = recall(f"warming up: {WORDS}; judged without a")
    assert isinstance(both, Said)
    assert isinstance(both.clauses[0][1]["what"], Said)


@pytest.mark.parametrize(("score", "limit"), [(0.1, 1.0), (99.0, 1.0)])
def test_what_a_setup_lacks_is_read_back(score: float, limit: float) -> None:
    nothing = np.zeros(1)
    view = SetupView(
        setup=("v42",), offset=nothing.astype(np.float32), shift=nothing, count=4.0, usual=1.0, width=1.0, gross=3.0,
        known=False, words=WORDS,
    )  # fmt: skip
    text = judged_by_setup(view, score, limit).reason
    (said,) = recall(text)
    assert isinstance(said, Said)
    assert said == text


def test_a_record_made_to_be_slow_or_deep_is_read_as_it_stands() -> None:
    (said,) = recall("x" + "; judged without a" * 50)
    assert said == "x" + "; judged without a" * 50
    for text in ("1 " * 100_000, "warming up: " * 10_000, "; judged without a" * 10_000):
        assert recall(text) == ()


@pytest.mark.parametrize("text", ["", "Porosity likely on the next parts.", "hall above 33 °C"])
def test_what_is_not_ours_is_not_made_ours(text: str) -> None:
    assert recall(text) == ()
