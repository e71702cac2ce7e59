"""Outages of a source: noted once, with their length, and attempts that grow rarer."""

from lineside.domain.health.sources import Phase
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.outages import FIRST_PAUSE, LAST_PAUSE, Outages
from lineside.domain.units import SECOND
from lineside.testing.plans import plan_with_source


def test_an_outage_is_noted_once_with_its_reason_and_its_length_and_tried_ever_more_rarely() -> None:
    gate = Gate(plan_with_source({"kind": "mqtt", "url": "mqtt://x"}), "machine")
    outages = Outages(gate, "mqtt://x")
    pauses = [outages.lost(number * SECOND, "no answer") for number in range(6)]
    assert outages.condition.phase is Phase.LOST
    assert pauses == [FIRST_PAUSE, 1.0, 2.0, 4.0, LAST_PAUSE, LAST_PAUSE]
    outages.back(10 * SECOND, {"topic": "not authorised"})
    assert outages.condition.troubles == (("topic", "not authorised"),)
    assert outages.lost(11 * SECOND, "cut") == FIRST_PAUSE
    noted = gate.take().quarantined
    assert ["'no answer'" in noted[0].detail, "back after 10.0 s" in noted[1].detail, len(noted)] == [True, True, 3]
    assert {item.raw for item in noted} == {b"mqtt://x"}


def test_a_first_connection_is_no_return() -> None:
    gate = Gate(plan_with_source({"kind": "mqtt", "url": "mqtt://x"}), "machine")
    Outages(gate, "mqtt://x").back(5)
    assert gate.take().quarantined == ()
