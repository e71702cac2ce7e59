"""Serial numbers without end pass through a station, and its memory stays bounded."""

from typing import Any

import numpy as np

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Catalogue, ReadingBatch, make_batch
from lineside.domain.units import SECOND

CATALOGUE = Catalogue(("serial", "running", "force"), frozenset({"serial"}))
SHOTS = 10_000


def a_plan() -> Plan:
    place: dict[str, Any] = {"station": "press", "source": "machine"}
    station = {"id": "press", "cycle": {"by": "trigger", "signal": "running"}, "serial": "serial", "lateness": "20 s"}
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "works"},
            "area": {"id": "hall"},
            "line": {"id": "line"},
            "part": {"number": "1"},
            "sources": [{"id": "machine", "kind": "opcua"}],
            "stations": [station],
            "signals": [
                {"id": "serial", "type": "text", "role": "trigger", **place},
                {"id": "running", "role": "trigger", **place},
                {"id": "force", "features": ["mean"], **place},
            ],
        }
    )


def shots(first: int, count: int) -> ReadingBatch:
    start = (np.arange(first, first + count, dtype=np.int64) * 10 + 1)[:, None] * SECOND
    times = start + np.array([0, 1, 2, 3]) * SECOND
    value = np.array([1.0, 0.0, 7.0, 0.0]) + np.zeros((count, 4))
    value[:, 1] = np.arange(count)
    texts = tuple(f"P{number}" for number in range(first, first + count))
    return make_batch(CATALOGUE, np.tile([1, 0, 2, 1], count), times.ravel(), value.ravel(), texts=texts)


def test_parts_keep_their_serial_numbers_however_many_there_are() -> None:
    assembler = CycleAssembler(a_plan(), "press", CATALOGUE)
    parts = [part for first in range(0, SHOTS, 500) for part in assembler.push(shots(first, 500))]
    parts += assembler.flush()
    assert [part.unit for part in parts] == [f"P{number}" for number in range(SHOTS)]


def test_texts_that_nobody_holds_any_more_are_forgotten() -> None:
    assembler = CycleAssembler(a_plan(), "press", CATALOGUE)
    for first in range(SHOTS):
        assembler.push(shots(first, 1))
    assert len(assembler._texts) < 5000
