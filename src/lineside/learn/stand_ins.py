"""A model of the same kind as a frozen prototype, learned here: what its recipe would do, as far as one can tell.

A frozen file cannot be learned again, and re-scoring rows that it has seen shows how well it remembers. The stand-in
shows what the *split* does to a model of that kind. It is not the prototype, and is named as what it is everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lineside.domain.readings import Float64
from lineside.learn.prototype import Float32, Nature, Prototype, Refit

_TAKEN: Final = frozenset(
    {
        "boosting", "bagging_fraction", "bagging_freq", "feature_fraction", "feature_fraction_bynode", "lambda_l1",
        "lambda_l2", "learning_rate", "max_bin", "max_depth", "min_data_in_leaf", "min_gain_to_split",
        "min_sum_hessian_in_leaf", "num_leaves", "path_smooth", "scale_pos_weight", "is_unbalance", "extra_trees",
    }
)  # fmt: skip
"""Settings of a LightGBM file that its stand-in takes over; those about files and machines mean nothing here."""
_SWITCHES: Final = frozenset({"is_unbalance", "extra_trees"})
MOST_ROUNDS: Final = 1_000
_TINY: Final = 1e-6


def stand_in(prototype: Prototype, classes: int, seed: int) -> tuple[Refit, str]:
    """Return what learns a stand-in, and in words what it is; ``classes`` is 0 for a variable."""
    if prototype.nature == Nature.LINEAR:
        linear = LogisticRegression(max_iter=500) if classes else Ridge()
        return _pipeline(linear, classes), "a linear model on standardised inputs"
    if prototype.nature == Nature.NETWORK:
        settings: dict[str, Any] = {"hidden_layer_sizes": (32,), "max_iter": 200, "random_state": seed}
        network = (MLPClassifier if classes else MLPRegressor)(**settings)
        return _pipeline(network, classes), "a small neural network"
    rounds, settings = boosting_settings(prototype.settings)
    words = (
        f"boosted trees ({rounds} rounds, {settings['num_leaves']} leaves, learning rate {settings['learning_rate']:g})"
    )
    return _boosted(rounds, settings, classes, seed), words


def boosting_settings(given: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
    """Return rounds and LightGBM settings: what is given of them, else LightGBM's own defaults."""
    chosen = {name: bool(value) if name in _SWITCHES else value for name, value in given.items() if name in _TAKEN}
    rounds = int(str(given.get("rounds", 100)))
    return min(max(rounds, 1), MOST_ROUNDS), {"num_leaves": 31, "learning_rate": 0.1, **chosen}


def _boosted(rounds: int, settings: Mapping[str, Any], classes: int, seed: int) -> Refit:
    objective: dict[str, Any] = {"objective": "regression"}
    if classes == 2:
        objective = {"objective": "binary"}
    elif classes > 2:
        objective = {"objective": "multiclass", "num_class": classes}
    fixed = {"deterministic": True, "force_row_wise": True, "verbosity": -1, "num_threads": 1, "seed": seed}

    def refit(rows: Float32, label: Float64, later: Float32) -> Float64:
        whole = {**settings, **objective, **fixed}
        data = lightgbm.Dataset(rows, label, params=whole, free_raw_data=True)
        booster = lightgbm.train(whole, data, num_boost_round=rounds)
        return np.asarray(booster.predict(later, raw_score=True), dtype=np.float64).reshape(len(later), -1)

    return refit


def _pipeline(estimator: Any, classes: int) -> Refit:
    def refit(rows: Float32, label: Float64, later: Float32) -> Float64:
        usual = np.nan_to_num(np.nanmedian(rows, axis=0))
        model = make_pipeline(StandardScaler(), estimator)
        model.fit(np.where(np.isnan(rows), usual, rows), label)
        filled = np.where(np.isnan(later), usual, later)
        if not hasattr(model, "predict_proba"):
            return np.asarray(model.predict(filled), dtype=np.float64).reshape(len(later), 1)
        probability = np.zeros((len(later), classes))
        probability[:, model.classes_.astype(np.int64)] = model.predict_proba(filled)
        return as_raw(probability)

    return refit


def as_raw(probability: Float64) -> Float64:
    """Return probabilities ``(n, classes)`` as raw answers: log-odds of class 1 of two, else logarithms per class."""
    held = np.clip(np.asarray(probability, dtype=np.float64), _TINY, 1.0 - _TINY)
    if held.shape[1] == 2:
        return np.log(held[:, 1:] / (1.0 - held[:, 1:]))
    return np.log(held)
