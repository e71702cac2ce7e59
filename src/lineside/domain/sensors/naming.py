"""Which sensor is faulty, told apart from a process that has changed.

A process that changes moves what hangs together; a sensor that fails moves alone. With the covariance ``S`` of the
reference's features, the mean deviation ``d`` of a window has the distance ``d' S^-1 d``. Under the hypothesis that
signal ``j`` alone is wrong, its features may be set to whatever fits the others best, and what is left of the distance
is ``d' S^-1 d - g_j' [(S^-1)_jj]^-1 g_j`` with ``g = S^-1 d`` (reconstruction along the direction of a fault: Dunia,
Qin, Edgar and McAvoy, AIChE J. 42, 1996). Where one signal takes nearly all of it away, it is named; where none does,
the process has changed. What was taken away, part by part, tells an offset from a gain, a ramp and noise.

What only one signal measures cannot be told apart from its sensor: such a change is named here, for the sensor is
looked at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.readings import Float64
from lineside.domain.said import joined, say
from lineside.domain.sensors.alone import fault_alone

LEAST_PARTS: Final = 60
LEFT: Final = 0.25
"""Share of the distance that may be left where one signal is to blame."""
BEYOND: Final = 2.0
"""How many times farther than the farthest block of the reference a window has to be."""
NOISE: Final = 6.0
"""Times that the variance from part to part of what the others do not explain has grown, at least."""
ITSELF: Final = 3.0
"""Times that the variance of the signal itself has grown, at least, where it is noisy."""
RAMP: Final = 0.5
"""Share of a fault's variance over the window that a ramp explains where it is one."""
PROCESS: Final = "process changed"
_RIDGE: Final = 0.02
_LEVELS: Final = ("value", "mean", "last", "carried", "percentile", "first", "max", "min")


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorFinding:
    """What a window says of one signal (``""``: of the process): the fault, why in words, and its size in its unit."""

    signal: str
    fault: str
    why: str
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Column:
    """One feature: its signal, the statistic it is (``value``, ``mean``, ``std`` ...), and its unit."""

    signal: str
    kind: str
    unit: str = ""


def name_faults(
    columns: Sequence[Column], reference: Float64, window: Float64, stride: float = 1.0
) -> tuple[SensorFinding, ...]:
    """Return the faults of sensors that a window shows; a changed process is one finding without a signal.

    Args:
        columns: the features, in order.
        reference: parts ``(n, f)`` of sound sensors, in time order.
        window: the newest parts ``(m, f)``, in time order.
        stride: of how many parts the reference holds one.
    """
    if len(window) < LEAST_PARTS or len(reference) < 2 * LEAST_PARTS:
        return ()
    signals = list(dict.fromkeys(column.signal for column in columns))
    found: dict[str, SensorFinding] = {}
    for signal in signals:
        place = _level(columns, signal)
        fault, why = fault_alone(reference[:, place], window[:, place], stride, columns[place].unit)
        if fault:
            found[signal] = SensorFinding(signal=signal, fault=fault, why=why)
    rest = [place for place, column in enumerate(columns) if column.signal not in found]
    together = _together([columns[place] for place in rest], reference[:, rest], window[:, rest])
    return (*found.values(), *together)


def _level(columns: Sequence[Column], signal: str) -> int:
    """Return the feature that says most plainly where a signal is."""
    own = [place for place, column in enumerate(columns) if column.signal == signal]
    ranked = {kind: rank for rank, kind in enumerate(_LEVELS)}
    return min(own, key=lambda place: ranked.get(columns[place].kind, len(ranked)))


def _together(columns: Sequence[Column], reference: Float64, window: Float64) -> tuple[SensorFinding, ...]:
    """Return the one sensor that explains a deviation, or that the process has changed, and sensors that are noisy."""
    used = [place for place in range(len(columns)) if _usable(reference[:, place], window[:, place])]
    if len({columns[place].signal for place in used}) < 3:
        return ()
    columns = [columns[place] for place in used]
    before, now = reference[:, used], window[:, used]
    before = before[np.isfinite(before).all(axis=1)]
    now = now[np.isfinite(now).all(axis=1)]
    if len(before) < 2 * LEAST_PARTS or len(now) < LEAST_PARTS:
        return ()
    centre: Float64 = before.mean(axis=0)
    scale: Float64 = before.std(axis=0)
    before = np.asarray((before - centre) / scale, dtype=np.float64)
    now = np.asarray((now - centre) / scale, dtype=np.float64)
    covariance = np.cov(before, rowvar=False) + _RIDGE * np.eye(len(columns))
    inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    names = list(dict.fromkeys(column.signal for column in columns))
    groups = {name: [place for place, column in enumerate(columns) if column.signal == name] for name in names}
    noisy, now = _noisy(columns, groups, inverse, before, now)
    return (*noisy, *_blame(columns, groups, inverse, before, now, scale))


