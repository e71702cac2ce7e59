import re
from pathlib import Path

from lineside.domain.intake.reasons import EXPLANATIONS, Reason

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "quarantine-reasons.md"


def test_every_reason_is_explained() -> None:
    assert set(EXPLANATIONS) == set(Reason)


def test_the_page_of_reasons_has_every_code_with_its_explanation_and_no_other() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE.read_text(), flags=re.MULTILINE))
    assert rows == {reason.value: EXPLANATIONS[reason] for reason in Reason}
