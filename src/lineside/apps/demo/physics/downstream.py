"""The stations behind the casting machine: trim press, quench, leak test and X-ray, each some minutes later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.apps.demo.physics.cell import ShotBlock
from lineside.apps.demo.physics.chance import Stream, normals
from lineside.apps.demo.physics.channels import Channel
from lineside.domain.units import MINUTE, SECOND


@dataclass(frozen=True, slots=True)
class Stop:
    """A station on the part's way: when its cycle begins after the shot's start, and how long it takes (s)."""

    station: str
    after: float
    takes: float


STOPS: Final = (
    Stop("trim", 60.0, 6.0),
    Stop("quench", 75.0, 20.0),
    Stop("leak", 1200.0, 25.0),
    Stop("xray", 2100.0, 18.0),
)
INSPECTED: Final = 36 * MINUTE
"""When, after the shot's start, the inspection has spoken of the part (ns)."""
LONGEST_WAY: Final = 40 * MINUTE
"""By then nothing more is read of a part."""


def downstream_channels(block: ShotBlock) -> Iterator[Channel]:
    """Yield triggers and gauges of the stations behind the casting machine."""
    start = block.schedule.start
    for stop in STOPS:
        offsets = np.array([stop.after * SECOND, (stop.after + stop.takes) * SECOND], dtype=np.int64)
        values = np.broadcast_to(np.array([1.0, 0.0]), (len(block), 2))
        yield Channel(f"{stop.station}_cycle", start[:, None] + offsets, values)
    noise = normals(block.seed + 3, Stream.GAUGES, int(block.schedule.shot[0]), len(block), 8).T
    flash = 0.05 * (block.thermal.moving - 190.0)
    mass = block.quality.mass * 1e3
    rows = (
        ("trim_force", 62.0, 420.0 + 3.0 * flash + 6.0 * noise[0], 0),
        ("casting_weight", 65.0, mass + 0.4 * noise[1], 1),
        ("quench_temperature", 85.0, block.climate.hall + 9.0 + 0.4 * noise[2], 1),
        ("quench_agitation", 86.0, 62.0 + 0.8 * noise[3], 1),
        ("leak_rate", 1222.0, 0.8 * np.exp(0.25 * noise[4]) * (1.0 + block.quality.pores**2), 2),
        ("leak_pressure", 1210.0, 2.0 + 0.01 * noise[5], 3),
        ("xray_voltage", 2106.0, 160.0 + 0.5 * noise[6], 1),
    )
    for signal, offset, values, digits in rows:
        yield Channel(signal, (start + round(offset * SECOND))[:, None], np.round(values, digits)[:, None])
