"""The gateway under load: what is measured, what waits, and what is left out of the record."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from lineside.apps.gateway.loading import Load
from lineside.domain.health.load import HOLD, Detail, Shedder, Use
from lineside.domain.plan.gateway import Ceilings
from lineside.domain.predictions import Contribution, JudgementState, Prediction
from lineside.flows.judge import Judged
from lineside.testing.clocks import A_MOMENT

WHY = Contribution("t.mean", "t", 1.0, 0.0, 0.0, 2.0, "degC", 1.0)


def a_load(folder: Path, *, step: int = 0) -> Load:
    load = Load(shedder=Shedder(Ceilings(cpu=50)), folder=folder)
    for number in range(2 * step):
        load.shedder.look(Use(cpu=99, memory=1, disk=1), number * HOLD)
    load.shedder.step = step
    return load


def a_prediction(state: JudgementState) -> Prediction:
    return Prediction(
        cycle_id=f"c-{state}", unit="u", station="cast", characteristic="porosity", model="m", plan="p",
        started=A_MOMENT, ended=A_MOMENT, received=A_MOMENT, judged=A_MOMENT, state=state, score=1.0, limit=2.0,
        contributions=(WHY,),
    )  # fmt: skip


def test_it_measures_itself_and_its_disk(tmp_path: Path) -> None:
    use = a_load(tmp_path).use()
    assert use.memory > 10_000_000
    assert 0 <= use.disk <= 100


def test_contributions_of_normal_parts_go_and_those_of_alarms_stay(tmp_path: Path) -> None:
    judged = Judged(predictions=(a_prediction(JudgementState.NORMAL), a_prediction(JudgementState.ALARM)))
    assert a_load(tmp_path).trim(judged) is judged
    load = a_load(tmp_path, step=2)
    normal, alarm = load.trim(judged).predictions
    assert (normal.contributions, alarm.contributions) == ((), (WHY,))
    assert load.shedder.shed[Detail.CONTRIBUTIONS] == 1


async def test_a_further_source_waits_until_the_load_has_gone(tmp_path: Path) -> None:
    calm = a_load(tmp_path)
    async with asyncio.timeout(1):
        await calm.admit("press")
    load = a_load(tmp_path, step=1)
    waiting = asyncio.create_task(load.admit("press"))
    await asyncio.sleep(0)
    assert not waiting.done()
    load.shedder.step = 0
    began = time.monotonic()
    await waiting
    assert time.monotonic() - began < 30
    assert load.shedder.shed[Detail.SOURCES] == 1
