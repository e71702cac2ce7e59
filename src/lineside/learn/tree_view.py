"""What boosted trees see of a part: its features as they are, or how far these are from usual under its conditions.

Trees have conditions among their inputs, and could find out for themselves what these do. They do so in steps, and know
nothing beyond the last step: in a summer warmer than any day learned from they take what the heat does for what a
defect does. Whether it is better to give them deviations, and whether the conditions then remain inputs, is decided on
*unseen conditions*: the coldest and the warmest quarter of the parts (of the two conditions that move most features)
are left out in turn, and foreseen by what was learned from the rest. As they are stands unless another view has a lower
log-loss by more than a standard error over the quarters left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from lineside.domain.plan.model import Characteristic
from lineside.domain.readings import Float64, Int64
from lineside.learn.boosting import boost_classes
from lineside.learn.calibrate import full_scores
from lineside.learn.given import Given, learn_given, unseen_quarters
from lineside.learn.graph import Graph
from lineside.learn.learned import TreeView
from lineside.learn.response_graph import add_deviations
from lineside.learn.rows import Choice, Rows, columns_of
from lineside.learn.runtime import ExportedModel

Bools = NDArray[np.bool_]
_MOST_ROWS: Final = 12_000
_LEAST_OF_A_CLASS: Final = 5
"""Parts of a second class that a quarter left out must have, and leave."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TreeInputs:
    """The columns of the recipe that the trees' graph reads, and what of them the trees see."""

    inputs: Int64
    given: Given | None = None
    conditions_seen: bool = True

    @property
    def conditions_only(self) -> int:
        """How many of the inputs are conditions that trees do not see themselves."""
        return 0 if self.given is None or self.conditions_seen else len(self.given.conditions)

    def rows(self, features: Float64) -> Float64:
        """Return what trees see of whole rows ``(r, recipe)``."""
        if self.given is None:
            return columns_of(features, self.inputs)
        deviations = self.given.rows(features)
        return np.column_stack([deviations, features[:, self.given.conditions]]) if self.conditions_seen else deviations

    def add(self, graph: Graph) -> str:
        """Add the input and return what the trees see of it; with a response, it is also the output ``seen``."""
        x = graph.input("x", len(self.inputs))
        if self.given is None:
            return x
        n = len(self.given.process)
        seen = add_deviations(graph, x, self.given.response)
        if self.conditions_seen:
            behind = graph.constant("conditions", np.arange(n, len(self.inputs)))
            seen = graph.add("Concat", [seen, graph.add("Gather", [x, behind], axis=1)], axis=1)
        return graph.output("seen", seen, len(self.inputs) if self.conditions_seen else n)

    def exact(self, features: Float64) -> Float64:
        """Return what trees see of whole rows, in the bits of the graph: float32 sums depend on their order."""
        if self.given is None:
            return self.rows(features)
        graph = Graph("view")
        self.add(graph)
        nobody = np.full(len(features), "", dtype=object)
        seen = ExportedModel(graph=graph.to_bytes(), width=0).run(features[:, self.inputs], nobody)["seen"]
        return seen.astype(np.float64)


def tree_inputs(
    view: TreeView, characteristic: Characteristic, columns: Choice, rows: Rows, older: Rows | None = None
) -> TreeInputs:
    """Return what trees see by a view, its response learned from the conforming of some rows and from older ones.

    Where nothing responds in these rows, they see features and conditions as they are.
    """
    as_they_are = TreeInputs(inputs=columns.inputs)
    if view is TreeView.AS_THEY_ARE:
        return as_they_are
    seen = view is TreeView.DEVIATIONS_AND_CONDITIONS
    given = learn_given(characteristic, columns, rows, older=older, all_conditions=seen)
    return as_they_are if given is None else TreeInputs(inputs=given.inputs, given=given, conditions_seen=seen)


def choose_view(
    characteristic: Characteristic,
    columns: Choice,
    rows: Rows,
    label: Int64,
    classes: int,
    seed: int,
    older: Rows | None = None,
) -> tuple[TreeView, str]:
    """Return the view that foresees unseen conditions best, and in words why it was taken.

    ``older`` rows teach the response beside those that are not left out.
    """
    given = learn_given(characteristic, columns, rows, older=older)
    if given is None:
        return TreeView.AS_THEY_ARE, ""
    some = _some(label)
    rows, label = rows.take(some), label[some]
    loss: dict[TreeView, list[float]] = {view: [] for view in TreeView}
    for out in _unseen(given, rows, label):
        for view in TreeView:
            inputs = tree_inputs(view, characteristic, columns, rows.take(~out), older)
            raw = boost_classes(inputs.rows(rows.features[~out]), label[~out], classes, seed).raw
            loss[view].append(_log_loss(raw(inputs.rows(rows.features[out])), label[out], label[~out]))
    if len(loss[TreeView.AS_THEY_ARE]) < 2:
        return TreeView.AS_THEY_ARE, "too few parts to tell on unseen conditions whether deviations help"
    return _best(loss)


def _some(label: Int64) -> Int64:
    """Return positions of some rows: all of the rarer classes, and the commonest evenly thinned."""
    count = np.bincount(label)
    common = np.flatnonzero(label == np.argmax(count))
    most = max(_MOST_ROWS - (len(label) - len(common)), _MOST_ROWS // 2)
    if len(common) > most:
        common = common[np.linspace(0, len(common) - 1, most).astype(np.int64)]
    return np.sort(np.concatenate([common, np.flatnonzero(label != np.argmax(count))]))


def _unseen(given: Given, rows: Rows, label: Int64) -> Iterator[Bools]:
    """Yield the rows of each quarter left out that has, and leaves, enough of the rarer classes."""
    for out in unseen_quarters(given, rows.features):
        rare = [np.sort(np.bincount(label[side]))[:-1].sum() for side in (out, ~out)]
        if min(rare) >= _LEAST_OF_A_CLASS:
            yield out


def _log_loss(raw: Float64, label: Int64, learned: Int64) -> float:
    """Return the mean log-loss of raw scores, the weights that rare classes had in learning taken back."""
    scores = full_scores(raw)
    count = np.maximum(np.bincount(learned, minlength=scores.shape[1]), 1)
    logits = scores + 0.5 * np.log(count)
    return float(np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(label)), label]))


def _best(loss: dict[TreeView, list[float]]) -> tuple[TreeView, str]:
    stands = np.array(loss[TreeView.AS_THEY_ARE])
    words = []
    best, most = TreeView.AS_THEY_ARE, 0.0
    for view in (TreeView.DEVIATIONS, TreeView.DEVIATIONS_AND_CONDITIONS):
        gain = stands - np.array(loss[view])
        error = float(gain.std(ddof=1) / np.sqrt(len(gain)))
        words.append(f"{view}: log-loss lower by {gain.mean():.2g} +- {error:.1g}")
        if gain.mean() > max(error, most):
            best, most = view, float(gain.mean())
    return best, f"trees see {best} ({'; '.join(words)}, on {len(stands)} quarters of unseen conditions)"
