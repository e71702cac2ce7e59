"""Lock files that agree, pin by hash, and name no registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PIN = re.compile(r"^([a-zA-Z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(file: Path) -> set[tuple[str, str]]:
    return set(PIN.findall(file.read_text()))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_the_demo_needs_is_pinned_as_in_the_lock_of_everything(project_root: Path) -> None:
    run = pins(project_root / "requirements-run.lock")

    assert run
    assert run <= pins(project_root / "requirements.lock")


def test_what_a_gateway_needs_is_pinned_as_in_the_lock_of_everything(project_root: Path) -> None:
    gateway = pins(project_root / "requirements-gateway.lock")
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]

    assert {normal(re.split(r"[\[><=!~ ]", item)[0]) for item in project["dependencies"]} <= {
        normal(name) for name, _ in gateway
    }
    assert gateway <= pins(project_root / "requirements.lock")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-run.lock", "requirements-gateway.lock"])
def test_a_lock_pins_every_package_by_hash_and_names_no_address(name: str, project_root: Path) -> None:
    text = (project_root / name).read_text()

    assert "://" not in text
    for block in re.split(r"\n(?=[a-zA-Z0-9])", text):
        if PIN.match(block):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_every_dependency_of_the_project_is_locked(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(item for group in project["optional-dependencies"].values() for item in group),
    ]
    names = {normal(re.split(r"[\[><=!~ ]", item)[0]) for item in wanted} - {"lineside"}
    locked = {normal(name) for name, _ in pins(project_root / "requirements.lock")}

    assert names <= locked
