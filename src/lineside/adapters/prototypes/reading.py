"""Which reader a prototype is for: by what it is, not by what it is called.

Trees and ONNX graphs are data and read here. Whatever is code when it is loaded (a Python class, an estimator, an
MLflow model) is only ever loaded in a child process with limits; pickles not even there unless they are trusted by
name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.adapters.prototypes.catboost_file import is_catboost, read_catboost
from lineside.adapters.prototypes.lightgbm_file import read_lightgbm
from lineside.adapters.prototypes.onnx_file import read_onnx
from lineside.adapters.prototypes.xgboost_file import is_xgboost, parse, read_xgboost
from lineside.domain.errors import DataError, InputError
from lineside.learn.prototype import Prototype

MOST_BYTES: Final = 512 << 20
FORMS: Final = (
    "ONNX (.onnx)",
    "LightGBM (.txt)",
    "XGBoost (.json)",
    "CatBoost (.json)",
    "scikit-learn through skops (.skops)",
    "an MLflow model directory",
    "a Python class (file.py:Class)",
)
_NOT_YET: Final = {
    ".cbm": "save it as JSON: model.save_model('model.json', format='json')",
    ".ubj": "save it as JSON: booster.save_model('model.json')",
    ".bst": "save it as JSON: booster.save_model('model.json')",
    ".pt": "export it: torch.onnx.export(...)",
    ".pth": "export it: torch.onnx.export(...)",
    ".h5": "export it with tf2onnx",
    ".keras": "export it with tf2onnx",
    ".pmml": "export it to ONNX",
}
"""Files that are known for what they are, and how to bring what is in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """``trust_pickle`` allows pickles, in the child alone."""

    trust_pickle: bool = False


def read_prototype(model: str, options: ReadOptions = ReadOptions()) -> Prototype:
    """Return the prototype at a path, or ``file.py:Class``.

    Raises:
        InputError: there is none, or it is of a form that is not adopted.
        IntegrityError: an ONNX graph holds what no gateway may load.
    """
    del options
    return _read_file(Path(model))


def _read_file(path: Path) -> Prototype:
    data = _bytes_of(path)
    if path.suffix in _NOT_YET:
        raise _unknown(path, _NOT_YET[path.suffix])
    if data.lstrip()[:4] == b"tree":
        return read_lightgbm(data)
    content = parse(data) if data.lstrip()[:1] == b"{" else None
    if isinstance(content, dict) and is_xgboost(content):
        return read_xgboost(content, len(data))
    if isinstance(content, dict) and is_catboost(content):
        return read_catboost(content, len(data))
    if path.suffix == ".onnx":
        return read_onnx(data)
    raise _unknown(path, "save it in one of these forms")


def _bytes_of(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise DataError(
                "the model is too large", where=str(path), value=size, choices=(f"at most {MOST_BYTES} bytes",)
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the model cannot be read: {error.strerror}", field="MODEL", value=str(path), next_step="check the path"
        ) from error


def _unknown(path: Path, next_step: str) -> InputError:
    return InputError(
        "not a model that can be adopted", field="MODEL", value=path.name, choices=FORMS, next_step=next_step
    )
