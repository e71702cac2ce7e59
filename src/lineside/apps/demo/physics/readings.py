"""The cell's readings: everything its sensors say, in time order, in the plan's catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from lineside.apps.demo.physics.cell import ShotBlock
from lineside.apps.demo.physics.chance import Stream, normals
from lineside.apps.demo.physics.channels import (
    Channel,
    cycle_channels,
    gauge_channels,
    thermal_channels,
    timeline,
)
from lineside.apps.demo.physics.climate import climate_at
from lineside.apps.demo.physics.constants import VARIANTS
from lineside.apps.demo.physics.downstream import downstream_channels
from lineside.apps.demo.physics.faults import FaultKind, severity
from lineside.apps.demo.physics.instruments import tool_numbers
from lineside.apps.demo.physics.thermal import melt_bath
from lineside.apps.demo.physics.traces import trace_channels
from lineside.domain.readings import Catalogue, ReadingBatch, make_batch
from lineside.domain.units import SECOND

_SAMPLING = 15 * SECOND
"""Of the hall's climate and of the furnace, which do not wait for shots."""


def readings(block: ShotBlock, catalogue: Catalogue) -> ReadingBatch:
    """Return the readings of a block's shots in order of source time; signals that a catalogue lacks are left out.

    Readings of the stations behind the casting machine lie some minutes after their shot.
    """
    phases = timeline(block)
    texts = (*block.serials, *VARIANTS, *_lots(block), *_tools(block))
    channels = chain(
        cycle_channels(block, phases),
        trace_channels(block, phases),
        gauge_channels(block),
        thermal_channels(block),
        downstream_channels(block),
        _text_channels(block),
        _steady_channels(block),
    )
    return _gathered(channels, catalogue, texts)


def _gathered(channels: Iterable[Channel], catalogue: Catalogue, texts: tuple[str, ...]) -> ReadingBatch:
    codes = catalogue.codes()
    known = [channel for channel in channels if channel.signal in codes]
    times = np.concatenate([channel.times.ravel() for channel in known])
    signal = np.concatenate([np.full(channel.times.size, codes[channel.signal], dtype=np.int32) for channel in known])
    value = np.concatenate([channel.values.ravel() for channel in known])
    order = np.argsort(times, kind="stable")
    return make_batch(catalogue, signal[order], times[order], value[order], texts=texts)


def _text_channels(block: ShotBlock) -> Iterator[Channel]:
    """Yield names as indices into the texts of `readings`: serials, variants, lots, tools."""
    count, start = len(block), block.schedule.start
    serial = np.arange(count, dtype=np.float64)
    lot = count + len(VARIANTS) + (block.schedule.lot - block.schedule.lot[0]).astype(np.float64)
    variant = block.schedule.variant.astype(np.float64) + count
    mounted = tool_numbers(block)
    tool = lot[-1] + 1.0 + (mounted - mounted[0])
    rows = (
        ("variant", 0.005, variant),
        ("alloy_lot", 0.006, lot),
        ("tool", 0.007, tool),
        ("serial", 20.0, serial),
        ("trim_serial", 60.1, serial),
        ("quench_serial", 75.1, serial),
        ("leak_serial", 1200.1, serial),
        ("xray_serial", 2100.1, serial),
    )
    for signal, offset, values in rows:
        yield Channel(signal, (start + round(offset * SECOND))[:, None], values[:, None])


def _lots(block: ShotBlock) -> tuple[str, ...]:
    first, last = int(block.schedule.lot[0]), int(block.schedule.lot[-1])
    return tuple(f"L{lot:05d}" for lot in range(first, last + 1))


def _tools(block: ShotBlock) -> tuple[str, ...]:
    mounted = tool_numbers(block)
    return tuple(f"T{tool:04d}" for tool in range(int(mounted[0]), int(mounted[-1]) + 1))


def _steady_channels(block: ShotBlock) -> Iterator[Channel]:
    """Yield hall climate and furnace, which are sampled by the clock, standstill or not."""
    begin = int(block.schedule.start[0] - block.schedule.stop[0])
    end = int(block.schedule.start[-1] + block.schedule.cycle[-1])
    first = -(-begin // _SAMPLING)
    times = np.arange(first, -(-end // _SAMPLING), dtype=np.int64) * _SAMPLING
    noise = normals(block.seed + 2, Stream.GAUGES, first, len(times), 8).T
    hot = severity(block.faults, FaultKind.HOT_DAY, times)
    climate = climate_at(block.seed, times, hot, block.config.weather)
    bath = melt_bath(block.seed, times)
    rows = (
        ("hall_temperature", climate.hall + 0.1 * noise[0], 1),
        ("hall_humidity", climate.humidity + 0.4 * noise[1], 1),
        ("bath_temperature", bath + 0.3 * noise[2], 1),
        ("furnace_power", 46.0 + 0.1 * (bath - climate.hall - 665.0) + 0.8 * noise[3], 1),
        ("melt_level", 520.0 + 60.0 * np.cos(2 * np.pi * (times % (3600 * SECOND)) / (3600 * SECOND)) + noise[4], 0),
    )
    for signal, values, digits in rows:
        yield Channel(signal, times[:, None], np.round(values, digits)[:, None])
