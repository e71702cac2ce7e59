"""Exact shares of a part's score, for the asked case: Shapley values where the model is of trees, else the card's.

The card explains trees along the paths taken, which costs as much as scoring. Exact values cost some twenty times
that and need the trees prepared, so they are made where somebody asks, for models in service: `ExactShares` opens and
prepares a model when it is first asked for, and keeps a few.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lineside.adapters.onnx_judge.explain import seen_by_trees, tree_table
from lineside.adapters.onnx_judge.model import OpenModel, open_model
from lineside.adapters.onnx_judge.verdict import contributions
from lineside.domain.errors import DataError
from lineside.domain.judging.rows import take_inputs
from lineside.domain.judging.shapley import ShapleyTable, shapley_table, shapley_values
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Contribution
from lineside.wire.bundle import TREE_NODES, Bundle, manifest_digest

MOST_KEPT: Final = 4
"""Models that are kept prepared: about 2 MB each beside the model at 300 trees of 31 leaves."""
SHAPLEY: Final = "exact Shapley values: they sum to the score less what the model expects of a part it knows nothing of"
AS_JUDGED: Final = "as the card shows them: what would vanish of the score if the signal were as usual given the others"
REPLACED: Final = "by replacement: what would vanish of the score if the feature alone had its usual value"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactExplanation:
    """A part's score, the shares of the inputs that carry most of it, and in words what such a share is.

    ``rest`` is the sum of the shares that are not shown.
    """

    model: str
    characteristic: str
    score: float
    limit: float
    contributions: tuple[Contribution, ...]
    rest: float
    how: str


class ExactShares:
    """Explains parts by models, of which it keeps the last few prepared."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most_kept = most_kept
        self._prepared: OrderedDict[str, tuple[OpenModel, ShapleyTable | None]] = OrderedDict()

    def explain(self, bundle: Bundle, part: PartRecord, before: Sequence[PartRecord] = ()) -> ExactExplanation:
        """Return the explanation of a part's score by a bundle.

        ``before`` are the earlier parts of its station, in order: a model that remembers parts looks back at them.

        Raises:
            DataError: the part was made by another recipe.
            IntegrityError: the bundle does not answer as it says.
        """
        model, table = self._model(bundle)
        model.memory.reset()
        if model.memory.kept:
            for earlier in before:
                model.memory.advance(model.answer(_row(model, earlier)).outputs, earlier.ended)
        row = _row(model, part)
        answer = model.answer(row)
        shares = (
            answer.shares
            if table is None
            else shapley_values(table, seen_by_trees(row, answer.outputs), answer.outputs["weights"][0])
        )
        shown = contributions(model, part.features, replace(answer, shares=shares))
        return ExactExplanation(
            model=model.name,
            characteristic=bundle.manifest.characteristic,
            score=answer.score,
            limit=bundle.manifest.limit,
            contributions=shown,
            rest=float(np.sum(shares)) - sum(item.share for item in shown),
            how=SHAPLEY if table is not None else AS_JUDGED if "parts" in model.outputs else REPLACED,
        )

    def _model(self, bundle: Bundle) -> tuple[OpenModel, ShapleyTable | None]:
        key = manifest_digest(bundle.manifest)
        if key not in self._prepared:
            table = shapley_table(tree_table(bundle)) if TREE_NODES in bundle.files else None
            self._prepared[key] = open_model(bundle), table
        self._prepared.move_to_end(key)
        while len(self._prepared) > self._most_kept:
            self._prepared.popitem(last=False)
        return self._prepared[key]


def _row(model: OpenModel, part: PartRecord) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    manifest = model.bundle.manifest
    if part.recipe != manifest.recipe or part.features.shape != (len(manifest.features),):
        raise DataError(
            "the part was made by another recipe than the model's",
            field=part.cycle_id,
            value=part.recipe,
            choices=(manifest.recipe,),
            next_step="choose a part made since the plan's features were changed",
        )
    row = np.empty((1, len(model.inputs)), dtype=np.float32)
    take_inputs(np.ascontiguousarray(part.features, dtype=np.float64), model.inputs, row[0])
    return row
