from __future__ import annotations

from typing import Any

import numpy as np

from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Silence
from lineside.domain.silence import ContextGate
from lineside.domain.units import MINUTE


def part(number: int, *, started: int | None = None, missing: tuple[str, ...] = (), **context: str) -> PartRecord:
    begins = number * MINUTE if started is None else started
    return PartRecord(
        cycle_id=f"c{number}", unit=f"U{number}", station="cast", started=begins, ended=begins + MINUTE // 2,
        received=begins, recipe="r", features=np.zeros(1), context=context, missing=missing,
    )  # fmt: skip


def gate(**rule: Any) -> ContextGate:
    return ContextGate([Silence.model_validate(rule)])


def test_a_signal_that_says_maintenance_silences_as_long_as_it_says_so() -> None:
    found = gate(reason="maintenance", signal="mode", equals="maintenance")
    modes = ("auto", "maintenance", "maintenance", "auto")
    said = [found.see(part(number, mode=mode)) for number, mode in enumerate(modes)]
    assert said == ["", "maintenance", "maintenance", ""]


def test_the_first_parts_after_a_changeover_are_silent_and_the_first_part_ever_is_not() -> None:
    found = gate(reason="changeover", signal="variant", parts=2)
    said = [found.see(part(number, variant=name)) for number, name in enumerate("AABBBAA")]
    assert said == ["", "", "changeover", "changeover", "", "changeover", "changeover"]


def test_a_lot_that_is_not_told_for_a_part_is_no_new_lot() -> None:
    found = gate(reason="new_lot", signal="lot", parts=1)
    said = [
        found.see(part(1, lot="L1")),
        found.see(part(2)),
        found.see(part(3, lot="L1")),
        found.see(part(4, lot="L2")),
    ]
    assert said == ["", "", "", "new_lot"]


def test_a_standstill_begins_a_warm_up_of_so_many_parts() -> None:
    found = gate(reason="warm_up", after_stop="10 min", parts=2)
    starts = (0, 1, 2, 15, 16, 17)
    said = [found.see(part(number, started=start * MINUTE)) for number, start in enumerate(starts)]
    assert said == ["", "", "", "warm_up", "warm_up", ""]


def test_a_part_that_lacks_a_signal_is_silent_for_a_sensor_fault() -> None:
    found = gate(reason="sensor_fault")
    assert [found.see(part(1)), found.see(part(2, missing=("die_temp",)))] == ["", "sensor_fault"]


def test_a_part_asked_of_twice_gets_the_same_answer_and_is_counted_once() -> None:
    found = gate(reason="changeover", signal="variant", parts=1)
    found.see(part(1, variant="A"))
    assert [found.see(part(2, variant="B")), found.see(part(2, variant="B"))] == ["changeover", "changeover"]
    assert found.see(part(3, variant="B")) == ""
    assert found.reason("c2") == "changeover"


def test_the_first_rule_of_the_plan_that_holds_is_named() -> None:
    rules = [Silence(reason="planned_stop", signal="mode", equals="stop"), Silence(reason="sensor_fault")]
    assert ContextGate(rules).see(part(1, mode="stop", missing=("x",))) == "planned_stop"


def test_rules_of_a_new_revision_keep_the_counts_of_those_that_stay() -> None:
    kept = Silence(reason="changeover", signal="variant", parts=3)
    found = ContextGate([kept])
    found.see(part(1, variant="A"))
    found.see(part(2, variant="B"))
    found.take_rules([Silence(reason="sensor_fault"), kept])
    assert found.see(part(3, variant="B")) == "changeover"