def _noisy(
    columns: Sequence[Column], groups: dict[str, list[int]], inverse: Float64, before: Float64, now: Float64
) -> tuple[list[SensorFinding], Float64]:
    """Return the noisy sensors, the noisiest first, and the window with them set to what fits the others best.

    One after the other: noise of one sensor is also seen in what is expected of those that it hangs together with.
    """
    found: list[SensorFinding] = []
    left = dict(groups)
    while left:
        times = {name: _noise(columns, places, inverse, before, now) for name, places in left.items()}
        name = max(times, key=lambda item: times[item])
        if not times[name]:
            break
        words = say("it varies {times} times as much from part to part", times=f"{times[name]:.0f}")
        found.append(SensorFinding(signal=name, fault="noisy", why=words))
        places = left.pop(name)
        now = now.copy()
        now[:, places] -= _deviation(places, inverse, now)
    return found, now


def _usable(before: Float64, now: Float64) -> bool:
    known = before[np.isfinite(before)]
    return len(known) > 0.9 * len(before) and float(known.std()) > 0.0 and np.isfinite(now).mean() > 0.9


def _blame(
    columns: Sequence[Column],
    groups: dict[str, list[int]],
    inverse: Float64,
    before: Float64,
    now: Float64,
    scale: Float64,
) -> tuple[SensorFinding, ...]:
    ends = np.array([now[: len(now) // 2].mean(axis=0), now[len(now) // 2 :].mean(axis=0)])
    away = ends[np.argmax([_distance(end, inverse) for end in ends])]  # a ramp shows most in one half
    total = _distance(away, inverse)
    if total <= BEYOND * _farthest(before, inverse, len(now) // 2):
        return ()
    left = {name: (total - _taken(places, inverse, away)) / total for name, places in groups.items()}
    name = min(left, key=lambda item: left[item])
    if left[name] > LEFT:
        return (SensorFinding(signal="", fault=PROCESS, why=say("several signals moved together")),)
    places = groups[name]
    own = _level([columns[place] for place in places], name)
    level, deviation = places[own], _deviation(places, inverse, now)[:, own]
    fault, why = _pattern(deviation, now[:, level] - deviation)
    size = float(deviation[len(deviation) // 2 :].mean() * scale[level])
    return (SensorFinding(signal=name, fault=fault, why=joined((why, say("while nothing else moved"))), size=size),)


def _distance(away: Float64, inverse: Float64) -> float:
    return float(away @ inverse @ away)


def _taken(places: list[int], inverse: Float64, away: Float64) -> float:
    """Return how much of the distance goes where the features of one signal are set to what fits the others best."""
    gradient = (inverse @ away)[places]
    return float(gradient @ np.linalg.solve(inverse[np.ix_(places, places)], gradient))


def _deviation(places: list[int], inverse: Float64, rows: Float64) -> Float64:
    """Return by how much each row's features of one signal differ from what fits the others best."""
    own = inverse[np.ix_(places, places)]
    return np.asarray(np.linalg.solve(own, (rows @ inverse)[:, places].T).T, dtype=np.float64)


def _farthest(before: Float64, inverse: Float64, size: int) -> float:
    blocks = [block.mean(axis=0) for block in np.array_split(before, max(len(before) // size, 2))]
    return max(_distance(block, inverse) for block in blocks)


def _noise(columns: Sequence[Column], places: list[int], inverse: Float64, before: Float64, now: Float64) -> float:
    """Return how many times the signal's variance from part to part has grown; 0 where the others explain it.

    What is expected of a signal varies where another sensor is noisy: so it has to vary more by itself as well.
    """
    level = _level([columns[place] for place in places], columns[places[0]].signal)
    itself = _roughness(now[:, places[level]]) / max(_roughness(before[:, places[level]]), 1e-12)
    unexplained = _roughness(_deviation(places, inverse, now)[:, level])
    grown = unexplained / max(_roughness(_deviation(places, inverse, before)[:, level]), 1e-12)
    return itself if itself >= ITSELF and grown >= NOISE else 0.0


def _roughness(column: Float64) -> float:
    return float(np.diff(column).var())


def _pattern(deviation: Float64, level: Float64) -> tuple[str, str]:
    """Return what the deviation does over the window: a ramp, a gain, or an offset."""
    time = np.linspace(-1.0, 1.0, len(deviation))
    ramp = _explained(time, deviation)
    middle = len(deviation) // 2
    step = max(_explained((time > edge).astype(np.float64), deviation) for edge in (-0.5, 0.0, 0.5))
    if ramp >= RAMP and ramp > step:
        return "drifting", say("it moves away steadily over {parts} parts", parts=middle * 2)
    if _explained(level, deviation) >= RAMP and abs(np.corrcoef(level, time)[0, 1]) < 0.7:
        return "miscalibrated", say("its gain has changed")
    return "miscalibrated", say("it is offset")


def _explained(by: Float64, of: Float64) -> float:
    if by.std() == 0.0 or of.std() == 0.0:
        return 0.0
    return float(np.corrcoef(by, of)[0, 1] ** 2)
