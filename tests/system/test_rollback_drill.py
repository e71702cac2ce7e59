"""The rehearsed way back: a model that breaks at the line while the plant is away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


def test_a_gateway_returns_by_itself_within_five_seconds_and_misses_no_part(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "lineside", "drill", "rollback", "--json", "--keep", str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    log = tmp_path / "processes.log"
    assert done.returncode == 0, done.stdout + done.stderr + log.read_text()[-3000:]
    found = json.loads(done.stdout)
    assert (found["missed_parts"], found["unverified_active"]) == (0, 0)
    assert 0 <= found["seconds_to_rollback"] <= 5
    assert found["parts"] > 50
