"""What Prometheus scrapes, and what the dashboard asks of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from board_client import client_of
from lineside.adapters.state_sql.screens import Screen
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.board.tokens import hashed
from lineside.apps.plant.gateway_book import GatewayView
from lineside.apps.plant.meters import Meters
from lineside.domain.units import DAY
from lineside.testing.boards import make_bench, sample_watched
from lineside.testing.clocks import A_MOMENT as NOW
from lineside.testing.floors import busy_floor
from lineside.wire.status import GatewayStatus

DASHBOARD = Path(__file__).parents[3] / "packaging" / "grafana" / "lineside.json"


def _text() -> str:
    status = GatewayStatus(
        gateway="cell", time=NOW, sources=(), readings=900, parts=9, quarantined=2, dropped=1, late=3, backlog=4,
        unrecorded=False,
    )  # fmt: skip
    views = [GatewayView(name="cell", heard=NOW, status=status), GatewayView(name="far", heard=0, gone=True)]
    counts = {"landed": {"parts": 9}, "refused": {"damaged": 1}}
    made = Meters(
        floor=busy_floor().floor, gateways=lambda: views, watched=sample_watched, counts=lambda: counts, now=lambda: NOW
    )
    return made.text().decode()


def test_every_figure_is_there_under_a_name_with_its_unit() -> None:
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(_text())
        for sample in family.samples
    }
    assert found["lineside_gateway_readings_total", "cell"] == 900
    assert found["lineside_gateway_up", "far"] == 0
    assert found["lineside_gateway_health_level", "far"] == 2
    assert found["lineside_records_refused_total", "damaged"] == 1
    assert found["lineside_model_recall_ratio", "cast", "porosity", "porosity-1"] == 0.4
    assert found["lineside_model_drifted_features", "cast", "porosity", "porosity-1"] == 1
    assert found["lineside_model_damage", "cast", "porosity", "porosity-1"] >= 1


def test_no_label_names_a_person_a_part_or_an_alert() -> None:
    labels = {
        label
        for family in text_string_to_metric_families(_text())
        for sample in family.samples
        for label in sample.labels
    }
    assert labels <= {"gateway", "kind", "reason", "model", "station", "characteristic", "level"}


def test_the_dashboard_asks_only_for_what_there_is() -> None:
    there = {sample.name for family in text_string_to_metric_families(_text()) for sample in family.samples}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {
        name
        for panel in panels
        for target in panel.get("targets", ())
        for name in re.findall(r"lineside_\w+", target["expr"])
    }
    assert len(asked) > 15
    assert asked <= there


async def test_a_token_of_a_screen_opens_it_and_nothing_else_does(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, settings=BoardSettings(meters=lambda: b"lineside_alerts_open 1\n"))
    now = bench.clock.now()
    screen = Screen(id="s1", label="prometheus", stations=(), origins=(), created=now, expires=now + DAY)
    await bench.state.screens.add(screen, hashed("secret"))
    async with client_of(bench) as client:
        assert (await client.get("/metrics")).status_code == 401
        wrong = await client.get("/metrics", headers={"authorization": "Bearer other"})
        right = await client.get("/metrics", headers={"authorization": "Bearer secret"})
    assert wrong.status_code == 401
    assert right.text == "lineside_alerts_open 1\n"
    assert right.headers["content-type"].startswith("text/plain; version=0.0.4")
    bench.state.close()
