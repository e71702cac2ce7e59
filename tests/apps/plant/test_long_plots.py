"""A signal and a feature over a long stretch, out of the history: thinned as by hand, and nothing bad among it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lineside.adapters.delta_history import DeltaHistory
from lineside.apps.plant.long_plots import LongPlots
from lineside.domain.parts import PartRecord
from lineside.domain.readings import BAD, make_batch
from lineside.domain.thinning import points_of
from lineside.domain.units import SECOND
from lineside.ports import LandedRecord
from lineside.testing.records import BORN, CATALOGUE, a_record
from lineside.wire.codecs import encode_items, encode_readings
from lineside.wire.records import RecordKind

MANY = 20_000


async def a_history(folder: Path) -> LongPlots:
    """Two signals, one of them with a peak, a bad reading and a number that is none; parts with a feature."""
    random = np.random.default_rng(3)
    times = BORN + np.arange(MANY, dtype=np.int64) * SECOND
    values = random.normal(200.0, 1.0, MANY)
    values[7_777], values[3], values[4] = 250.0, 1e6, np.nan
    status = np.zeros(MANY, dtype=np.uint32)
    status[3] = BAD
    melt = make_batch(CATALOGUE, np.zeros(MANY, dtype=np.int32), times, values, status=status)
    die = make_batch(CATALOGUE, np.ones(MANY, dtype=np.int32), times, values + 500)
    parts = [
        PartRecord(
            cycle_id=f"c{i}", unit=f"S{i}", station="cast", started=BORN + i * SECOND, ended=BORN + i * SECOND + 5,
            received=BORN + i * SECOND + 9, recipe="r", features=np.array([float(i), np.nan if i % 2 else -float(i)]),
        )
        for i in range(40)
    ]  # fmt: skip
    history = await DeltaHistory.open(folder, {"r": ("whole.value", "it's")})
    records = [
        a_record(1),
        a_record(2, encode_readings(melt), kind=RecordKind.READINGS, count=MANY),
        a_record(3, encode_readings(die), kind=RecordKind.READINGS, count=MANY),
        a_record(4, encode_items(parts), kind=RecordKind.PARTS, count=40),
    ]
    await history.append([LandedRecord(position=i, record=record) for i, record in enumerate(records, start=1)])
    return LongPlots(folder)


async def test_a_signal_keeps_its_peak_and_loses_what_is_bad_or_no_number(tmp_path: Path) -> None:
    plots = await a_history(tmp_path)
    found = await plots("cast", "signal:melt_temp", BORN, BORN + MANY * SECOND, 100)
    assert (len(found.column), found.values) == (100, MANY - 2)
    times, values = points_of(found)
    assert len(times) <= 400
    assert (np.nanmax(values), times[np.nanargmax(values)]) == (250.0, BORN + 7_777 * SECOND)
    assert not np.isnan(values).any()


async def test_a_stretch_begins_and_ends_where_it_was_asked_to(tmp_path: Path) -> None:
    plots = await a_history(tmp_path)
    found = await plots("cast", "signal:die_temp", BORN + 100 * SECOND, BORN + 110 * SECOND, 4_000)
    assert (found.values, found.first_time[0], found.last_time[-1]) == (10, BORN + 100 * SECOND, BORN + 109 * SECOND)


async def test_a_feature_is_that_of_the_parts_which_have_it(tmp_path: Path) -> None:
    plots = await a_history(tmp_path)
    every = await plots("cast", "feature:whole.value", BORN, BORN + DAYS, 4_000)
    some = await plots("cast", "feature:it's", BORN, BORN + DAYS, 4_000)
    none = await plots("trim", "feature:whole.value", BORN, BORN + DAYS, 4_000)
    assert (every.values, some.values, none.values) == (40, 20, 0)
    assert (every.high.max(), some.low.min()) == (39.0, -38.0)


async def test_an_empty_history_has_nothing_to_show(tmp_path: Path) -> None:
    found = await LongPlots(tmp_path)("cast", "signal:melt_temp", BORN, BORN + DAYS, 100)
    assert (found.values, len(points_of(found)[0])) == (0, 0)


DAYS = 3 * 86_400 * SECOND
