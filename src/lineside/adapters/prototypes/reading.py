"""Which reader a prototype is for: by what it is, not by what it is called.

Trees and ONNX graphs are data and read here. Whatever is code when it is loaded (a Python class, an estimator) is only
ever loaded in a child process that is shut in; pickles not even there unless they are trusted by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lineside.adapters.child_process import Limits
from lineside.adapters.prototypes.catboost_file import is_catboost, read_catboost
from lineside.adapters.prototypes.code_model import LIMITS, CodeModel, read_code
from lineside.adapters.prototypes.lightgbm_file import read_lightgbm
from lineside.adapters.prototypes.mlflow_folder import DESCRIPTION, read_mlflow
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
_PICKLES: Final = frozenset({".pkl", ".pickle", ".joblib", ".sav"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """How a prototype is read.

    ``features`` are the plan's, which a class that names no inputs gets; ``classes`` what a recipe is asked to tell
    apart (0: a value). ``trust_pickle`` allows pickles, in the child alone; ``limits`` are those of the child.
    """

    features: tuple[str, ...] = ()
    classes: int = 2
    trust_pickle: bool = False
    limits: Limits = LIMITS


def read_prototype(model: str, options: ReadOptions) -> Prototype:
    """Return the prototype at a path, or ``file.py:Class``.

    Raises:
        InputError: there is none, or it is of a form that is not adopted.
        IntegrityError: an ONNX graph holds what no gateway may load.
        ConfigurationError: what it needs is not installed.
    """
    path = Path(model)
    if (path / DESCRIPTION).is_file():
        return _read_mlflow(path, options)
    name, separator, of_class = model.rpartition(":")
    if separator and name.endswith(".py"):
        return _in_child("python", Path(name), options, of_class)
    return _read_file(path, options)


def file_of(model: str) -> Path:
    """Return the file behind what was named, without a class; an MLflow directory's description."""
    path = Path(model)
    if (path / DESCRIPTION).is_file():
        return path / DESCRIPTION
    name, separator, _ = model.rpartition(":")
    return Path(name) if separator and name.endswith(".py") else path


def _read_file(path: Path, options: ReadOptions) -> Prototype:
    data = _bytes_of(path)
    if path.suffix in _NOT_YET:
        raise _unknown(path, _NOT_YET[path.suffix])
    if path.suffix in _PICKLES:
        return _pickle(path, options)
    if path.suffix == ".py":
        raise _unknown(path, f"name the class in it: {path.name}:Class")
    if path.suffix == ".skops":
        return _in_child("skops", path, options)
    if path.suffix == ".onnx":
        return read_onnx(data)
    return _read_trees(path, data)


def _read_trees(path: Path, data: bytes) -> Prototype:
    if data.lstrip()[:4] == b"tree":
        return read_lightgbm(data)
    content = parse(data) if data.lstrip()[:1] == b"{" else None
    if isinstance(content, dict) and is_xgboost(content):
        return read_xgboost(content, len(data))
    if isinstance(content, dict) and is_catboost(content):
        return read_catboost(content, len(data))
    raise _unknown(path, "save it in one of these forms")


def _read_mlflow(folder: Path, options: ReadOptions) -> Prototype:
    found = read_mlflow(folder)
    prototype = _pickle(found.path, options) if found.pickled else _read_file(found.path, options)
    named = found.inputs if len(found.inputs) == len(prototype.inputs) else prototype.inputs
    return replace(prototype, inputs=named, label=f"{prototype.label}, from MLflow")


def _pickle(path: Path, options: ReadOptions) -> Prototype:
    if not options.trust_pickle:
        raise InputError(
            "a pickle runs whatever its maker wrote when it is loaded, and is not",
            field="MODEL",
            value=path.name,
            choices=FORMS,
            next_step="save it with skops, export it to ONNX, or say --trust-pickle if you know who made it",
        )
    return _in_child("pickle", path, options)


def _in_child(kind: str, path: Path, options: ReadOptions, name: str = "") -> Prototype:
    _bytes_of(path)
    model = CodeModel(kind=kind, path=path, name=name, limits=options.limits)
    return read_code(model, options.features, options.classes)


def _bytes_of(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            most = (f"at most {MOST_BYTES} bytes",)
            raise DataError("the model is too large", where=str(path), value=size, choices=most)
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the model cannot be read: {error.strerror}",
            field="MODEL",
            value=str(path),
            choices=FORMS,
            next_step="check the path",
        ) from error


def _unknown(path: Path, next_step: str) -> InputError:
    return InputError(
        "not a model that can be adopted", field="MODEL", value=path.name, choices=FORMS, next_step=next_step
    )
