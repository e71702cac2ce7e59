"""A station of more signals than the processor's cache holds gives the features that each would give alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.features.kernels import FEW
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Catalogue, Float64, ReadingBatch
from lineside.domain.units import MILLISECOND
from lineside.testing.plans import CASTING

KINDS = ["mean", "p95", "slope", "count"]
TICKS = 100


def a_plan(signals: tuple[str, ...]) -> Plan:
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "machine", "kind": "opcua"}],
            "stations": [{"id": "cast", "cycle": {"by": "window", "length": "30 s"}, "lateness": "0 s"}],
            "signals": [
                {"id": name, "station": "cast", "source": "machine", "unit": "degC", "features": KINDS}
                for name in signals
            ],
        }
    )


def test_many_signals_give_what_each_gives_alone() -> None:
    names = tuple(f"s{number}" for number in range(FEW + 10))
    chance = np.random.default_rng(20261127)
    order = np.argsort(chance.random((TICKS, len(names))), axis=1).astype(np.int32)
    values = chance.normal(size=(TICKS, len(names)))
    signal, value = order.ravel(), np.take_along_axis(values, order, 1).ravel()
    time = (np.arange(TICKS, dtype=np.int64)[:, None] * 100 * MILLISECOND + np.arange(len(names))).ravel()

    def features(wanted: tuple[str, ...], rows: slice | NDArray[np.intp]) -> Float64:
        catalogue = Catalogue(names)
        assembler = CycleAssembler(a_plan(wanted), "cast", catalogue)
        batch = ReadingBatch(
            catalogue=catalogue,
            signal=signal[rows],
            source_time=time[rows],
            receive_time=time[rows],
            value=value[rows],
            status=np.zeros(len(signal[rows]), np.uint32),
        )
        assembler.push(batch)
        (part,) = assembler.flush()
        return part.features.reshape(len(wanted), len(KINDS))

    together = features(names, slice(None))
    for number in (0, 1, FEW, len(names) - 1):
        alone = features((names[number],), np.flatnonzero(signal == number))
        np.testing.assert_array_equal(together[number], alone[0])
