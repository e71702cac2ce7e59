"""What a signal says until it says otherwise is known from the moment at which it comes, however late that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.readings import BAD, Catalogue, ReadingBatch, make_batch
from lineside.domain.units import SECOND
from lineside.testing.plans import CASTING

CATALOGUE = Catalogue(("running", "mold", "hall", "die_temp", "serial"), frozenset({"mold", "serial"}))
CODES = CATALOGUE.codes()
PLACE = {"station": "cast", "source": "machine"}
PLAN = Plan.model_validate(
    {
        **CASTING,
        "sources": [{"id": "machine", "kind": "opcua"}],
        "stations": [
            {"id": "cast", "cycle": {"by": "trigger", "signal": "running"}, "serial": "serial", "lateness": "0 s"}
        ],
        "signals": [
            {"id": "running", "role": "trigger", **PLACE},
            {"id": "mold", "role": "context", "type": "text", **PLACE},
            {"id": "serial", "role": "context", "type": "text", **PLACE},
            {"id": "hall", "role": "environment", "features": ["last", "mean"], **PLACE},
            {"id": "die_temp", "features": ["mean"], **PLACE},
        ],
        "characteristics": [{"id": "porosity", "station": "cast"}],
    }
)
Row = tuple[float, str, float | str]


def shot(start: float) -> list[Row]:
    """A part that takes two of the four seconds until the next."""
    return [(start, "running", 1), (start + 1, "die_temp", 200), (start + 2, "running", 0)]


def batch(*rows: Row, status: int = 0) -> ReadingBatch:
    texts = tuple(value for _, _, value in rows if isinstance(value, str))
    return make_batch(
        CATALOGUE,
        [CODES[name] for _, name, _ in rows],
        [round(time * SECOND) for time, _, _ in rows],
        [texts.index(value) if isinstance(value, str) else value for _, _, value in rows],
        status=np.full(len(rows), status, dtype=np.uint32),
        texts=texts,
    )


class Line:
    def __init__(self) -> None:
        self.assembler = CycleAssembler(PLAN, "cast", CATALOGUE)
        self.say((0, "running", 0))

    def say(self, *rows: Row, status: int = 0) -> Sequence[PartRecord]:
        return self.assembler.push(batch(*rows, status=status))

    def feature(self, part: PartRecord, name: str) -> float:
        names = [feature.name for feature in self.assembler.recipe.features]
        return float(part.features[names.index(name)])


def test_a_mold_that_was_set_hours_ago_is_known_as_soon_as_the_machine_tells_it() -> None:
    line = Line()
    [before] = line.say(*shot(10))
    line.say((-7_200, "mold", "M1"), (-3_600, "hall", 23.5))
    [after] = line.say(*shot(14))
    assert (before.context, after.context) == ({}, {"mold": "M1"})
    assert "hall" in before.missing
    assert line.feature(after, "hall.last") == 23.5


def test_what_was_not_measured_in_a_cycle_is_no_reading_of_it() -> None:
    line = Line()
    line.say((10, "running", 1), (11, "die_temp", 200), (-3_600, "hall", 23.5))
    [part] = line.say((12, "running", 0))
    assert part.readings == 2
    assert np.isnan(line.feature(part, "hall.mean"))


def test_of_two_late_words_the_newer_holds_in_whatever_order_they_come() -> None:
    line = Line()
    line.say(*shot(10))
    line.say((8, "mold", "M2"))
    line.say((5, "mold", "M1"))
    [part] = line.say(*shot(14))
    assert part.context == {"mold": "M2"}
    line.say((9, "mold", "M3"), (7, "mold", "M0"))
    [part] = line.say(*shot(18))
    assert part.context == {"mold": "M3"}


def test_a_late_word_changes_nothing_where_a_newer_one_is_known() -> None:
    line = Line()
    line.say((9, "mold", "M2"), *shot(10))
    line.say((8, "mold", "M1"))
    [part] = line.say(*shot(14))
    assert part.context == {"mold": "M2"}


@pytest.mark.parametrize(("name", "value", "status"), [("serial", "S1", 0), ("hall", 23.5, BAD), ("die_temp", 900, 0)])
def test_a_late_serial_number_a_bad_value_and_a_measurement_are_left_out(
    name: str, value: float | str, status: int
) -> None:
    line = Line()
    line.say(*shot(10))
    line.say((5, name, value), status=status)
    [part] = line.say(*shot(14))
    assert part.unit == part.cycle_id
    assert np.isnan(line.feature(part, "hall.last"))
    assert line.feature(part, "die_temp.mean") == 200
    assert line.assembler.counts.late == 1


def test_what_was_said_before_a_restart_is_recalled_and_gives_way_to_what_is_said_since() -> None:
    assembler = CycleAssembler(PLAN, "cast", CATALOGUE)
    assembler.recall(batch((-7_200, "mold", "M1"), (-3_600, "hall", 23.5), (-1, "die_temp", 900), (-1, "serial", "S0")))
    [first] = assembler.push(batch((0, "running", 0), *shot(10)))
    [second] = assembler.push(batch((13, "mold", "M2"), *shot(14)))
    assert (first.context, second.context) == ({"mold": "M1"}, {"mold": "M2"})
    assert first.features[[f.name for f in assembler.recipe.features].index("hall.last")] == 23.5
    assert (first.unit, first.readings) == (first.cycle_id, 2)
