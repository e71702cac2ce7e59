"""Bundles in MLflow, over the embedded file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineside.adapters.mlflow_registry import MlflowRegistry
from lineside.domain.errors import IntegrityError
from lineside.testing.conformance.registry import RegistryConformance, some_bundle

LOOKS_NOTHING_UP = """
import socket, sys
asked = []
before = socket.getaddrinfo
def look(host, *rest, **named):
    asked.append(host)
    return before(host, *rest, **named)
socket.getaddrinfo = look
socket.create_connection = lambda address, *rest, **named: asked.append(address[0])
from pathlib import Path
from lineside.adapters.mlflow_registry import MlflowRegistry
from lineside.testing.conformance.registry import some_bundle
folder = Path(sys.argv[1])
registry = MlflowRegistry(f"sqlite:///{folder}/m.db", site="s", line="l", artifacts=folder / "artifacts")
registry.add(some_bundle(1))
registry.activate(some_bundle(1))
print("asked:", [host for host in asked if host not in ("localhost", "127.0.0.1", "::1")])
"""


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables take seconds to make: they are made once, and copied."""
    folder = tmp_path_factory.mktemp("mlflow")
    assert MlflowRegistry(f"sqlite:///{folder}/m.db", site="s", line="l").next_version("none") == 1
    return folder / "m.db"


@pytest.fixture
def registry(tmp_path: Path, empty_file: Path) -> MlflowRegistry:
    shutil.copyfile(empty_file, tmp_path / "m.db")
    return MlflowRegistry(f"sqlite:///{tmp_path}/m.db", site="s", line="l", artifacts=tmp_path / "artifacts")


class TestMlflow(RegistryConformance):
    """The embedded file keeps what every registry keeps."""


def test_a_bundle_comes_back_whole_with_its_figures_beside(registry: MlflowRegistry) -> None:
    said = registry.add(some_bundle(3))
    assert said.startswith("s.l.")
    assert registry.bundle(some_bundle(3).manifest.characteristic, 3) == some_bundle(3)
    with pytest.raises(IntegrityError) as caught:
        registry.bundle(some_bundle(3).manifest.characteristic, 9)
    assert caught.value.choices == (3,)


def test_what_was_changed_in_its_store_is_not_believed(registry: MlflowRegistry, tmp_path: Path) -> None:
    registry.add(some_bundle(1))
    registry.activate(some_bundle(1))
    (kept,) = (tmp_path / "artifacts").rglob("model.bundle")
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError):
        registry.active(some_bundle(1).manifest.station)


def test_it_looks_no_name_up_beyond_this_machine(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name}
    call = [sys.executable, "-c", LOOKS_NOTHING_UP, str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "asked: []"
