"""The gateway's own page: what it shows, whom it answers, and that an answer is durable before it is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from lineside.apps.gateway.local_board import LocalBoard
from lineside.apps.gateway.local_floor import MOST_ALERTS, MOST_UPDATES, LocalFloor
from lineside.apps.gateway.page.app import LocalPage, local_app
from lineside.apps.web.language import read_catalogues
from lineside.domain.alerts import AlertEvent, AlertKind, AlertState
from lineside.domain.errors import ConfigurationError
from lineside.domain.judging.wording import word_outside
from lineside.domain.listening import parse_listen
from lineside.domain.plan.model import Plan
from lineside.domain.said import Language
from lineside.domain.units import SECOND
from lineside.flows.judge import Judged
from lineside.flows.responses import fetch_responses, serve_responses
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.fakes.outbox import FakeOutbox
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind
from lineside.wire.status import GatewayStatus, HealthStatus
from lineside.wire.subjects import Subjects

HOST = "127.0.0.1:8090"
LINK = HealthStatus("link", "", "lost", 2, A_MOMENT, "nobody listens")


@pytest.fixture
def plan() -> Plan:
    step = {"do": "adjust", "text": "Open the <chiller> valve"}
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "works"},
            "area": {"id": "foundry"},
            "line": {"id": "dc07", "name": "DC-07"},
            "part": {"number": "4711"},
            "sources": [{"id": "machine", "kind": "opcua"}],
            "stations": [{"id": "cast", "name": "Cast", "cycle": {"by": "window", "length": "10 s"}}],
            "signals": [{"id": "die_temp", "station": "cast", "source": "machine"}],
            "characteristics": [{"id": "porosity", "station": "cast"}],
            "reactions": [{"id": "any", "characteristic": "porosity", "text": "Porosity likely.", "steps": [step]}],
        }
    )


def an_event(number: int = 1, kind: AlertKind = AlertKind.RAISED, **more: object) -> AlertEvent:
    return AlertEvent(
        id=f"a{number}#{kind}",
        alert_id=f"a{number}",
        kind=kind,
        time=A_MOMENT + number,
        station="cast",
        characteristic="porosity",
        cause="any",
        writer="g1",
        text="<b>Porosity</b> likely.",
        suspects=("U1",),
        **more,  # type: ignore[arg-type]
    )


class Bench:
    def __init__(self, plan: Plan) -> None:
        self.clock = ManualClock()
        self.outbox, self.audit, self.bus = FakeOutbox(), FakeAudit(), FakeBus()
        self.floor = LocalFloor(plan)
        self.board = LocalBoard(
            name="g1",
            plan=plan,
            clock=self.clock,
            outbox=self.outbox,
            audit=self.audit,
            bus=self.bus,
            subjects=Subjects("works", "dc07", "g1"),
            floor=self.floor,
            status=self.status,
        )
        page = LocalPage(
            plan=plan,
            clock=self.clock,
            floor=self.floor,
            status=self.status,
            acknowledge=self.board.acknowledge,
            hosts=parse_listen(HOST).hosts,
        )
        self.token = page.token
        self.app = local_app(page)

    def status(self) -> GatewayStatus:
        return GatewayStatus(
            gateway="g1", time=A_MOMENT, sources=(), readings=5, parts=2, quarantined=0, dropped=0, late=0, backlog=3,
            unrecorded=False, healths=(LINK,),
        )  # fmt: skip


@pytest.fixture
def bench(plan: Plan) -> Bench:
    return Bench(plan)


def browser_of(bench: Bench) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=bench.app), base_url=f"http://{HOST}")


@pytest.fixture
async def browser(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_of(bench) as client:
        yield client


async def test_it_shows_alerts_with_their_step_and_the_health_with_reasons(
    bench: Bench, browser: httpx.AsyncClient
) -> None:
    bench.floor.follow(Judged(events=(an_event(),)))
    shown = (await browser.get("/")).text
    assert "1 alert open" in shown
    assert "Open the &lt;chiller&gt; valve" in shown
    assert "&lt;b&gt;Porosity&lt;/b&gt; likely." in shown
    assert "nobody listens" in shown
    assert "The plant is away" in shown


async def test_seeing_an_alert_is_durable_and_audited_before_it_is_shown(
    bench: Bench, browser: httpx.AsyncClient
) -> None:
    bench.floor.take([an_event()])
    answer = await browser.post("/acknowledge", data={"token": bench.token, "alert": "a1"})
    assert answer.status_code == 303
    [record] = bench.outbox.records.values()
    [event] = decode_items(record.body, AlertEvent)
    assert (record.header.kind, event.kind, event.by) == (RecordKind.ALERTS, AlertKind.ACKNOWLEDGED, "at g1")
    assert [entry.action for entry in bench.audit.kept] == ["alert.acknowledged"]
    assert "Seen." in (await browser.get("/live")).text
    await browser.post("/acknowledge", data={"token": bench.token, "alert": "a1"})
    assert len(bench.outbox.records) == 1


async def test_it_speaks_what_the_plan_says_for_the_line_and_else_what_the_browser_wishes(plan: Plan) -> None:
    spoken = plan.line.model_copy(update={"language": Language.GERMAN})
    said: list[str] = []
    refused: list[str] = []
    for line in (plan.line, spoken):
        bench = Bench(plan.model_copy(update={"line": line}))
        text = f"{word_outside('Hall', 36.0, (12.0, 33.5), 'degC')} Porosity likely."
        bench.floor.take([replace(an_event(), text=text)])
        async with browser_of(bench) as browser:
            browser.headers["accept-language"] = "es"
            said.append((await browser.get("/")).text)
            refused.append((await browser.post("/acknowledge", data={"alert": "a1"})).text)
    assert '<html lang="es"' in said[0]
    assert "Hall 36\N{NO-BREAK SPACE}°C: más caliente que todo lo aprendido (hasta 33,5)." in said[0]
    assert '<html lang="de"' in said[1]
    catalogues = read_catalogues()
    assert refused == [f"{catalogues[code]['Reload the page and try again.']}\n" for code in ("es", "de")]
    assert "wärmer als alles Gelernte (bis 33,5). Kein Urteil" in said[1]


async def test_what_the_disk_does_not_take_did_not_happen(bench: Bench, browser: httpx.AsyncClient) -> None:
    bench.floor.take([an_event()])
    bench.outbox.broken = True
    answer = await browser.post("/acknowledge", data={"token": bench.token, "alert": "a1"})
    assert answer.status_code == 503
    assert "I have seen it" in (await browser.get("/live")).text


@pytest.mark.parametrize(
    ("headers", "data", "code"),
    [
        ({}, {"alert": "a1"}, 403),
        ({}, {"alert": "a1", "token": "guessed"}, 403),
        ({"origin": "http://elsewhere"}, {"alert": "a1"}, 403),
        ({"sec-fetch-site": "cross-site"}, {"alert": "a1"}, 403),
        ({"host": "evil.example"}, {"alert": "a1"}, 403),
        ({}, {"alert": "none"}, 404),
        ({}, {"alert": "x" * 5_000}, 413),
    ],
)
async def test_only_its_own_form_is_taken(
    bench: Bench, browser: httpx.AsyncClient, headers: dict[str, str], data: dict[str, str], code: int
) -> None:
    bench.floor.take([an_event()])
    data = data if "token" in data or (not headers and data["alert"] == "a1") else {"token": bench.token} | data
    answer = await browser.post("/acknowledge", data=data, headers=headers)
    assert answer.status_code == code
    assert not bench.outbox.records


async def test_another_sites_name_shows_nothing(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/", headers={"host": "evil.example"})).status_code == 403


@pytest.mark.parametrize("text", ["0.0.0.0:80", "[::]:80", "8.8.8.8:80", "8090", "host:80", "127.0.0.1:99999", ""])
def test_it_listens_on_the_machine_side_only(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_listen(text)


@pytest.mark.parametrize("text", ["127.0.0.1:8090", "localhost:8090", "10.1.2.3:80", "[::1]:8090", "192.168.0.4:81"])
def test_addresses_of_the_machine_side_are_taken(text: str) -> None:
    assert parse_listen(text).hosts


def test_the_memory_is_bounded(plan: Plan) -> None:
    floor = LocalFloor(plan)
    for number in range(MOST_ALERTS + 10):
        floor.take([an_event(number)])
    assert len(floor.alerts()) == MOST_ALERTS
    for number in range(2 * MOST_UPDATES):
        update = an_event(MOST_ALERTS, AlertKind.UPDATED)
        floor.take([replace(update, id=f"u{number}", time=A_MOMENT + number)])
    alert = floor.alert(f"a{MOST_ALERTS}")
    assert alert is not None
    assert len(alert.events) <= MOST_UPDATES
    assert alert.raised is not None


async def test_what_is_answered_at_the_plant_comes_to_the_gateway(bench: Bench) -> None:
    closed = an_event(1, AlertKind.CLOSED, by="op-1")
    theirs = {"a1": (an_event(1), closed), "a2": (an_event(2),)}
    plant = bench.bus
    await serve_responses(plant, Subjects("works", "dc07"), lambda ids: [e for name in ids for e in theirs[name]])
    bench.floor.take([an_event(1), an_event(2)])
    found = await fetch_responses(bench.bus, Subjects("works", "dc07", "g1"), bench.floor.unanswered())
    assert found == (closed,)
    bench.floor.take(found)
    assert bench.floor.unanswered() == ("a1", "a2")
    bench.floor.take([replace(closed, id="agreed", kind=AlertKind.AGREED, by="op-2", time=closed.time + 1)])
    assert bench.floor.unanswered() == ("a2",)
    alert = bench.floor.alert("a1")
    assert alert is not None
    assert alert.state(A_MOMENT + SECOND) is AlertState.CLOSED
