"""A prototype as it was brought: what it reads, what it answers, and whether it can be learned again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.judging.trees import TreeTable
from lineside.domain.readings import Float64
from lineside.learn.boosting import Leaves

Float32 = NDArray[np.float32]
Raw = Callable[[Float32], Float64]
"""From rows of inputs ``(n, k)`` to raw answers ``(n, outputs)``."""
Refit = Callable[[Float32, Float64, Float32], Float64]
"""Learns the recipe anew from rows and labels, and returns the raw answers ``(m, outputs)`` for other rows."""


class Nature:
    """What a prototype is made of, as far as that can be seen."""

    TREES: Final = "trees"
    LINEAR: Final = "linear"
    NETWORK: Final = "network"
    OTHER: Final = "other"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TreeModel:
    """Trees in Lineside's own form; ``seen`` ``(leaves,)`` are the training rows in each leaf, None where not said."""

    table: TreeTable
    leaves: Leaves
    seen: Float64 | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prototype:
    """A model that somebody made elsewhere.

    ``label`` says in words what it is. ``raw`` answers for two classes with one column, log-odds or anything that rises
    with them, for several with one column per class, for a variable with the value; ``binary`` says that the one column
    rises with class 1. ``refit`` is None where a recipe is not part of it. ``graph`` is its ONNX graph, where it has
    one that a gateway may run. ``settings`` are those that a stand-in of the same kind is made with. ``slow`` says that
    each answer costs a process, and ``timed`` asks that process how long single rows take, in seconds. ``fitted`` is
    false where only a recipe was brought. ``answer`` is the output of the graph, which holds ``probabilities`` or raw
    answers.
    """

    kind: str
    label: str
    inputs: tuple[str, ...]
    outputs: int
    raw: Raw
    size: int
    nature: str = Nature.OTHER
    refit: Refit | None = None
    trees: TreeModel | None = None
    graph: bytes | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    slow: bool = False
    fitted: bool = True
    timed: Callable[[Float32], list[float]] | None = None
    answer: str = ""
    probabilities: bool = False
