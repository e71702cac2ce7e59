"""What is vendored is what npm published, with its licence, and only what npm published is taken."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

LIST = "src/lineside/apps/plant/board/vendored.json"


@pytest.fixture
def packages(project_root: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((project_root / LIST).read_text(encoding="utf-8"))
    return found


def test_every_vendored_file_is_as_its_package_has_it(
    project_root: Path, packages: dict[str, dict[str, dict[str, dict[str, str]]]]
) -> None:
    static = (project_root / LIST).parent / "static"
    for item in packages.values():
        for name, file in item["files"].items():
            assert hashlib.sha256((static / name).read_bytes()).hexdigest() == file["sha256"], name


def test_every_vendored_package_brings_its_licence(project_root: Path, packages: dict[str, dict[str, object]]) -> None:
    static = (project_root / LIST).parent / "static"
    for name, item in packages.items():
        assert item["licence"] == "MIT"
        assert "MIT License" in (static / f"{name}.LICENSE").read_text(encoding="utf-8")


def test_another_tarball_than_the_one_that_is_meant_is_refused(project_root: Path, tmp_path: Path) -> None:
    other = tmp_path / "uplot-1.6.32.tgz"
    other.write_bytes(b"not the package")
    command = [sys.executable, str(project_root / "tools/vendor.py"), "--check", "--tarball", str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "its SHA-512 differs" in done.stderr
