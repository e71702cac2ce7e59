import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


def test_cuts_kills_and_a_full_disk_lose_and_double_nothing_and_alerts_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lineside", "drill", "outage", "--json", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    log = (tmp_path / "processes.log").read_text()
    assert done.stdout, f"{done.stderr}\n{log}"
    result = json.loads(done.stdout)
    assert set(result) >= {
        "accepted", "in_history", "lost", "duplicated", "receipted", "max_delay_s", "drain_ratio",
        "local_alerts_raised", "local_alerts_expected",
    }  # fmt: skip
    assert (result["lost"], result["duplicated"]) == (0, 0), (result, log)
    assert result["accepted"] == result["in_history"] + result["receipted"] > 0, (result, log)
    assert result["local_alerts_raised"] == result["local_alerts_expected"] > 0, (result, log)
    assert done.returncode == 0
