"""Addresses of metrics, and what the lint says of those that are none."""

import pytest

from lineside.domain.errors import PlanError
from lineside.domain.plan.lint import lint
from lineside.domain.plan.sources.sparkplug import MetricAddress, parse_metric_address
from lineside.testing.plans import plan_with_source


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("g/e/d#Pressure/Hydraulic #2", MetricAddress("g", "e", "d", "Pressure/Hydraulic #2")),
        ("g/e#CPU load", MetricAddress("g", "e", "", "CPU load")),
    ],
)
def test_the_first_number_sign_ends_the_ids(text: str, read: MetricAddress) -> None:
    assert parse_metric_address(text) == read


@pytest.mark.parametrize("text", ["", "g/e/d", "g/e/d#", "g#m", "g//d#m", "g/e/d/x#m", "g/+/d#m", "g/e/d#m\n"])
def test_anything_else_is_none_and_the_error_says_what_to_write(text: str) -> None:
    with pytest.raises(PlanError, match="not the address of a metric") as caught:
        parse_metric_address(text)
    assert "group/edge/device#metric" in str(caught.value)


def test_the_lint_names_a_signal_whose_address_is_none() -> None:
    addresses = {"temperature": "g/e/d#t", "running": "g/e/d#r", "serial": "g/e/d#s", "pressure": "press/pressure"}
    found = lint(plan_with_source({"kind": "sparkplug", "url": "mqtt://x"}, addresses=addresses), zones=("UTC",))
    assert [item.path[:2] for item in found if item.code == "no-address"] == [("signals", 1)]
