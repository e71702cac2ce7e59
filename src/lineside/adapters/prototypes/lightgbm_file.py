"""A LightGBM model file (text): its trees, its inputs' names, and the settings that it was learned with."""

from __future__ import annotations

from typing import Any, Final

import lightgbm
import numpy as np

from lineside.domain.errors import DataError
from lineside.learn.brought_trees import RawTree, raw_answers, tree_model
from lineside.learn.prototype import Nature, Prototype

KIND: Final = "lightgbm"
_ABOUT_ZERO: Final = 1e-35
_RAW_AS_RANKED: Final = frozenset(
    [
        "binary",
        "multiclass",
        "multiclassova",
        "regression",
        "regression_l1",
        "huber",
        "fair",
        "quantile",
        "cross_entropy",
        "mape",
        "custom",
    ]
)
"""Objectives whose raw sums are log-odds or values, or at least rise with them."""


def read_lightgbm(data: bytes) -> Prototype:
    """Return the prototype that a LightGBM text file holds.

    Raises:
        DataError: it is none, or uses what no gateway can walk: categories, linear leaves, gaps told as zero.
    """
    try:
        booster = lightgbm.Booster(model_str=data.decode())
        dump = booster.dump_model()
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError, ValueError) as error:
        raise DataError(
            f"the LightGBM file cannot be read: {error}",
            field="MODEL",
            next_step="save it with booster.save_model('model.txt')",
        ) from error
    outputs = int(dump["num_tree_per_iteration"])
    objective = str(dump.get("objective", "custom")).split()[0]
    _check_objective(objective)
    share = 1.0 / max(len(dump["tree_info"]) // outputs, 1) if dump.get("average_output") else 1.0
    trees = [_tree(item, number % outputs, share) for number, item in enumerate(dump["tree_info"])]
    model = tree_model(trees, outputs, np.zeros(outputs), counted=True)
    return Prototype(
        kind=KIND,
        label=f"LightGBM model ({objective}, {len(trees)} trees)",
        inputs=tuple(dump["feature_names"]),
        outputs=outputs,
        raw=lambda rows: raw_answers(model, rows),
        size=len(data),
        nature=Nature.TREES,
        trees=model,
        settings=_settings(data.decode(), len(trees) // outputs),
    )


def _check_objective(objective: str) -> None:
    if objective not in _RAW_AS_RANKED:
        raise DataError(
            "models of this objective are not adopted",
            field="objective",
            value=objective,
            choices=sorted(_RAW_AS_RANKED),
            next_step="train with one of these, or bring the model as a Python class",
        )


def _tree(item: dict[str, Any], target: int, share: float) -> RawTree:
    splits: list[tuple[int, float, int, int, int]] = []
    leaves: list[tuple[float, float]] = []
    root = item["tree_structure"]
    if "leaf_coeff" in root:
        raise _refused("linear_tree", "true", "train with linear_tree=false")
    _add(root, splits, leaves)
    columns = np.array(splits, dtype=np.float64).reshape(-1, 5)
    values = np.array(leaves, dtype=np.float64)
    return RawTree(
        feature=columns[:, 0].astype(np.int64),
        threshold=columns[:, 1],
        missing_left=columns[:, 2].astype(np.int64),
        left=columns[:, 3].astype(np.int64),
        right=columns[:, 4].astype(np.int64),
        value=values[:, 0] * share,
        count=values[:, 1],
        target=target,
    )


def _add(
    node: dict[str, Any], splits: list[tuple[int, float, int, int, int]], leaves: list[tuple[float, float]]
) -> int:
    """Add a node and all below it; return its place, below 0 for a leaf."""
    if "split_feature" not in node:
        if "leaf_coeff" in node:
            raise _refused("linear_tree", "true", "train with linear_tree=false")
        leaves.append((float(node["leaf_value"]), float(node.get("leaf_count", 0))))
        return -len(leaves)
    place = len(splits)
    splits.append((0, 0.0, 0, 0, 0))
    left = _add(node["left_child"], splits, leaves)
    right = _add(node["right_child"], splits, leaves)
    if node["decision_type"] != "<=":
        raise _refused("decision_type", node["decision_type"], "encode categories as numbers before training")
    threshold = float(node["threshold"])
    splits[place] = (int(node["split_feature"]), threshold, _missing_left(node, threshold), left, right)
    return place


def _missing_left(node: dict[str, Any], threshold: float) -> int:
    kind = node["missing_type"]
    if kind == "NaN":
        return int(node["default_left"])
    if kind == "Zero" and bool(node["default_left"]) != (threshold >= _ABOUT_ZERO):
        raise _refused("zero_as_missing", "true", "train with zero_as_missing=false")
    return int(threshold >= 0.0)


def _refused(field: str, value: object, next_step: str) -> DataError:
    return DataError("a LightGBM model of this kind is not adopted", field=field, value=value, next_step=next_step)


def _settings(text: str, rounds: int) -> dict[str, object]:
    """Return the settings that the file states, and its number of rounds."""
    found: dict[str, object] = {}
    _, _, behind = text.partition("\nparameters:")
    for line in behind.splitlines():
        name, separator, value = line.strip().removeprefix("[").removesuffix("]").partition(": ")
        if separator:
            found[name] = _number(value)
    return {**found, "rounds": rounds}


def _number(text: str) -> object:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text and "e" not in text else number
