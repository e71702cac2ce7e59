import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


def test_killing_every_process_in_turn_loses_and_doubles_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lineside", "drill", "crash", "--json", "--keep", str(tmp_path)]
    done = subprocess.run(
        [*command, "--seconds", "15", "--every", "2", "--seed", "5"],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    log = (tmp_path / "processes.log").read_text()
    assert done.stdout, f"{done.stderr}\n{log}"
    result = json.loads(done.stdout)
    assert result["delivered"] == result["accepted"] == result["in_history"], (result, log)
    assert (result["lost"], result["duplicated"]) == (0, 0), (result, log)
    assert result["alerts_audited"] == result["alerts_shown"], (result, log)
    assert result["kills"] >= 4, result
    assert result["accepted"] > 0
    assert done.returncode == 0
