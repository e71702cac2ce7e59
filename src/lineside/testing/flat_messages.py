"""Flat JSON messages for tests, given one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lineside.domain.intake.flat_json import Flat, Shapes, read_flat
from lineside.domain.readings import Int64


def read_each(payloads: Sequence[bytes], shape: Int64, shapes: Shapes, received: Int64) -> Flat:
    """Read messages as if they had come one behind the other."""
    sizes = np.array([len(payload) for payload in payloads], dtype=np.int64)
    ends = np.cumsum(sizes)
    text = np.frombuffer(b"".join([*payloads, b"\0"]), dtype=np.uint8)
    return read_flat(text, ends - sizes, ends, shape, shapes, received)
