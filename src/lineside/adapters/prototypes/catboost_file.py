"""A CatBoost model file in JSON: its symmetric trees as binary trees, walked exactly, without CatBoost.

The form is that of ``save_model(format="json")``. In a symmetric tree all splits of one level ask the same question,
*is the value above the border?*; split ``i`` gives bit ``i`` of the leaf's number. Leaves of several classes stand
side by side. What is missing goes as the feature's ``nan_value_treatment`` says.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lineside.domain.errors import DataError
from lineside.learn.brought_trees import RawTree, raw_answers, tree_model
from lineside.learn.prototype import Nature, Prototype

KIND: Final = "catboost"
_LOSSES: Final = frozenset({"Logloss", "CrossEntropy", "MultiClass", "RMSE", "MAE", "Quantile", "Huber"})


def is_catboost(content: object) -> bool:
    """Return whether parsed JSON is a CatBoost model."""
    return isinstance(content, dict) and "features_info" in content


def read_catboost(content: dict[str, Any], size: int) -> Prototype:
    """Return the prototype that a CatBoost JSON file holds.

    Raises:
        DataError: it is of another form, or uses what no gateway can walk: categories, texts, asymmetric trees.
    """
    try:
        return _read(content, size)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"the CatBoost file is of another form: {type(error).__name__} {error}",
            field="MODEL",
            next_step="save it with model.save_model('model.json', format='json')",
        ) from error


def _read(content: dict[str, Any], size: int) -> Prototype:
    info = content["features_info"]
    for kind in ("categorical_features", "text_features", "embedding_features"):
        if info.get(kind):
            raise _refused(kind, len(info[kind]), ("float_features",))
    if "oblivious_trees" not in content:
        raise _refused("grow_policy", "asymmetric", ("SymmetricTree",))
    loss = _loss(content)
    features = sorted(info["float_features"], key=lambda item: int(item["flat_feature_index"]))
    missing_above = {int(f["feature_index"]): f.get("nan_value_treatment") == "AsTrue" for f in features}
    flat = {int(f["feature_index"]): int(f["flat_feature_index"]) for f in features}
    scale, bias = content.get("scale_and_bias", [1.0, [0.0]])
    outputs = len(content["oblivious_trees"][0]["leaf_values"]) // len(content["oblivious_trees"][0]["leaf_weights"])
    trees = [
        tree for item in content["oblivious_trees"] for tree in _trees(item, outputs, float(scale), missing_above, flat)
    ]
    start = np.resize(np.atleast_1d(np.asarray(bias, dtype=np.float64)), outputs)
    made = tree_model(trees, outputs, start, counted=True)
    depth = max(len(item["splits"]) for item in content["oblivious_trees"])
    return Prototype(
        kind=KIND,
        label=f"CatBoost model ({loss}, {len(content['oblivious_trees'])} trees)",
        inputs=tuple(str(f.get("feature_id") or f["flat_feature_index"]) for f in features),
        outputs=outputs,
        raw=lambda rows: raw_answers(made, rows),
        size=size,
        nature=Nature.TREES,
        trees=made,
        settings={"rounds": len(content["oblivious_trees"]), "num_leaves": 2**depth, "max_depth": depth},
    )


def _loss(content: dict[str, Any]) -> str:
    found = content.get("model_info", {}).get("params", {})
    loss = found.get("loss_function", {}).get("type", "Logloss") if isinstance(found, dict) else "Logloss"
    if loss not in _LOSSES:
        raise _refused("loss_function", loss, sorted(_LOSSES))
    return str(loss)


def _trees(
    item: dict[str, Any], outputs: int, scale: float, missing_above: dict[int, bool], flat: dict[int, int]
) -> list[RawTree]:
    """Return a symmetric tree as one binary tree per output: level ``d - 1`` of the bits first."""
    splits = list(reversed(item["splits"] or []))
    depth = len(splits)
    levels = [level for level in range(depth) for _ in range(2**level)]
    features = [int(split["float_feature_index"]) for split in splits]
    inner = 2**depth - 1
    children = 2 * np.arange(inner)[:, None] + np.array([1, 2])
    sides = np.where(children < inner, children, inner - 1 - children)  # leaf k of the last level is -1 - k
    values = np.array(item["leaf_values"], dtype=np.float64).reshape(-1, outputs) * scale
    return [
        RawTree(
            feature=np.array([flat[features[level]] for level in levels], dtype=np.int64),
            threshold=np.array([float(np.float32(splits[level]["border"])) for level in levels], dtype=np.float64),
            missing_left=np.array([int(not missing_above[features[level]]) for level in levels], dtype=np.int64),
            left=sides[:, 0].astype(np.int64),
            right=sides[:, 1].astype(np.int64),
            value=values[:, output],
            count=np.array(item["leaf_weights"], dtype=np.float64),
            target=output,
        )
        for output in range(outputs)
    ]


def _refused(field: str, value: object, choices: Any) -> DataError:
    return DataError(
        "a CatBoost model of this kind is not adopted",
        field=field,
        value=value,
        choices=choices,
        next_step="bring it as a Python class with predict",
    )
