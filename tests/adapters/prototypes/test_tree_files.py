"""Tree files of three makers: the same answers as their own libraries give, and every refusal named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from lineside.adapters.prototypes import ReadOptions, read_prototype
from lineside.domain.errors import DataError, InputError
from lineside.testing.prototypes import SETTINGS, boosted, honest_parts

HERE = Path(__file__).parent
OPTIONS = ReadOptions()


def recorded(maker: str, name: str) -> dict[str, Any]:
    """A model as its maker wrote it, rows, and the raw answers that the maker's own library gave."""
    found: dict[str, Any] = json.loads((HERE / f"{maker}_models.json").read_text())[name]
    return found


def rows_of(found: dict[str, Any]) -> Any:
    return np.array([[np.nan if x is None else x for x in row] for row in found["rows"]], dtype=np.float32)


@pytest.mark.parametrize("objective", ["binary", "multiclass", "regression"])
def test_lightgbm_files_answer_as_lightgbm_does_with_and_without_gaps(tmp_path: Path, objective: str) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, 4)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    label = np.digitize(np.nan_to_num(rows[:, 0]), [-0.5, 0.5]) if objective == "multiclass" else rows[:, 1] > 0
    settings = {**SETTINGS, "objective": objective, **({"num_class": 3} if objective == "multiclass" else {})}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, label.astype(float)), 10)
    booster.save_model(tmp_path / "model.txt")
    found = read_prototype(str(tmp_path / "model.txt"), OPTIONS)
    expected = np.asarray(booster.predict(rows, raw_score=True)).reshape(500, -1)
    assert np.allclose(found.raw(rows), expected, atol=1e-5)


def test_a_lightgbm_file_hands_its_settings_to_the_stand_in(tmp_path: Path) -> None:
    boosted(honest_parts(300), rounds=7, num_leaves=9, learning_rate=0.2).save_model(tmp_path / "model.txt")
    settings = read_prototype(str(tmp_path / "model.txt"), OPTIONS).settings
    assert (settings["rounds"], settings["num_leaves"], settings["learning_rate"]) == (7, 9, 0.2)


@pytest.mark.parametrize("maker", ["xgboost", "catboost"])
@pytest.mark.parametrize("name", ["binary", "classes"])
def test_other_makers_files_answer_as_recorded_from_their_libraries(tmp_path: Path, maker: str, name: str) -> None:
    found = recorded(maker, name)
    (tmp_path / "model.json").write_text(json.dumps(found["model"]))
    prototype = read_prototype(str(tmp_path / "model.json"), OPTIONS)
    assert prototype.kind == maker
    assert np.allclose(prototype.raw(rows_of(found)), found["raw"], atol=2e-5)


def test_xgboost_names_are_kept(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(recorded("xgboost", "binary")["model"]))
    assert read_prototype(str(tmp_path / "model.json"), OPTIONS).inputs == ("force", "heat", "speed")


def changed(maker: str, path: tuple[Any, ...], value: object) -> dict[str, Any]:
    model: dict[str, Any] = recorded(maker, "binary")["model"]
    at: Any = model
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return model


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (changed("xgboost", ("learner", "gradient_booster", "name"), "gblinear"), "booster"),
        (changed("xgboost", ("learner", "objective", "name"), "rank:ndcg"), "objective"),
        (changed("xgboost", ("learner", "gradient_booster", "model"), {}), "MODEL"),
        (changed("catboost", ("features_info", "categorical_features"), [{}]), "categorical_features"),
        (changed("catboost", ("model_info", "params", "loss_function", "type"), "YetiRank"), "loss_function"),
        (changed("catboost", ("oblivious_trees",), []), "MODEL"),
    ],
)
def test_what_no_gateway_can_walk_is_refused_by_field(tmp_path: Path, model: dict[str, Any], field: str) -> None:
    (tmp_path / "model.json").write_text(json.dumps(model))
    with pytest.raises(DataError) as refused:
        read_prototype(str(tmp_path / "model.json"), OPTIONS)
    assert refused.value.field == field
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("name", "content", "next_step"),
    [
        ("model.cbm", b"CBM1", "format='json'"),
        ("model.ubj", b"{L", "model.json"),
        ("model.pkl", b"\x80\x04", "--trust-pickle"),
        ("model.joblib", b"\x80\x04", "--trust-pickle"),
        ("model.py", b"class Model: ...", "model.py:Class"),
        ("model.xyz", b"?", "one of these forms"),
        ("model.json", b'{"a": 1}', "one of these forms"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_way_to_bring_it(
    tmp_path: Path, name: str, content: bytes, next_step: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_prototype(str(tmp_path / name), OPTIONS)
    assert next_step in str(refused.value.next_step)
    assert refused.value.choices


def test_a_model_that_is_not_there_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_prototype(str(tmp_path / "none.txt"), OPTIONS)


def test_a_broken_lightgbm_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("tree\nversion=v4\n")
    with pytest.raises(DataError, match="cannot be read"):
        read_prototype(str(tmp_path / "model.txt"), OPTIONS)


def test_an_mlflow_folder_of_a_tree_file_is_that_file_with_the_names_of_its_signature(tmp_path: Path) -> None:
    boosted(honest_parts(300), rounds=3).save_model(tmp_path / "model.lgb")
    names = json.dumps([{"name": name} for name in ("force", "heat", "speed", "flow")])
    (tmp_path / "MLmodel").write_text(f"flavors:\n  lightgbm:\n    data: model.lgb\nsignature:\n  inputs: '{names}'\n")
    assert read_prototype(str(tmp_path), OPTIONS).inputs == ("force", "heat", "speed", "flow")


def test_an_mlflow_folder_cannot_reach_outside_itself(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    boosted(honest_parts(300), rounds=3).save_model(tmp_path / "model.lgb")
    (tmp_path / "inside/MLmodel").write_text("flavors:\n  lightgbm:\n    data: ../model.lgb\n")
    with pytest.raises(DataError, match="not there"):
        read_prototype(str(tmp_path / "inside"), OPTIONS)
