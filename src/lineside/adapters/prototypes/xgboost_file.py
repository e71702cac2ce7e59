"""An XGBoost model file in JSON: its trees, walked exactly as XGBoost walks them, without XGBoost.

The form is that of XGBoost's "model schema" (xgboost.readthedocs.io, tutorials/saving_model), versions 1.0 to 3.
XGBoost goes left where a float32 value is *below* the condition; Lineside where it is not above the threshold: the
next float32 below the condition is the same border.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

import numpy as np

from lineside.domain.errors import DataError
from lineside.learn.brought_trees import RawTree, raw_answers, tree_model
from lineside.learn.prototype import Nature, Prototype

KIND: Final = "xgboost"
_LOGISTIC: Final = frozenset({"binary:logistic", "reg:logistic", "binary:logitraw"})
_PLAIN: Final = frozenset(
    {"reg:squarederror", "reg:linear", "reg:absoluteerror", "reg:pseudohubererror", "multi:softprob", "multi:softmax"}
)


def is_xgboost(content: object) -> bool:
    """Return whether parsed JSON is an XGBoost model."""
    return isinstance(content, dict) and "learner" in content


def read_xgboost(content: dict[str, Any], size: int) -> Prototype:
    """Return the prototype that an XGBoost JSON file holds.

    Raises:
        DataError: it is of another form, or uses what no gateway can walk: categories, other boosters than trees.
    """
    try:
        return _read(content, size)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"the XGBoost file is of another form: {type(error).__name__} {error}",
            field="MODEL",
            next_step="save it with booster.save_model('model.json')",
        ) from error


def _read(content: dict[str, Any], size: int) -> Prototype:
    learner = content["learner"]
    booster, objective = learner["gradient_booster"], str(learner["objective"]["name"])
    if booster["name"] not in {"gbtree", "dart"}:
        raise _refused("booster", booster["name"], ("gbtree", "dart"))
    if objective not in _LOGISTIC | _PLAIN:
        raise _refused("objective", objective, sorted(_LOGISTIC | _PLAIN))
    weights = booster.get("weight_drop")
    model = (booster["gbtree"] if booster["name"] == "dart" else booster)["model"]
    parameters = learner["learner_model_param"]
    outputs = max(int(parameters.get("num_class", 0)), 1)
    trees = [
        _tree(item, int(target), 1.0 if weights is None else float(weights[number]))
        for number, (item, target) in enumerate(zip(model["trees"], model["tree_info"], strict=True))
    ]
    width = int(parameters["num_feature"])
    made = tree_model(trees, outputs, _start(parameters["base_score"], outputs, objective), counted=False)
    names = tuple(learner.get("feature_names") or [f"f{i}" for i in range(width)])
    return Prototype(
        kind=KIND,
        label=f"XGBoost model ({objective}, {len(trees)} trees)",
        inputs=names,
        outputs=outputs,
        raw=lambda rows: raw_answers(made, rows),
        size=size,
        nature=Nature.TREES,
        trees=made,
        settings={"rounds": len(trees) // outputs, "num_leaves": max(len(tree.value) for tree in trees)},
    )


def _start(text: str, outputs: int, objective: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what the trees are added to: the base score, before the link function; one for all or one per class."""
    numbers = [float(item) for item in re.findall(r"[-+0-9.eE]+", str(text))]
    if objective in _LOGISTIC - {"binary:logitraw"}:
        numbers = [math.log(item / (1.0 - item)) for item in numbers]
    return np.array(numbers * outputs if len(numbers) == 1 else numbers, dtype=np.float64)


def _tree(item: dict[str, Any], target: int, weight: float) -> RawTree:
    """Return one tree: nodes with a left child are splits, the others leaves."""
    if any(item.get("split_type", [])) or item.get("categories_nodes"):
        raise _refused("split_type", "categorical", ("numerical",))
    left, right = np.array(item["left_children"]), np.array(item["right_children"])
    split = left >= 0
    place = np.where(split, np.cumsum(split) - 1, 0 - np.cumsum(~split))
    condition = np.array(item["split_conditions"], dtype=np.float32)
    border = np.nextafter(condition[split], np.float32(-np.inf))
    return RawTree(
        feature=np.array(item["split_indices"], dtype=np.int64)[split],
        threshold=border.astype(np.float64),
        missing_left=np.array(item["default_left"], dtype=np.int64)[split],
        left=place[left[split]].astype(np.int64),
        right=place[right[split]].astype(np.int64),
        value=condition[~split].astype(np.float64) * weight,
        count=np.array(item["sum_hessian"], dtype=np.float64)[~split],
        target=target,
    )


def _refused(field: str, value: object, choices: Any) -> DataError:
    return DataError(
        "an XGBoost model of this kind is not adopted",
        field=field,
        value=value,
        choices=choices,
        next_step="bring it as a Python class with predict",
    )


def parse(data: bytes) -> object:
    """Return JSON as Python values, None where the bytes are no JSON."""
    try:
        return json.loads(data)
    except (ValueError, UnicodeDecodeError):
        return None
