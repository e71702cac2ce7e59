"""The watch over models in service."""

from __future__ import annotations

from dataclasses import replace

from lineside.apps.plant.watching import Watch
from lineside.domain.performance.report import PerformanceReport
from lineside.testing.boards import sample_drift, sample_watched
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.audit import FakeAudit


async def _nothing(report: PerformanceReport) -> None:
    del report


async def test_what_drifts_is_recorded_once_and_again_when_it_is_over() -> None:
    (report,) = sample_drift()
    told = [replace(report, sensors=())]
    audit = FakeAudit()
    watch = Watch(
        drift=lambda: told,
        performance=lambda _: (),
        ready=dict,
        learn_again=lambda *_: (),
        damaged=_nothing,
        audit=audit,
        clock=ManualClock(7),
    )
    await watch.look()
    await watch.look()
    told = [replace(report, features=(), together=(), sensors=())]
    await watch.look()
    entries = await audit.entries()
    assert [entry.action for entry in entries] == ["drift.found", "drift.over"]
    assert watch.last.at == 7
    assert watch.last.drift == (told[0],)


async def test_damage_is_recorded_with_its_words_when_it_comes_and_when_it_goes() -> None:
    (report,) = sample_watched().performance
    told = [report]
    audit = FakeAudit()
    watch = Watch(
        drift=tuple,
        performance=lambda _: told,
        ready=dict,
        learn_again=lambda *_: (),
        damaged=_nothing,
        audit=audit,
        clock=ManualClock(7),
    )
    await watch.look()
    told = [replace(report, damage=())]
    await watch.look()
    found, over = await audit.entries()
    assert (found.action, over.action) == ("damage.found", "damage.over")
    assert "released with 0.90" in str(found.content)


async def test_a_faulty_sensor_is_recorded_and_doubted_at_its_station() -> None:
    audit = FakeAudit()
    watch = Watch(
        drift=sample_drift,
        performance=lambda _: (),
        ready=dict,
        learn_again=lambda *_: (),
        damaged=_nothing,
        audit=audit,
        clock=ManualClock(7),
    )
    await watch.look()
    found = [entry for entry in await audit.entries() if entry.action == "sensor.found"]
    assert "stuck: the same value for the last 42 parts" in str(found[0].content)
    assert watch.last.doubtful("cast") == {"die_temperature": "stuck"}
    assert watch.last.doubtful("trim") == {}
