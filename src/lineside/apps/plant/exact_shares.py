"""The board's exact shares of a part, by the models in service, made when somebody asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Lock

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge.exact import ExactExplanation, ExactShares
from lineside.domain.parts import PartRecord
from lineside.wire.bundle import TREE_NODES


class PartShares:
    """Answers the board's question for exact shares: of models of trees, which the card explains along their paths."""

    def __init__(self, bundles: BundleFolder) -> None:
        self._bundles = bundles
        self._exact = ExactShares()
        self._one_at_a_time = Lock()

    async def __call__(self, part: PartRecord) -> Sequence[ExactExplanation]:
        """Return the explanations of a part's scores; none where no model in service is of trees."""
        return await asyncio.to_thread(self._explain, part)

    def _explain(self, part: PartRecord) -> Sequence[ExactExplanation]:
        with self._one_at_a_time:
            trees = [item for item in self._bundles.active(part.station) if TREE_NODES in item.files]
            return [self._exact.explain(bundle, part) for bundle in trees]
