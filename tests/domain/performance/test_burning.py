"""How fast service levels spend their budgets."""

from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.performance.burning import LevelWatch, watch_level, watch_spending
from lineside.domain.units import DAY, HOUR, MINUTE

NOW = 40 * DAY
ALLOWED = 0.01


def _watch(bad_minutes: set[int], minutes: int = 30 * 24 * 60, allowed: float = ALLOWED) -> LevelWatch:
    """Return a level with an event a minute until now, of which the ones so many minutes ago were bad."""
    ago = np.arange(minutes - 1, -1, -1)
    time = NOW - ago.astype(np.int64) * MINUTE
    return watch_level("latency", time, np.isin(ago, list(bad_minutes)), allowed, NOW)


def test_a_level_that_is_kept_is_no_news_and_keeps_its_budget() -> None:
    found = _watch(set(range(0, 43_200, 200)))
    assert not found.news
    assert found.left == pytest.approx(0.5, abs=0.01)


def test_one_bad_minute_is_no_news_and_an_outage_is_within_minutes() -> None:
    assert not _watch({0}).news
    found = _watch(set(range(10)))
    assert found.news
    assert found.burns[0].news


def test_what_is_over_goes_quiet_although_its_budget_is_spent() -> None:
    found = _watch(set(range(8 * 60, 16 * 60)))
    assert not found.news
    assert found.left is not None
    assert found.left < 0


def test_a_slow_leak_is_news_by_the_longest_window() -> None:
    found = _watch(set(range(0, 3 * 24 * 60, 60)))
    assert [burn.news for burn in found.burns] == [False, False, True]


def test_few_events_say_nothing_and_events_older_than_the_period_do_not_count() -> None:
    few = watch_level("recall", np.array([NOW - HOUR]), np.array([True]), 0.5, NOW)
    assert not few.news
    old = watch_level("recall", np.array([NOW - 31 * DAY]), np.array([True]), 0.5, NOW)
    assert (old.events, old.left) == (0, None)


def test_a_level_that_allows_nothing_is_spent_by_the_first_bad_event() -> None:
    assert _watch({1, 2}, allowed=0.0).left == 0.0
    assert _watch(set(), allowed=0.0).left == 1.0


def _spending(each: float, lately: float) -> LevelWatch:
    """Return a level of money over 30 days with an event a minute, of which those of four days cost another amount."""
    ago = np.arange(30 * 24 * 60 - 1, -1, -1)
    time = NOW - ago.astype(np.int64) * MINUTE
    return watch_spending("cost per part", time, np.where(ago < 4 * 24 * 60, lately, each), 0.01, NOW)


def test_parts_that_cost_less_than_allowed_keep_the_rest_of_the_budget() -> None:
    found = _spending(0.004, 0.004)
    assert not found.news
    assert found.each == pytest.approx(0.004)
    assert found.left == pytest.approx(0.6)


def test_parts_that_cost_more_than_allowed_for_days_are_news_before_the_budget_is_spent() -> None:
    found = _spending(0.004, 0.012)
    assert found.news
    assert found.left is not None
    assert found.left > 0
    assert found.burns[2].long == pytest.approx(1.2)


def test_a_level_of_money_without_events_or_allowance_says_so() -> None:
    none = np.empty(0, dtype=np.int64)
    assert watch_spending("cost per part", none, np.empty(0), 0.01, NOW).left is None
    free = watch_spending("cost per part", np.array([NOW]), np.array([0.1]), 0.0, NOW)
    assert free.left == 0.0
