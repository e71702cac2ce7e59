"""The watch over models in service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from lineside.apps.plant import watching
from lineside.apps.plant.watching import Watch
from lineside.domain.drift.report import DriftReport
from lineside.domain.performance.report import PerformanceReport
from lineside.testing.boards import sample_drift, sample_watched
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.audit import FakeAudit

Drift = Callable[[], Sequence[DriftReport]]
Performance = Callable[[int], Sequence[PerformanceReport]]


async def _nothing(report: PerformanceReport) -> None:
    del report


def _watch(audit: FakeAudit, *, drift: Drift = tuple, performance: Performance = lambda _: ()) -> Watch:
    return Watch(
        drift=drift,
        performance=performance,
        learn_again=lambda *_: (),
        damaged=_nothing,
        audit=audit,
        clock=ManualClock(7),
    )


async def test_what_drifts_is_recorded_once_and_again_when_it_is_over() -> None:
    (report,) = sample_drift()
    told = [replace(report, sensors=())]
    audit = FakeAudit()
    watch = _watch(audit, drift=lambda: told)
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
    watch = _watch(audit, performance=lambda _: told)
    await watch.look()
    told = [replace(report, damage=())]
    await watch.look()
    found, over = await audit.entries()
    assert (found.action, over.action) == ("damage.found", "damage.over")
    assert "released with 90%" in str(found.content)


async def test_a_faulty_sensor_is_recorded_and_doubted_at_its_station() -> None:
    audit = FakeAudit()
    watch = _watch(audit, drift=sample_drift)
    await watch.look()
    found = [entry for entry in await audit.entries() if entry.action == "sensor.found"]
    assert "stuck: the same value for the last 42 parts" in str(found[0].content)
    assert watch.last.doubtful("cast") == {"die_temperature": "stuck"}
    assert watch.last.doubtful("trim") == {}


async def test_what_models_of_one_station_share_is_recorded_once() -> None:
    (report,) = sample_drift()
    audit = FakeAudit()
    other = replace(report, model="shrinkage-1", characteristic="shrinkage")
    await _watch(audit, drift=lambda: (report, other)).look()
    actions = [entry.action for entry in await audit.entries()]
    assert sorted(actions) == ["drift.found", "drift.found", "sensor.found"]


async def test_a_figure_that_cannot_be_made_is_said_and_stops_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, enough = 0, asyncio.Event()

    def broken() -> Sequence[DriftReport]:
        nonlocal looked
        looked += 1
        if looked == 2:
            loop.call_soon_threadsafe(enough.set)
        raise ZeroDivisionError("a figure")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0.0)
    running = asyncio.create_task(_watch(FakeAudit(), drift=broken).run())
    await enough.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert "could not be looked at" in caplog.text
