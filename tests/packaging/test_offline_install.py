"""A gateway from a wheelhouse, without any network: installed by its script, then a stream judged by it.

Run by `make wheelhouse-try`, which makes the wheelhouse and names it by LINESIDE_WHEELHOUSE: installing takes a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.model_slots import USE_MODEL, ModelSlots, Pointer, SlotFiles
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.releasing import put_in_service
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import pack_bundle
from running_line import PLAN, RunningLine, _parts

WHEELHOUSE = os.environ.get("LINESIDE_WHEELHOUSE", "")
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not WHEELHOUSE, reason="no wheelhouse is named: run `make wheelhouse-try`"),
]


def without_network() -> list[str]:
    """A prefix that takes every network away but loopback, where this machine lets us."""
    prefix = ["unshare", "--net", "--map-root-user"]
    allowed = (
        shutil.which("unshare") and not subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    )
    return prefix if allowed else []


def bare_environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of this project's own tree, of an index, or of this user's settings."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}


def test_a_gateway_installs_and_judges_without_a_network(tmp_path: Path) -> None:
    target, bare = tmp_path / "opt", bare_environment(tmp_path)
    script = Path(WHEELHOUSE).resolve() / "install-offline"
    installed = subprocess.run(
        [*without_network(), script, target], env=bare, capture_output=True, text=True, check=False
    )
    assert installed.returncode == 0, installed.stdout + installed.stderr
    lineside = target / "venv/bin/lineside"
    said = subprocess.run([lineside, "gateway", "--help"], env=bare, capture_output=True, text=True, check=True)
    assert "The process at the line" in said.stdout

    line = _line(tmp_path)
    plan, data = str(tmp_path / "plan.yaml"), str(line.layout.root)
    run = [str(lineside), "gateway", "run", "--plan", plan, "--data", data]
    gateway = subprocess.Popen([*without_network(), *run, "--nats", "nats://127.0.0.1:9"], env=bare)
    try:
        status = _judged(lineside, line, bare)
    finally:
        gateway.terminate()
        gateway.wait(timeout=60)
    assert "40 parts" in status or "39 parts" in status, status


def test_a_wheelhouse_that_was_changed_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "wheels"
    shutil.copytree(WHEELHOUSE, copy)
    wheel = next(copy.glob("click-*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"x")
    refused = subprocess.run([copy / "install-offline", tmp_path / "opt"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "damaged or incomplete" in refused.stderr
    assert not (tmp_path / "opt").exists()


def _line(root: Path) -> RunningLine:
    """A line with forty cycles waiting, and a model that the gateway has kept."""
    (root / "inbox").mkdir()
    (root / "plan.yaml").write_text(PLAN)
    line = RunningLine(root, 0)
    line.layout.create()
    plan = load_plan(root / "plan.yaml")
    table, later = _parts(plan, 300, seed=1), _parts(plan, 300, seed=2)
    bundle = fit(FitRequest(plan=plan, characteristic="porosity", table=table, calibration=later)).bundle
    whole = put_in_service(line.layout, plan, bundle)
    (offered,) = BundleFolder(line.layout.bundles).in_service("cast")
    slots = ModelSlots(line.layout.models / "cast.porosity")
    slot = slots.stage(SlotFiles(offer=offered.envelope, model=pack_bundle(whole)))
    slots.point(Pointer(slot=slot, use=USE_MODEL, seen=1))
    line.deliver(40)
    return line


def _judged(lineside: Path, line: RunningLine, bare: dict[str, str]) -> str:
    """Return what the gateway says of itself once it has judged what was there."""
    deadline, said = time.monotonic() + 120, ""
    while time.monotonic() < deadline:
        asked = [str(lineside), "gateway", "status", "--data", str(line.layout.root)]
        said = subprocess.run(asked, env=bare, capture_output=True, text=True, check=False).stdout
        if "40 parts" in said or "39 parts" in said:
            return said
        time.sleep(0.5)
    raise AssertionError(f"nothing was judged: {said}")
