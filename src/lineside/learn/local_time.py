"""Local wall-clock time of parts: shifts and seasons are told by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from lineside.domain.readings import Int64
from lineside.domain.units import MINUTE, SECOND

_STEP: Final = 15 * MINUTE
"""Clocks are put forward or back only at quarters of an hour."""


def local_times(times: Int64, zone: str) -> Int64:
    """Return UTC nanoseconds as the wall clock of a zone (IANA name) would count them since 1970."""
    steps, where = np.unique(times // _STEP, return_inverse=True)
    known = ZoneInfo(zone)
    offsets = [_offset(int(step) * _STEP, known) for step in steps]
    return np.asarray(times + np.array(offsets, dtype=np.int64)[where], dtype=np.int64)


def _offset(time: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(time / SECOND, tz=UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds()) * SECOND
