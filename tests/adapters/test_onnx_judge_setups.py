from __future__ import annotations

from functools import cache

import msgspec
import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.errors import IntegrityError
from lineside.domain.judging.state import ModelState
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table
from lineside.wire.bundle import SETUPS_SEEN, Bundle, seal

PLAN = modelling_plan(4, contexts=["variant"], model={"family": "normal", "setup": ["variant"]})
SPREAD = np.array([8.0, 3.0, 1.0, 0.0])
"""How far setups lie apart in each signal, whose parts scatter by 1."""


def setup_rows(number: int, count: int) -> Float64:
    rng = np.random.default_rng([7, number])
    return 100.0 + SPREAD * rng.normal(size=4) + rng.normal(size=(count, 4))


@cache
def bundle() -> Bundle:
    features = np.concatenate([setup_rows(number, 90) for number in range(12)])
    context = [{"variant": f"v{number}"} for number in range(12) for _ in range(90)]
    table = part_table(PLAN, features, context=context)
    return fit(FitRequest(plan=PLAN, characteristic=CHARACTERISTIC, table=table)).bundle


def parts_of(number: int, count: int, first: int = 1000) -> list[PartRecord]:
    rows = setup_rows(number, count)
    return [part_record(PLAN, row, first + i, {"variant": f"v{number}"}) for i, row in enumerate(rows)]


def judged(judge: OnnxJudge, parts: list[PartRecord]) -> list[Prediction]:
    return [judge.judge(part, 0).predictions[0] for part in parts]


def test_a_new_setup_warms_up_for_ten_good_parts_and_is_judged_then() -> None:
    found = judged(OnnxJudge(PLAN, STATION, [bundle()]), parts_of(42, 40))
    assert [item.state for item in found[:10]] == [JudgementState.WARMING_UP] * 10
    assert found[4].reason == "warming up: 4 of 10 good parts of setup v42"
    states = [item.state for item in found[10:]]
    assert states.count(JudgementState.NORMAL) >= 29


def test_a_defect_is_found_right_behind_the_warm_up() -> None:
    judge = OnnxJudge(PLAN, STATION, [bundle()])
    parts = parts_of(42, 12)
    parts[10].features[3] += 8.0
    found = judged(judge, parts)
    assert found[10].state is JudgementState.ALARM
    assert found[10].score > found[10].limit
    assert found[10].contributions[0].signal == "x3"
    assert found[11].state is JudgementState.NORMAL


def test_a_gross_deviation_alarms_while_the_setup_warms_up() -> None:
    judge = OnnxJudge(PLAN, STATION, [bundle()])
    parts = parts_of(42, 5)
    parts[3].features[3] += 60.0
    found = judged(judge, parts)
    assert found[3].state is JudgementState.ALARM
    assert found[3].reason.startswith("farther off than any setup was seen")
    assert found[4].reason == "warming up: 3 of 10 good parts of setup v42"


def test_a_setup_seen_in_learning_is_judged_from_its_first_part() -> None:
    found = judged(OnnxJudge(PLAN, STATION, [bundle()]), parts_of(8, 5))
    assert {item.state for item in found} == {JudgementState.NORMAL}


def test_what_is_usual_on_the_card_is_so_under_the_setup() -> None:
    judge = OnnxJudge(PLAN, STATION, [bundle()])
    parts = parts_of(42, 30)
    shown = {item.signal: item for item in judged(judge, parts)[-1].contributions}
    mean = np.mean([part.features for part in parts], axis=0)
    assert shown["x0"].usual == pytest.approx(mean[0], abs=1.5)
    assert shown["x0"].low < shown["x0"].usual < shown["x0"].high


def test_a_restart_in_the_middle_of_a_warm_up_goes_on_with_the_same_bits() -> None:
    whole, before, after = (OnnxJudge(PLAN, STATION, [bundle()]) for _ in range(3))
    parts = parts_of(42, 30)
    expected = judged(whole, parts)
    judged(before, parts[:6])
    stored = msgspec.json.encode(before.state())
    after.restore(msgspec.json.decode(stored, type=dict[str, ModelState]))
    judged(after, parts[:6])  # the record is read once more after a restart
    assert [item.score for item in judged(after, parts[6:])] == [item.score for item in expected[6:]]
    assert after.state() == whole.state()


def test_a_part_found_bad_leaves_the_baseline_and_one_found_good_enters_it() -> None:
    judge, spared = (OnnxJudge(PLAN, STATION, [bundle()]) for _ in range(2))
    parts = parts_of(42, 6)
    judged(judge, parts)
    judge.suspect({parts[2].unit})
    judged(spared, [*parts[:2], *parts[3:]])
    following = parts_of(42, 7)[6:]
    assert judged(judge, following)[0].score == judged(spared, following)[0].score
    judge.clear({parts[2].unit})
    assert judged(judge, parts_of(42, 8)[7:])[0].reason.startswith("warming up: 7 of 10")


def test_setups_that_do_not_hang_together_are_refused() -> None:
    files = {**bundle().files, SETUPS_SEEN: b'[{"setup": ["v1"], "total": [1.0]}]'}
    with pytest.raises(IntegrityError, match="setups cannot be read"):
        OnnxJudge(PLAN, STATION, [seal(bundle().manifest, files)]).open()
