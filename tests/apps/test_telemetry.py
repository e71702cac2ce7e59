"""Traces and figures at a real collector on loopback, and nothing at all where nobody asks for them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from lineside.apps.plant.gateway_book import GatewayView
from lineside.apps.plant.meters import Meters
from lineside.apps.plant.tracing import RecordTracer, ingest_of
from lineside.apps.telemetry import open_telemetry
from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.part_path import gateway_steps
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import JudgementState, Prediction
from lineside.ports import Telemetry
from lineside.testing.boards import sample_watched
from lineside.testing.clocks import A_MOMENT as NOW
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.landing import FakeLanding
from lineside.testing.floors import busy_floor, sample_plan
from lineside.testing.peers.otlp import Collector, collector
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import Record, RecordKind

PART = PartRecord(
    cycle_id="c1", unit="U1", station="cast", started=NOW - 30, ended=NOW - 9, received=NOW - 8, recipe="r",
    features=np.zeros(1), readings=600,
)  # fmt: skip
PREDICTION = Prediction(
    cycle_id="c1", unit="U1", station="cast", characteristic="porosity", model="m/1", plan="p", started=NOW - 30,
    ended=NOW - 9, received=NOW - 8, judged=NOW - 5, state=JudgementState.ALARM, score=3.5, limit=2.0,
)  # fmt: skip
RAISED = AlertEvent(
    id="e1", alert_id="a1", kind=AlertKind.RAISED, time=NOW - 4, station="cast", characteristic="porosity",
    cause="die_temp", writer="gw", cycle_id="c1", unit="U1",
)  # fmt: skip


@pytest.fixture
async def taken(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    async with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
        yield running


def opened(service: str) -> Telemetry:
    telemetry = open_telemetry(service, "one", sample_plan(), ManualClock(NOW))
    assert telemetry is not None
    return telemetry


async def test_a_part_is_one_trace_from_its_readings_at_the_gateway_to_the_history_of_the_plant(
    taken: Collector,
) -> None:
    gateway, plant = opened("gateway"), opened("plant")
    gateway.steps(gateway_steps([PART], [PREDICTION], [RAISED], NOW))
    tracer, followed = RecordTracer(plant, ManualClock(NOW)), list[Record]()

    async def follow(record: Record) -> None:
        followed.append(record)

    ingest = ingest_of(
        tracer, landing=FakeLanding(), key=b"k" * 32, site="s", lines=["l"], clock=ManualClock(NOW), follow=follow
    )
    record = a_record(1, encode_items([PREDICTION]), kind=RecordKind.PREDICTIONS, site="s", line="l")
    await ingest.handle(record.data)
    await tracer.history(follow)(record)
    await gateway.close()
    await plant.close()

    assert [item.header.sequence for item in followed] == [1, 1]
    (whole,) = taken.named("part")
    assert (whole.parent, whole.started, whole.ended) == ("", NOW - 30, NOW)
    assert {span.trace for span in taken.spans} == {whole.trace}
    beside = [span for span in taken.spans if span is not whole]
    assert {span.parent for span in beside} == {whole.id}
    assert {(span.service, span.name) for span in beside} == {
        ("lineside-gateway", "readings"), ("lineside-gateway", "judgement"), ("lineside-gateway", "alert"),
        ("lineside-plant", "ingest"), ("lineside-plant", "landing"), ("lineside-plant", "history"),
    }  # fmt: skip
    (judged,) = taken.named("judgement")
    assert (judged.started, judged.ended) == (NOW - 8, NOW - 5)
    assert judged.facts["lineside.state"] == "alarm"
    assert taken.named("readings")[0].facts["lineside.readings"] == 600


async def test_a_share_of_the_traces_is_kept_whole_or_not_at_all(
    taken: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    gateway, plant = opened("gateway"), opened("plant")
    for number in range(100):
        cycle = f"c{number}"
        part = PartRecord(
            cycle_id=cycle, unit=cycle, station="cast", started=1, ended=2, received=3, recipe="r", features=np.zeros(1)
        )
        gateway.steps(gateway_steps([part], (), (), NOW))
        plant.steps(gateway_steps((), [], [replace(RAISED, cycle_id=cycle)], NOW))
    await gateway.close()
    await plant.close()
    parts, alerts = ({span.trace for span in taken.named(name)} for name in ("part", "alert"))
    assert parts == alerts
    assert 20 < len(parts) < 80


async def test_the_collector_gets_the_same_figures_as_prometheus(taken: Collector) -> None:
    views = [GatewayView(name="far", heard=0, gone=True)]
    meters = Meters(
        floor=busy_floor().floor, gateways=lambda: views, watched=sample_watched,
        counts=lambda: {"landed": {"parts": 9}}, now=lambda: NOW,
    )  # fmt: skip
    plant = opened("plant")
    sending = asyncio.create_task(plant.run(meters.figures))
    async with asyncio.timeout(10):
        while not taken.metrics:  # noqa: ASYNC110 - the collector tells nobody
            await asyncio.sleep(0.01)
    sending.cancel()
    await plant.close()
    expected = {
        (figure.name, *sorted(labels)): value
        for figure in meters.figures()
        for labels, value in figure.values
        if value == value  # noqa: PLR0124 - not NaN, which equals nothing
    }
    assert {name: taken.metrics.get(name) for name in expected} == expected
    assert "lineside_records_landed" in taken.growing
    assert "lineside_gateway_up" not in taken.growing


async def test_a_collector_that_is_not_there_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    gateway = opened("gateway")
    gateway.steps(gateway_steps([PART], [PREDICTION], [RAISED], NOW))
    async with asyncio.timeout(5):
        await gateway.close()


@pytest.mark.parametrize(
    "said", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}]
)
def test_nothing_is_imported_where_nobody_asks(said: dict[str, str]) -> None:
    code = (
        "import sys\n"
        "from lineside.apps.telemetry import open_telemetry\n"
        "import lineside.apps.gateway.app\n"
        "from lineside.testing.floors import sample_plan\n"
        "assert open_telemetry('gateway', 'one', sample_plan(), None) is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_env() | said)
    assert found.stdout.strip() == "[]"


def test_a_missing_extra_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("lineside.apps.telemetry.NEEDS", ("no.such.package",))
    assert open_telemetry("gateway", "one", sample_plan(), ManualClock(NOW)) is None
    assert "lineside[otel]" in capsys.readouterr().err


def _env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
