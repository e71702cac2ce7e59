"""Prototypes that are code when they are loaded, each question put to a child process that is shut in and limited.

The child (`lineside.adapters.prototypes.limited`) is run by its path, in Python's isolated mode and with an
environment of its own, so that neither settings nor secrets of this process reach it. What it may not do, it finds
refused by the kernel.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from lineside.adapters.child_process import Ended, Limits, run_limited
from lineside.domain.errors import ConfigurationError, DataError, LinesideError
from lineside.domain.readings import Float64
from lineside.learn.prototype import Float32, Nature, Prototype

LIMITS: Final = Limits(cpu=300, seconds=600.0, memory=6 << 30, file=0)
"""Of one question: learning the recipe once, or answering for all parts."""
_SCRIPT: Final = Path(__file__).with_name("limited.py")
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL")
_LINEAR: Final = (
    "LogisticRegression",
    "LinearRegression",
    "Ridge",
    "Lasso",
    "ElasticNet",
    "LinearSVC",
    "SGDClassifier",
)
_PACKAGES: Final = {"sklearn": "scikit-learn"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeModel:
    """A model that is loaded in the child alone: a ``python`` class (``name`` in the file), ``skops`` or ``pickle``."""

    kind: str
    path: Path
    name: str = ""
    limits: Limits = LIMITS

    def ask(self, task: str, arrays: Sequence[Any], **more: object) -> tuple[dict[str, Any], list[Float64]]:
        """Put a question to the child.

        Raises:
            DataError: the model cannot be loaded, does not answer, or takes more than it may.
            ConfigurationError: a library that it needs is not installed, or this system cannot shut it in.
        """
        request = {"task": task, "kind": self.kind, "path": str(self.path.resolve()), "name": self.name, **more}
        ended = asyncio.run(run_limited(self._command(), _message(request, arrays), self.limits, _environment()))
        if ended.why:
            raise self._refused(f"in its limited process {ended.why}{_last_words(ended)}")
        try:
            said, given = _read(ended.output)
        except (ValueError, struct.error, msgspec.MsgspecError) as error:
            raise self._refused("its limited process said nothing of use") from error
        if "problem" in said:
            raise self._problem(said)
        return said, given

    def _command(self) -> list[str]:
        return [sys.executable, "-I", "-B", str(_SCRIPT)]

    def _problem(self, said: dict[str, Any]) -> LinesideError:
        missing = str(said.get("missing") or "").split(".")[0]
        if missing:
            return ConfigurationError(
                "the prototype needs a library that is not installed",
                field="MODEL",
                value=missing,
                next_step=f"pip install {_PACKAGES.get(missing, missing)}, or export the model to ONNX",
            )
        if str(said["problem"]).startswith("this system"):
            return ConfigurationError(said["problem"], field="MODEL", next_step="export the model to ONNX")
        return self._refused(str(said["problem"]))

    def _refused(self, problem: str) -> DataError:
        return DataError(
            f"the prototype cannot be tried: {problem}",
            field="MODEL",
            value=self.path.name,
            next_step="it may read files, not write, not use the network, not start processes: else export it to ONNX",
        )


def read_code(model: CodeModel, features: tuple[str, ...], classes: int) -> Prototype:
    """Return the prototype that a model is, as the child describes it.

    Args:
        model: where it is.
        features: the plan's features, which a class that names no inputs gets.
        classes: how many classes a recipe is asked to tell apart, 0 for a value.

    Raises:
        DataError: it has no ``predict``, or cannot be loaded.
    """
    said, _ = model.ask("describe", [])
    if not said["predicts"]:
        raise model._refused("it has no predict")  # noqa: SLF001 - worded alike
    width = said["width"] or len(features)
    names = tuple(said["inputs"]) or (features if width == len(features) else tuple(f"input_{i}" for i in range(width)))
    fitted = _is_fitted(model, len(names))
    if not fitted and not said["fits"]:
        raise model._refused("it neither answers nor has a fit to learn by")  # noqa: SLF001 - worded alike
    return Prototype(
        kind=model.kind,
        label=f"{said['class']} ({_WORDS[model.kind]})",
        inputs=names,
        outputs=_outputs(model, len(names)) if fitted else 1,
        raw=lambda rows: model.ask("answer", [rows])[1][0],
        size=model.path.stat().st_size,
        nature=Nature.LINEAR if said["class"].startswith(_LINEAR) else Nature.OTHER,
        refit=_recipe(model, classes) if said["fits"] else None,
        slow=True,
        fitted=fitted,
        timed=lambda rows: [float(item) for item in model.ask("answer", [rows])[0]["taken"]],
    )


_WORDS: Final = {"python": "a Python class", "skops": "scikit-learn, through skops", "pickle": "from a trusted pickle"}


def _recipe(model: CodeModel, classes: int) -> Any:
    def refit(rows: Float32, label: Float64, later: Float32) -> Float64:
        return model.ask("refit", [rows, label.reshape(-1, 1), later], classes=classes)[1][0]

    return refit


def _is_fitted(model: CodeModel, width: int) -> bool:
    try:
        model.ask("answer", [np.zeros((2, width), dtype=np.float32)])
    except DataError:
        return False
    return True


def _outputs(model: CodeModel, width: int) -> int:
    given = model.ask("answer", [np.zeros((2, width), dtype=np.float32)])[1][0]
    return int(given.shape[1])


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "JOBLIB_MULTIPROCESSING": "0", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}


def _last_words(ended: Ended) -> str:
    lines = ended.errors.decode(errors="replace").strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""


def _message(said: dict[str, object], arrays: Sequence[Any]) -> bytes:
    plain = [np.ascontiguousarray(array, dtype="<f4") for array in arrays]
    text = msgspec.json.encode({**said, "shapes": [array.shape for array in plain]})
    return b"".join([struct.pack("<I", len(text)), text, *(array.tobytes() for array in plain)])


def _read(data: bytes) -> tuple[dict[str, Any], list[Float64]]:
    (length,) = struct.unpack_from("<I", data)
    said: dict[str, Any] = msgspec.json.decode(data[4 : 4 + length])
    offset, arrays = 4 + length, []
    for rows, columns in said["shapes"]:
        size = rows * columns * 8
        arrays.append(np.frombuffer(data[offset : offset + size], dtype="<f8").reshape(rows, columns).copy())
        offset += size
    return said, arrays
