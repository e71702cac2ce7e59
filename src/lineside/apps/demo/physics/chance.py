"""Randomness as a pure function of seed, stream and position.

A counter-based generator (Philox; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) gives the
numbers of shot 4711 without those of shot 4710. So a run of shots is the same however it is cut into blocks,
and a second start continues exactly where the first one ended.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from lineside.domain.readings import Float64, Int64

_WORDS = 4
"""A step of Philox's counter gives four 64-bit words."""


class Stream(IntEnum):
    """Independent sequences, one for each thing that varies."""

    SCHEDULE = 1
    THERMAL = 2
    INJECTION = 3
    QUALITY = 4
    GAUGES = 5
    TRACES = 6
    LOTS = 7
    WEATHER = 8
    FURNACE = 9
    EPISODES = 10
    MOUNTING = 11
    YEAR = 12


def uniforms(seed: int, stream: Stream, first: int, count: int, width: int) -> Float64:
    """Return numbers in [0, 1) for positions ``first`` to ``first + count``; shape ``(count, width)``."""
    steps = -(-width // _WORDS)
    key = np.array([seed, stream], dtype=np.uint64)
    counter = np.array([first * steps, 0, 0, 0], dtype=np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key, counter=counter))
    return generator.random((count, steps * _WORDS))[:, :width]


def normals(seed: int, stream: Stream, first: int, count: int, width: int) -> Float64:
    """Return standard normal numbers, shape ``(count, width)``, by the Box-Muller transform."""
    half = -(-width // 2)
    flat = uniforms(seed, stream, first, count, 2 * half)
    radius = np.sqrt(-2.0 * np.log1p(-flat[:, :half]))
    angle = 2.0 * np.pi * flat[:, half:]
    return np.concatenate((radius * np.cos(angle), radius * np.sin(angle)), axis=1)[:, :width]


def wander(seed: int, stream: Stream, times: Int64, spacing: int) -> Float64:
    """Return a smooth random course of time with a standard deviation near one.

    Independent normals stand every ``spacing`` nanoseconds; between them runs a cosine, weighted so that the
    deviation is the same everywhere. ``times`` are UTC nanoseconds in any order.
    """
    if len(times) == 0:
        return np.zeros(0)
    knot = times // spacing
    first = int(knot.min())
    values = normals(seed, stream, first, int(knot.max()) - first + 2, 1)[:, 0]
    share = 0.5 - 0.5 * np.cos(np.pi * (times - knot * spacing) / spacing)
    before, after = values[knot - first], values[knot - first + 1]
    return np.asarray(((1 - share) * before + share * after) / np.sqrt(share**2 + (1 - share) ** 2))
