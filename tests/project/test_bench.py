"""The benchmarks compare what does the same work, and hide nobody who could not take part."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TINY = """
import json, pathlib, sys
sys.path.insert(0, "benchmarks")
from measuring import report
from measuring.workers import measure
from measuring.works import Figure, Subject, Work

work = Work(
    name="features tiny",
    unit="readings/s/core",
    better="higher",
    subjects=(
        Subject(name="lineside", module="features_lineside"),
        Subject(name="limit", module="features_limit"),
        Subject(name="absent peer", module="no_such_module"),
    ),
    parameters={"signals": 7, "batch": 100, "cycles": 3, "order": False},
    repetitions=2,
    compare="means",
)
out = pathlib.Path(sys.argv[1])
results = list(measure(work, out))
figures = [item for item in results if isinstance(item, Figure)]
report.write(out, figures, [item for item in results if not isinstance(item, Figure)])
report.plot(out, figures)
"""


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.system
def test_lineside_and_the_limit_compute_the_same_and_a_peer_that_fails_is_named(
    tmp_path: Path, project_root: Path
) -> None:
    result = run(project_root, "-c", TINY, str(tmp_path))

    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [row["subject"] for row in rows] == ["lineside", "limit"]
    assert all(set(row) == {"work", "subject", "value", "unit", "better"} and row["value"] > 0 for row in rows)
    details = json.loads((tmp_path / "details.json").read_text())
    assert [figure["agrees"] for figure in details["figures"]] == [True, True]
    assert [item["subject"] for item in details["missing"]] == ["absent peer"]
    assert "absent peer" in (tmp_path / "bench.md").read_text()
    assert (tmp_path / "features.svg").exists()


def test_an_unknown_prefix_is_answered_with_the_known_ones(tmp_path: Path, project_root: Path) -> None:
    result = run(project_root, "benchmarks/bench.py", "--out", str(tmp_path), "--only", "nonsense")

    assert result.returncode == 2
    assert "features" in result.stdout
