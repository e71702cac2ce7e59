"""An hour of a line in half a minute: nothing is lost, no process ends, descriptors stay what they were."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


def test_an_hour_of_the_line_leaves_no_threads_or_descriptors_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lineside", "drill", "soak", "--json", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.stdout, f"{done.stderr}\n{(tmp_path / 'processes.log').read_text()}"
    result = json.loads(done.stdout)
    assert result["accepted"] == result["in_history"] > 0
    assert (result["lost"], result["duplicated"], result["restarts"]) == (0, 0, 0)
    for part, use in result["after"].items():
        # Pools of threads still fill in the first minutes; that they stop is for the full drill.
        assert use["threads"] <= result["before"][part]["threads"] + 16, part
        assert use["descriptors"] <= result["before"][part]["descriptors"] + 8, part
        # The full drill holds memory to a few per cent; half a minute cannot tell a leak from a cache that fills.
        assert use["megabytes"] < result["before"][part]["megabytes"] + 64, part


@pytest.mark.drill
def test_hours_of_the_line_let_nothing_grow(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    hours = str(pytestconfig.getoption("--hours"))
    command = [sys.executable, "-m", "lineside", "drill", "soak", "--hours", hours, "--json", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, f"{done.stderr}\n{(tmp_path / 'processes.log').read_text()}"
    assert json.loads(done.stdout)["passed"], done.stdout
