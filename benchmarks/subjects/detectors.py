"""Detectors of other projects, run in an environment of their own: `python detectors.py IN.npz OUT.npz`.

``IN`` holds, per task ``k``, ``learn_k``, ``limit_k`` and ``judge_k``, rows of features. ``OUT`` gets, per method and
task, the scores of the limit and judged rows, greater meaning less usual, and the versions used. Every detector has its
defaults; rows are standardised by those learned from. For tasks with ``label_k`` classifiers with their defaults give
the probability of each class for the judged rows.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pyod
import sklearn
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.knn import KNN
from pyod.models.loda import LODA
from pyod.models.mcd import MCD
from pyod.models.pca import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

Array = np.ndarray[Any, np.dtype[np.float64]]


def _of_pyod(make: Callable[[], Any]) -> Callable[[Array, Array], Array]:
    def scores(learn: Array, rows: Array) -> Array:
        return np.asarray(make().fit(learn).decision_function(rows), dtype=np.float64)

    return scores


def _of_sklearn(make: Callable[[], Any]) -> Callable[[Array, Array], Array]:
    def scores(learn: Array, rows: Array) -> Array:
        return -np.asarray(make().fit(learn).score_samples(rows), dtype=np.float64)

    return scores


DETECTORS = {
    "PyOD ECOD": _of_pyod(ECOD),
    "PyOD COPOD": _of_pyod(COPOD),
    "PyOD HBOS": _of_pyod(HBOS),
    "PyOD kNN": _of_pyod(KNN),
    "PyOD LODA": _of_pyod(LODA),
    "PyOD MCD": _of_pyod(lambda: MCD(random_state=0)),
    "PyOD PCA": _of_pyod(lambda: PCA(random_state=0)),
    "scikit-learn IsolationForest": _of_sklearn(lambda: IsolationForest(random_state=0)),
    "scikit-learn OneClassSVM": _of_sklearn(OneClassSVM),
    "scikit-learn LOF": _of_sklearn(lambda: LocalOutlierFactor(novelty=True)),
}
CLASSIFIERS = {
    "scikit-learn RandomForest": lambda: RandomForestClassifier(random_state=0),
    "LightGBM": lambda: lightgbm.LGBMClassifier(random_state=0, verbosity=-1, n_jobs=1),
}


def detect(data: dict[str, Array]) -> dict[str, Array]:
    """Return the scores of every detector for every task without labels."""
    result = {}
    for task in sorted(name[6:] for name in data if name.startswith("judge_") and f"label_{name[6:]}" not in data):
        learn = data[f"learn_{task}"]
        centre, scale = learn.mean(axis=0), np.maximum(learn.std(axis=0), 1e-9)
        rows = (np.concatenate([data[f"limit_{task}"], data[f"judge_{task}"]]) - centre) / scale
        for name, scores in DETECTORS.items():
            np.random.seed(0)  # noqa: NPY002 - LODA draws from the global generator
            try:
                result[f"{name}|{task}"] = scores((learn - centre) / scale, rows)
            except (ValueError, IndexError, np.linalg.LinAlgError) as error:
                print(f"{name} on {task}: {error}", file=sys.stderr)
    return result


def classify(data: dict[str, Array]) -> dict[str, Array]:
    """Return the probabilities of every classifier for every task with labels."""
    result = {}
    for task in sorted(name[6:] for name in data if name.startswith("label_")):
        for name, make in CLASSIFIERS.items():
            learned = make().fit(data[f"learn_{task}"], data[f"label_{task}"].astype(int))
            result[f"{name}|{task}"] = learned.predict_proba(data[f"judge_{task}"])
    return result


def main() -> None:
    """Read the tasks, run everything, write the scores."""
    warnings.filterwarnings("ignore")
    data = dict(np.load(sys.argv[1]))
    versions = f"pyod {pyod.__version__}, scikit-learn {sklearn.__version__}, lightgbm {lightgbm.__version__}"
    np.savez(sys.argv[2], versions=np.array(versions), **detect(data), **classify(data))


if __name__ == "__main__":
    main()
