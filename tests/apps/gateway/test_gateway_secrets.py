"""Secrets come from the environment or from a file that only its owner can read."""

from pathlib import Path

import pytest

from lineside.apps.gateway.secrets import find_secret
from lineside.domain.errors import ConfigurationError


def test_a_plan_that_names_no_secret_needs_none(tmp_path: Path) -> None:
    assert find_secret("", tmp_path) == ""


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hall.secret").write_text("from the file")
    monkeypatch.setenv("LINESIDE_SECRET_HALL", "from the environment")
    assert find_secret("hall", tmp_path) == "from the environment"


def test_a_file_of_the_owner_serves(tmp_path: Path) -> None:
    path = tmp_path / "hall.secret"
    path.write_text("from the file\n")
    path.chmod(0o600)
    assert find_secret("hall", tmp_path) == "from the file"


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hall.secret"
    path.write_text("from the file")
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="others can read"):
        find_secret("hall", tmp_path)


def test_a_missing_secret_says_where_it_may_stand(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LINESIDE_SECRET_HALL"):
        find_secret("hall", tmp_path)
