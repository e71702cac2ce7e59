"""What every family hands over once it has learned: a graph, a limit, and what is known of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lineside.domain.costs import CostReport
from lineside.domain.following import FollowFacts
from lineside.domain.limits import Limit
from lineside.domain.plan.budget import FalseAlarms
from lineside.domain.plan.model import Characteristic, ModelFamily
from lineside.domain.readings import Float64
from lineside.learn.augmented import Augment
from lineside.learn.given import Given
from lineside.learn.rows import Choice, Rows
from lineside.learn.runtime import ExportedModel
from lineside.wire.bundle import SetupsFact

Progress = Callable[[str], None]


class TreeView(StrEnum):
    """What boosted trees see of a part: see `lineside.learn.tree_view`."""

    AS_THEY_ARE = "features and conditions as they are"
    DEVIATIONS_AND_CONDITIONS = "deviations from what is usual, and conditions"
    DEVIATIONS = "deviations from what is usual under the conditions"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Task:
    """What is to be learned: the characteristic, its rows, and rows that came later for the limit (or None).

    ``alarms`` says how many false alarms it may give. ``columns`` are for models of normal, for which conditions are
    no inputs; ``all_columns`` for the others, of which trees see what ``view`` says. ``least_scale`` is the least scale
    of each of ``columns``' inputs, where something was taken off them that hides how coarse they are. ``augment`` makes
    parts up for fits of trees (None: they are not). ``older`` are conforming parts made before a change of the process:
    see `lineside.learn.older`. ``by_conditions`` says whether models of normal judge features
    given their conditions (None: not decided yet).
    """

    characteristic: Characteristic
    columns: Choice
    all_columns: Choice
    rows: Rows
    calibration: Rows | None
    alarms: FalseAlarms
    timed: bool
    seed: int
    progress: Progress
    continuous: bool = False
    least_recall: float = 0.0
    least_scale: Float64 | None = None
    augment: Augment | None = None
    older: Rows | None = None
    view: TreeView = TreeView.AS_THEY_ARE
    by_conditions: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Learned:
    """A learned model, ready for a bundle.

    ``columns.inputs`` are what the graph reads; ``given`` says how features respond to conditions, where the model
    judges by that; the last ``conditions_only`` inputs carry no share. ``conditions_why``
    says in words whether conditions pay, where that was asked; ``costs`` what the limit costs, where a part held out
    is bad.

    ``usual`` marks the rows of the task that show what is usual. ``metrics`` are those of the honest
    validation that ``scheme`` words.
    """

    family: ModelFamily
    exported: ExportedModel
    columns: Choice
    limit: Limit
    usual: NDArray[np.bool_]
    parity: float
    scheme: str
    metrics: Mapping[str, float]
    limit_from: str
    setups: SetupsFact | None = None
    trail: tuple[str, ...] = ()
    follow: FollowFacts | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    calibration: Mapping[str, float] = field(default_factory=dict)
    given: Given | None = None
    conditions_only: int = 0
    conditions_why: str = ""
    costs: CostReport | None = None
