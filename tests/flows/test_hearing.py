"""What is heard of a source is counted whether it was taken, had come before, or was refused."""

from __future__ import annotations

from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import make_batch
from lineside.domain.units import SECOND
from lineside.flows.hearing import Hearing
from lineside.ports import SourceDelivery
from lineside.testing.clocks import A_MOMENT
from lineside.testing.plans import plan_with_source


def test_readings_repetitions_and_refusals_are_counted_by_source() -> None:
    plan = plan_with_source({"kind": "files", "path": "x"})
    catalogue = catalogue_for(plan)
    hearing = Hearing(plan, catalogue)
    refused = Quarantined(source="machine", reason="not_a_number", detail="", raw=b"", received=A_MOMENT, count=2)
    batch = make_batch(catalogue, [0, 0, 0], [A_MOMENT] * 3, [1.0, 2.0, 3.0])
    hearing.hear("machine", SourceDelivery(readings=batch, duplicates=4, quarantined=(refused,)), A_MOMENT)
    hearing.hear("machine", SourceDelivery(readings=batch, replayed=True), A_MOMENT)
    hearing.hear("machine", SourceDelivery(duplicates=1), A_MOMENT)
    counts = hearing.counts["machine"]
    assert (counts.readings, counts.duplicates, counts.refused) == (6, 5, 2)


def test_a_clock_that_is_set_back_is_said_for_a_minute_and_refuses_nothing() -> None:
    plan = plan_with_source({"kind": "files", "path": "x"})
    hearing = Hearing(plan, catalogue_for(plan))
    note = Quarantined(source="machine", reason="clock_ahead", detail="", raw=b"", received=A_MOMENT, count=30)
    hearing.hear("machine", SourceDelivery(quarantined=(note,)), A_MOMENT)
    assert hearing.sets_back("machine", A_MOMENT + 59 * SECOND)
    assert not hearing.sets_back("machine", A_MOMENT + 61 * SECOND)
    assert hearing.counts["machine"].refused == 0
