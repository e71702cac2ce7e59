import re
from pathlib import Path

from lineside.adapters.delta_history.tables import TABLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "history.md").read_text()


def test_every_table_of_the_history_is_documented() -> None:
    assert [name for name in TABLES if f"| `{name}` |" not in PAGE] == []


def test_every_reason_of_an_outcome_row_is_documented() -> None:
    source = (ROOT / "src" / "lineside" / "domain" / "outcome_import.py").read_text()
    reasons = set(re.findall(r'"(outcome_\w+)"', source))
    assert reasons
    assert [reason for reason in reasons if f"| `{reason}` |" not in PAGE] == []
