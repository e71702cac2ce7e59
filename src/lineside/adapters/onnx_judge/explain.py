"""How each family of models says which inputs carried the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import IntegrityError
from lineside.domain.judging.trees import NODE, TreeTable, add_outputs, path_shares
from lineside.domain.readings import Float64
from lineside.wire.bundle import TREE_EXPECTED, TREE_LEAVES, TREE_NODES, TREE_ROOTS, TREE_TARGET, Bundle

Float32 = NDArray[np.float32]
Explainer = Callable[[Float32, Mapping[str, Float32]], Float64]
"""From one row of inputs ``(1, n)`` and the graph's outputs to the share of each input, shape ``(n,)``."""


def explainer_for(bundle: Bundle, session: Any) -> Explainer:
    """Return the explainer of a bundle: along the paths of its trees, the graph's own parts, or by replacement."""
    if TREE_NODES not in bundle.files:
        names = {item.name for item in session.get_outputs()}
        return _parts if "parts" in names else _by_replacement(bundle, session)
    table = tree_table(bundle)
    return lambda features, outputs: path_shares(table, seen_by_trees(features, outputs), outputs["weights"][0])


def seen_by_trees(features: Float32, outputs: Mapping[str, Float32]) -> Float32:
    """Return what the trees saw of a row ``(1, n)``, as shape ``(n,)``: itself, or the graph's deviations from usual.

    Inputs that they did not see, conditions at the end, are zero: no split asks for them.
    """
    row: Float32 = features[0]
    if "seen" not in outputs:
        return row
    row = np.zeros(features.shape[1], dtype=np.float32)
    row[: outputs["seen"].shape[1]] = outputs["seen"][0]
    return row


def tree_table(bundle: Bundle) -> TreeTable:
    """Return a bundle's trees.

    Raises:
        IntegrityError: they are of another form, or would lead a walk astray.
    """
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
    return table


def feeder_for(bundle: Bundle) -> Callable[[Float32], dict[str, Float32]]:
    """Return what gives the graph its inputs of a row: the row, or the output of compiled trees."""
    if TREE_LEAVES not in bundle.files:
        return lambda row: {"x": row}
    table, leaves = tree_table(bundle), bundle.array(TREE_LEAVES)
    children = np.concatenate([table.nodes["left"], table.nodes["right"], table.roots])
    if leaves.dtype != np.float32 or leaves.ndim != 1 or np.any(children < -len(leaves)):
        raise IntegrityError("a bundle's leaves are not those of its trees", field=TREE_LEAVES)

    def walked(row: Float32) -> dict[str, Float32]:
        outputs = np.zeros(len(table.expected))
        add_outputs(row[0], table.nodes, table.roots, table.target, leaves, outputs)
        return {"raw": outputs[None, :].astype(np.float32)}

    return walked


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


def _by_replacement(bundle: Bundle, session: Any) -> Explainer:
    """Return an explainer for graphs that say nothing of their inputs, such as networks.

    The share of an input is how much lower the score were if it alone had its usual value (occlusion: Zeiler and
    Fergus, ECCV 2014). It takes one run of the graph per input.
    """
    features, inputs = bundle.manifest.features, bundle.manifest.inputs
    usual = np.array([features[position].usual for position in inputs], dtype=np.float32)

    def explain(row: Float32, outputs: Mapping[str, Float32]) -> Float64:
        score = float(outputs["score"][0, 0])
        shares = np.zeros(row.shape[1])
        for i in range(row.shape[1]):
            without = row.copy()
            without[0, i] = usual[i]
            shares[i] = score - float(session.run(["score"], {"x": without})[0][0, 0])
        return np.nan_to_num(shares, nan=0.0, posinf=0.0, neginf=0.0)

    return explain


def _parts(features: Float32, outputs: Mapping[str, Float32]) -> Float64:
    """The graph itself gives the parts of its score."""
    del features
    shares: Float64 = outputs["parts"][0].astype(np.float64)
    return shares
