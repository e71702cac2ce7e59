"""Which parts of the training data a device must judge again before the model goes live there.

Chosen without chance: for every outcome those spread evenly from the least to the greatest score, those whose score is
nearest to the limit (but clear of it, so that float32 on another processor cannot turn them over), and some of which a
signal is taken away. How they must be judged is added by whoever can judge (`lineside.adapters.onnx_judge.golden`).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from lineside.domain.acceptance import GoldenAnswer
from lineside.domain.outcomes import CONFORMING, NONCONFORMING
from lineside.domain.plan.model import CharacteristicKind
from lineside.domain.readings import Float64, Int64
from lineside.learn.learned import Learned, Task
from lineside.learn.rows import Bools, known, nonconforming
from lineside.wire.bundle import GOLDEN_ANSWERS, GOLDEN_PARTS, array_bytes

Objects = NDArray[np.object_]
PER_CLASS: Final = 8
NEAR_LIMIT: Final = 8
LACKING: Final = 4
_CLEAR: Final = 1e-3
"""How far from the limit, relative to ``1 + |limit|``, a part near it must be."""
_MOST_ROWS: Final = 5_000
"""Rows that are scored to choose from: the newest."""


def golden_parts(task: Task, learned: Learned) -> dict[str, bytes]:
    """Return golden parts (features of the whole recipe, in time order) and their labels, as files of a bundle."""
    rows = task.rows.take(np.arange(max(0, len(task.rows) - _MOST_ROWS), len(task.rows)))
    scores = learned.exported.run(rows.features[:, learned.columns.inputs], rows.group)["score"].ravel()
    label = _labels(task, rows.outcome, nonconforming(rows, task.characteristic), known(rows))
    chosen = _choose(scores.astype(np.float64), label, learned.limit.value)
    features = rows.features[chosen]
    features, named = _with_lacking(features, [str(label[i]) for i in chosen], learned.columns.inputs)
    answers = [GoldenAnswer(label=name) for name in named]
    return {GOLDEN_PARTS: array_bytes(features), GOLDEN_ANSWERS: msgspec.json.encode(answers)}


def _labels(task: Task, outcome: Objects, bad: Bools, is_known: Bools) -> Objects:
    """Return what is known of each row: its class, or for a variable whether it conforms; empty where nothing is."""
    if task.characteristic.kind is CharacteristicKind.ATTRIBUTE and task.characteristic.classes:
        return np.where(is_known, outcome, "")
    return np.where(is_known, np.where(bad, NONCONFORMING, CONFORMING), "")


def _choose(scores: Float64, label: Objects, limit: float) -> Int64:
    """Return the positions chosen, ascending."""
    chosen: set[int] = set()
    usable = np.isfinite(scores)
    for name in sorted({str(item) for item in label}):
        own = np.flatnonzero(usable & (label == name))
        own = own[np.argsort(scores[own], kind="stable")]
        chosen |= set(
            own[np.unique(np.linspace(0, len(own) - 1, PER_CLASS).astype(np.int64))].tolist() if len(own) else ()
        )
    away = np.abs(scores - limit) / (1.0 + abs(limit))
    near = np.flatnonzero(usable & (away > _CLEAR))
    chosen |= set(near[np.argsort(away[near], kind="stable")][:NEAR_LIMIT].tolist())
    return np.array(sorted(chosen), dtype=np.int64)


def _with_lacking(features: Float64, label: list[str], inputs: Int64) -> tuple[Float64, list[str]]:
    """Return the parts, and behind them copies of some, each without one of its inputs."""
    if len(inputs) < 2 or not len(features):
        return features, label
    of = np.unique(np.linspace(0, len(features) - 1, LACKING).astype(np.int64))
    copies = features[of].copy()
    for number, row in enumerate(copies):
        row[inputs[(number * len(inputs)) // len(of)]] = np.nan
    return np.concatenate([features, copies]), [*label, *(label[i] for i in of)]
