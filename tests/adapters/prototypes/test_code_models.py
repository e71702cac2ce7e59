"""Models that are code: shut in by the kernel, limited in time and memory, and heard without their prints."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lineside.adapters.child_process import Limits
from lineside.adapters.prototypes import ReadOptions, read_prototype
from lineside.adapters.prototypes.code_model import LIMITS, CodeModel
from lineside.domain.errors import ConfigurationError, DataError

ROWS = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
MODELS = """
import numpy as np


class Recipe:
    inputs = ("force", "heat")

    def fit(self, rows, bad):
        self.border = float(rows[bad == 1, 0].min())
        return self

    def predict_proba(self, rows):
        risk = 1 / (1 + np.exp(-(rows[:, 0] - self.border)))
        return np.c_[1 - risk, risk]


class Talks:
    def predict(self, rows):
        print("hello", flush=True)
        return rows[:, 0]


class Connects:
    def predict(self, rows):
        import socket
        socket.create_connection(("127.0.0.1", 9))


class Writes:
    def predict(self, rows):
        with open({target!r}, "w") as file:
            file.write("x")


class Removes:
    def predict(self, rows):
        import os
        os.remove({kept!r})


class Starts:
    def predict(self, rows):
        import subprocess
        subprocess.run(["true"])


class Forks:
    def predict(self, rows):
        import os
        os.fork()


class RaisesItsLimit:
    def predict(self, rows):
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))


class EatsMemory:
    def predict(self, rows):
        return np.ones(1 << 33)


class NeverEnds:
    def predict(self, rows):
        while True:
            pass


class Secrets:
    def predict(self, rows):
        import os
        return np.full(len(rows), float("LINESIDE_SECRET" in os.environ))


class Nothing:
    pass


class Needs:
    def __init__(self):
        import a_library_that_is_not_there
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    kept = tmp_path / "kept"
    kept.write_text("kept")
    path.write_text(MODELS.replace("{target!r}", repr(str(tmp_path / "written"))).replace("{kept!r}", repr(str(kept))))
    return path


def asked(path: Path, name: str, limits: Limits = LIMITS) -> tuple[dict[str, object], list[np.ndarray]]:
    return CodeModel(kind="python", path=path, name=name, limits=limits).ask("answer", [ROWS])


@pytest.mark.parametrize("name", ["Connects", "Writes", "Removes", "Starts", "Forks", "RaisesItsLimit"])
def test_the_kernel_refuses_what_a_model_may_not_do(models: Path, name: str) -> None:
    with pytest.raises(DataError, match="PermissionError"):
        asked(models, name)
    assert not (models.parent / "written").exists()
    assert (models.parent / "kept").exists()


def test_a_model_that_eats_memory_takes_only_its_own_process(models: Path) -> None:
    with pytest.raises(DataError, match="MemoryError"):
        asked(models, "EatsMemory")


def test_a_model_that_never_ends_is_ended(models: Path) -> None:
    with pytest.raises(DataError, match="processor time"):
        asked(models, "NeverEnds", replace(LIMITS, cpu=1))


def test_what_a_model_prints_does_not_disturb_its_answer(models: Path) -> None:
    _, (given,) = asked(models, "Talks")
    assert np.allclose(given[:, 0], ROWS[:, 0])


def test_the_environment_of_this_process_does_not_reach_a_model(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_SECRET", "secret")
    _, (given,) = asked(models, "Secrets")
    assert not given.any()


def test_a_recipe_is_learned_anew_for_whoever_asks(models: Path) -> None:
    recipe = read_prototype(f"{models}:Recipe", ReadOptions(features=("a", "b", "c")))
    assert recipe.inputs == ("force", "heat")
    assert not recipe.fitted
    assert recipe.refit is not None
    bad = (ROWS[:, 0] > 0.5).astype(np.float64)
    raw = recipe.refit(ROWS, bad, ROWS[:5])
    assert np.allclose(raw[:, 0], ROWS[:5, 0] - ROWS[bad == 1, 0].min(), atol=1e-5)


def test_a_class_without_predict_is_refused(models: Path) -> None:
    with pytest.raises(DataError, match="no predict"):
        read_prototype(f"{models}:Nothing", ReadOptions())


def test_a_library_that_is_missing_is_named_with_the_way_to_get_it(models: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_prototype(f"{models}:Needs", ReadOptions())
    assert refused.value.value == "a_library_that_is_not_there"
    assert "pip install" in str(refused.value.next_step)


def test_a_trusted_pickle_is_loaded_in_the_child_and_can_be_learned_anew(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    model = LogisticRegression().fit(ROWS, ROWS[:, 0] > 0)
    path.write_bytes(pickle.dumps(model))
    found = read_prototype(str(path), ReadOptions(features=("force", "heat"), trust_pickle=True))
    assert found.inputs == ("force", "heat")
    assert np.allclose(found.raw(ROWS)[:, 0], model.decision_function(ROWS), atol=1e-4)
    assert found.refit is not None


def test_a_pickle_in_an_mlflow_folder_is_a_pickle(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  sklearn:\n    pickled_model: model.pkl\n")
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04")
    with pytest.raises(Exception, match="trust-pickle"):
        read_prototype(str(tmp_path), ReadOptions())
