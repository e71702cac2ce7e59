"""Settings of a board whose signals and sources have something to show: good, bad, doubted, silent."""

from __future__ import annotations

from typing import Final

from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.gateway_book import GatewayView
from lineside.apps.plant.signal_book import SignalBook
from lineside.apps.plant.watching import Watched
from lineside.domain.drift.report import DriftReport
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import BAD, GOOD, make_batch
from lineside.domain.sensors.naming import SensorFinding
from lineside.domain.units import SECOND
from lineside.testing.clocks import A_MOMENT
from lineside.testing.floors import sample_plan
from lineside.wire.codecs import encode_readings
from lineside.wire.status import GatewayStatus, HealthStatus, SourceStatus

FLOW: Final = "cooling_flow"
BATH: Final = "bath_temperature"


def sample_signals(now: int = A_MOMENT) -> BoardSettings:
    """Return settings with one signal that is doubted, one of bad quality, and a source whose clock is behind."""
    plan, book = sample_plan(), SignalBook(sample_plan())
    catalogue, source = catalogue_for(plan), plan.signal(FLOW).source
    codes = catalogue.codes()
    times = [now - number * SECOND for number in (8, 7, 6, 5)]
    flow = make_batch(catalogue, [codes[FLOW]] * 4, times, [12.1, 12.2, 12.3, 12.4], status=[BAD, *[GOOD] * 3])
    book.readings(encode_readings(flow))
    book.readings(encode_readings(make_batch(catalogue, [codes[BATH]], [now - SECOND], [690.0], status=BAD)))
    book.refused(
        [Quarantined(source=source, reason="not_a_number", detail="", raw=b"", received=now, signal=FLOW, count=3)]
    )
    status = GatewayStatus(
        gateway="gw-1", time=now, readings=900, parts=2, quarantined=3, dropped=0, late=0, backlog=0, unrecorded=False,
        sources=(
            SourceStatus(
                source, 90, now, offset=3 * SECOND // 2, jitter=2_500_000, drift=40.0, readings=900, duplicates=100,
                refused=3,
            ),
        ),
        healths=(
            HealthStatus("source", source, "degraded", 1, now, "<no such node>"),
            HealthStatus("clock", source, "skewed", 1, now),
        ),
    )  # fmt: skip
    doubt = DriftReport(
        station="cast", characteristic="porosity", model="porosity-1", reference=200, parts=60, first=0, last=now,
        features=(), together=(), units={}, sensors=(SensorFinding(signal=FLOW, fault="stuck", why="always the same"),),
    )  # fmt: skip
    return BoardSettings(
        gateways=lambda: (GatewayView(name="gw-1", heard=now, status=status),),
        signals=book,
        watched=lambda: Watched(at=now, drift=(doubt,)),
    )
