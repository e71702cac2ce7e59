from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

LEAVES_ONE = """
import subprocess, sys
def test_that_forgets():
    # the middle process ends at once, so that the sleeper is nobody's child
    sleeper = "import time; time.sleep(600)"
    start = f"subprocess.Popen([sys.executable, '-c', {sleeper!r}], stdout=-3, stderr=-3)"
    middle = f"import subprocess, sys; print({start}.pid)"
    pid = subprocess.run([sys.executable, "-c", middle], capture_output=True, text=True, check=True, timeout=60).stdout
    open("pid", "w").write(pid)
"""


def run_guarded(folder: Path, project_root: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_inner.py").write_text(source)
    (folder / "conftest.py").write_text(
        "import process_guard\n"
        "process_guard.GRACE_SECONDS = 0.2\n"
        "def pytest_configure(config):\n"
        "    config.pluginmanager.register(process_guard.ProcessGuard())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(project_root / "tests")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
    command += ["--import-mode", "importlib", "test_inner.py"]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def is_gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def test_a_run_that_leaves_a_process_behind_fails_names_it_and_stops_it(tmp_path: Path, project_root: Path) -> None:
    result = run_guarded(tmp_path, project_root, LEAVES_ONE)
    pid = int((tmp_path / "pid").read_text())

    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    assert "processes left behind" in result.stdout
    assert f"{pid}  " in result.stdout
    deadline = time.monotonic() + 10
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_gone(pid)


def test_a_run_that_tidies_up_passes(tmp_path: Path, project_root: Path) -> None:
    result = run_guarded(tmp_path, project_root, "def test_tidy(): assert True\n")

    assert result.returncode == pytest.ExitCode.OK, result.stdout
    assert "left behind" not in result.stdout
