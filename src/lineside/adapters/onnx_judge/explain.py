"""How each family of models says which inputs carried the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import IntegrityError
from lineside.domain.judging.trees import NODE, TreeTable, path_shares
from lineside.domain.readings import Float64
from lineside.wire.bundle import TREE_EXPECTED, TREE_NODES, TREE_ROOTS, TREE_TARGET, Bundle

Float32 = NDArray[np.float32]
Explainer = Callable[[Float32, Mapping[str, Float32]], Float64]
"""From one row of inputs ``(1, n)`` and the graph's outputs to the share of each input, shape ``(n,)``."""


def explainer_for(bundle: Bundle) -> Explainer:
    """Return the explainer of a bundle's family."""
    if TREE_NODES not in bundle.files:
        return _parts
    nodes = bundle.array(TREE_NODES)
    if nodes.dtype != NODE:
        raise IntegrityError("a bundle's trees are of another form", field=TREE_NODES, value=nodes.dtype.names)
    table = TreeTable(
        nodes=nodes,
        roots=bundle.array(TREE_ROOTS).astype(np.int32),
        target=bundle.array(TREE_TARGET).astype(np.int32),
        expected=bundle.array(TREE_EXPECTED).astype(np.float64),
    )
    _check_trees(table, len(bundle.manifest.inputs))
    return lambda features, outputs: path_shares(table, features[0], outputs["weights"][0])


def _check_trees(table: TreeTable, inputs: int) -> None:
    """Refuse trees that would lead the walk out of its table, or round in a circle (children come after parents)."""
    count = len(table.nodes)
    feature = table.nodes["feature"]
    position = np.arange(count)
    forward = [(table.nodes[side] < 0) | (table.nodes[side] > position) for side in ("left", "right")]
    sound = (
        np.all((feature >= 0) & (feature < inputs))
        and all(bool(np.all(way)) for way in forward)
        and all(bool(np.all(table.nodes[side] < count)) for side in ("left", "right"))
        and np.all(table.roots < count)
        and len(table.roots) == len(table.target)
        and np.all((table.target >= 0) & (table.target < len(table.expected)))
    )
    if not sound:
        raise IntegrityError("a bundle's trees do not hang together", field=TREE_NODES)


def _parts(features: Float32, outputs: Mapping[str, Float32]) -> Float64:
    """The graph itself gives the parts of its score."""
    del features
    shares: Float64 = outputs["parts"][0].astype(np.float64)
    return shares
