"""Pages, languages, sizes and themes in pairs: each pair of values meets in at least one visit of a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from board_pictures import CARD, chromium
from lineside.domain.access import AccessRole, CodePurpose
from lineside.testing.boards import ServedThread, make_bench, sample_coverages, sample_demo
from lineside.testing.signals import sample_signals

pytestmark = pytest.mark.browser

FACTORS: dict[str, tuple[Any, ...]] = {
    "page": (
        "/",
        "/alerts",
        CARD,
        "/stations/cast",
        "/models",
        "/password",
        "/gateways",
        "/stations/cast/plot",
        "/signals",
    ),
    "language": ("en", "de", "es", "zh", "pt"),
    "size": ((390, 844), (1024, 768), (1920, 1080)),
    "theme": ("light", "dark"),
    "role": (AccessRole.OPERATOR, AccessRole.ENGINEER, AccessRole.ADMIN),
}
HEADINGS = {"de": "Alarme", "es": "Alertas", "zh": "报警", "pt": "Alertas", "en": "Alerts"}


def _pairs(row: tuple[Any, ...]) -> set[tuple[tuple[int, object], tuple[int, object]]]:
    return set(combinations(enumerate(row), 2))


def covering_rows() -> Iterator[tuple[Any, ...]]:
    """Yield rows until every pair of values of two factors was in one: always the row with the most new pairs."""
    rows = list(product(*FACTORS.values()))
    wanted = set().union(*map(_pairs, rows))
    while wanted:
        best = max(rows, key=lambda row: len(_pairs(row) & wanted))
        wanted -= _pairs(best)
        yield best


def test_every_pair_is_shown_in_its_language_without_sideways_scrolling(chromium_path: Path, tmp_path: Path) -> None:
    bench = make_bench(tmp_path, settings=replace(sample_signals(), demo=sample_demo(), coverages=sample_coverages))
    wrong: list[object] = []
    with ServedThread(bench) as board, chromium(chromium_path) as browser:
        states = {}
        for role in FACTORS["role"]:
            account = board.run(bench.account(role))
            code = board.run(bench.code(CodePurpose.LOGIN, account.id))
            with browser.new_context() as context:
                page = context.new_page()
                page.goto(f"{board.address}/first-run?code={code}")
                page.wait_for_url(f"{board.address}/")
                states[role] = context.storage_state()
        for row in covering_rows():
            path, language, (width, height), theme, role = row
            size: Any = {"width": width, "height": height}
            with browser.new_context(
                viewport=size, locale=language, color_scheme=theme, storage_state=states[role]
            ) as context:
                page = context.new_page()
                page.goto(f"{board.address}{path}")
                found = page.evaluate(
                    "[document.documentElement.lang, document.querySelector('nav a[href=\"/alerts\"]').textContent,"
                    " document.documentElement.scrollWidth <= innerWidth]"
                )
                if found != [language, HEADINGS[language], True]:
                    wrong.append((row, found))
    bench.state.close()
    assert wrong == []
