"""An MLflow model directory: what kind of file it wraps, as its ``MLmodel`` says, and the names of its inputs.

MLflow itself is not needed. Where a flavour keeps its model as data (ONNX, or a tree file), that file is read; where it
keeps a pickle, it is a pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lineside.domain.errors import DataError

DESCRIPTION: Final = "MLmodel"
_DATA: Final = {"onnx": "data", "lightgbm": "data", "xgboost": "data", "catboost": "data"}
_PICKLED: Final = {"sklearn": "pickled_model"}


@dataclass(frozen=True, kw_only=True, slots=True)
class MlflowModel:
    """The file that an MLflow directory wraps, whether it is a pickle, and its inputs (none: not said)."""

    path: Path
    pickled: bool
    inputs: tuple[str, ...]


def read_mlflow(folder: Path) -> MlflowModel:
    """Return what an MLflow model directory wraps.

    Raises:
        DataError: its description cannot be read, or it has no flavour that can be adopted.
    """
    try:
        said: Any = YAML(typ="safe", pure=True).load((folder / DESCRIPTION).read_text(encoding="utf-8"))
        flavours = dict(said["flavors"])
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            "the MLflow model's description cannot be read", field="MODEL", value=str(folder / DESCRIPTION)
        ) from error
    for flavour, key in {**_DATA, **_PICKLED}.items():
        if flavour in flavours:
            path = _within(folder, str(flavours[flavour].get(key, "")))
            return MlflowModel(path=path, pickled=flavour in _PICKLED, inputs=_inputs(said))
    raise DataError(
        "an MLflow model of this flavour is not adopted",
        field="MODEL",
        value=sorted(flavours),
        choices=(*_DATA, *_PICKLED),
        next_step="log it once more with mlflow.onnx or as scikit-learn, or bring it as a Python class",
    )


def _within(folder: Path, name: str) -> Path:
    """Return the file of that name; a folder of one file is that file.

    Raises:
        DataError: it is not within the model's folder, or not there.
    """
    path = (folder / name).resolve()
    if path.is_dir():
        path = next((item for item in sorted(path.rglob("*.onnx"))), path)
    if not name or folder.resolve() not in path.parents or not path.is_file():
        raise DataError("the MLflow model's file is not there", field="MODEL", value=name or None)
    return path


def _inputs(said: Mapping[str, Any]) -> tuple[str, ...]:
    signature = said.get("signature")
    try:
        found = json.loads(signature["inputs"]) if signature else []
        return tuple(str(item["name"]) for item in found if "name" in item)
    except (KeyError, TypeError, ValueError):
        return ()
