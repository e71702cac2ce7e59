"""The page of faults names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "faults.md").read_text()


def test_every_test_that_the_page_of_faults_names_is_there() -> None:
    named = {name for name in re.findall(r"`([a-z_/]+\.py)`", PAGE) if not name.startswith("benchmarks/")}
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).exists()] == []


def test_every_fault_and_every_group_of_bad_input_is_on_the_page() -> None:
    faults = [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert faults == list(range(1, 33))
