"""What must not be in the source: ways by which data could become code (security requirement 22)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "lineside"
FILES = sorted(SOURCE.rglob("*.py"))

FORBIDDEN_IMPORTS = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "skops", "shelve", "marshal", "yaml"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ATTRIBUTES = {("os", "system"), ("os", "popen")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_22_no_file_can_turn_data_into_code(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {name.name.split(".")[0] for name in node.names} & FORBIDDEN_IMPORTS
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_IMPORTS
        elif isinstance(node, ast.Call):
            _check_call(node)


def _check_call(node: ast.Call) -> None:
    called = node.func
    if isinstance(called, ast.Name):
        assert called.id not in FORBIDDEN_CALLS
    elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        assert (called.value.id, called.attr) not in FORBIDDEN_ATTRIBUTES
        if (called.value.id, called.attr) == ("np", "load"):
            assert any(word.arg == "allow_pickle" and ast.unparse(word.value) == "False" for word in node.keywords)
        if called.value.id == "subprocess" or called.attr in {"create_subprocess_exec", "Popen"}:
            assert not any(word.arg == "shell" for word in node.keywords)
    if isinstance(called, ast.Name | ast.Attribute) and "YAML" in ast.unparse(called):
        kinds = [word.value for word in node.keywords if word.arg == "typ"]
        assert not any(isinstance(kind, ast.Constant) and kind.value == "unsafe" for kind in kinds)
