"""Hand-over, answers that wait, statistics: what the pages say, and what nobody can make them say."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from board_client import BoardClient, client_of
from lineside.apps.web.words import clock_time
from lineside.domain.access import AccessRole
from lineside.domain.alerts import AlertKind, Verdict
from lineside.domain.units import DAY, HOUR
from lineside.testing.boards import Bench, make_bench
from lineside.testing.floors import ALERT, alert_event

CARD = f"/alerts/{quote(ALERT)}"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = make_bench(tmp_path)
    yield bench
    bench.state.close()


@pytest.fixture
async def operator(bench: Bench) -> AsyncIterator[BoardClient]:
    async with client_of(bench) as client:
        await bench.account(AccessRole.OPERATOR, "ann")
        await client.log_in("ann")
        yield client


async def test_the_hand_over_lists_what_stands_what_is_held_and_what_was_noted(
    bench: Bench, operator: BoardClient
) -> None:
    now = bench.clock.now()
    bench.floor.apply_alerts(
        [alert_event(AlertKind.SHELVED, now, by="operator K7", until=now + 10**12, note="trial")], shown=True
    )
    html = (await operator.get("/handover")).text
    assert "Held back" in html
    assert "shelved: trial" in html
    assert "Porosity likely" in html


async def test_the_hand_over_says_who_is_to_do_what_by_when(bench: Bench, operator: BoardClient) -> None:
    now, zone = bench.clock.now(), bench.floor.plan.line.timezone
    card = bench.floor.card(ALERT, now)
    assert card is not None
    html = (await operator.get("/handover")).text.partition("To be done")[2].partition("Held back")[0]
    todo = [step for card in bench.floor.open_alerts(now) for step in card.steps if not step.done]
    assert html.count("<tr>") == 1 + len(todo)
    assert "Open cooling valve V3" in html
    assert clock_time(card.due, zone) in html
    assert "overdue" not in html
    assert "then process engineer in" in html
    bench.floor.apply_alerts(
        [
            alert_event(AlertKind.TAKEN, now, by="engineer Q2"),
            alert_event(AlertKind.STEP, now, by="engineer Q2", step=1),
        ],
        shown=True,
    )
    bench.clock.move(HOUR)
    html = (await operator.get("/handover")).text.partition("To be done")[2].partition("Held back")[0]
    assert "Clean filter F3" not in html
    assert "<td>engineer</td>" in html
    assert "overdue" in html
    await operator.send_form("/", "/language", language="de")
    html = (await operator.get("/handover")).text
    assert "Zu erledigen" in html
    assert "überfällig" in html


async def test_an_answer_waits_until_somebody_else_agrees(bench: Bench, operator: BoardClient) -> None:
    now = bench.clock.now()
    closed = alert_event(AlertKind.CLOSED, now, by="operator K7", verdict=Verdict.NO_DEFECT)
    bench.floor.apply_alerts([closed], shown=True)
    shown = (await operator.get("/labels")).text
    assert "I agree: no defect" in shown
    answer = await operator.send_form("/labels", f"{CARD}/respond", kind="agreed", verdict="no_defect")
    assert answer.status_code == 303
    assert bench.answers[-1].kind is AlertKind.AGREED
    assert f"{CARD}/respond" not in (await operator.get("/labels")).text


@pytest.mark.parametrize(("verdict", "by"), [("no_defect", "me"), ("defect_confirmed", "other")])
async def test_nobody_agrees_with_themselves_or_with_what_was_not_said(
    bench: Bench, operator: BoardClient, verdict: str, by: str
) -> None:
    account = await bench.state.accounts.named("ann")
    assert account is not None
    signature = account.signature if by == "me" else "operator K7"
    closed = alert_event(AlertKind.CLOSED, bench.clock.now(), by=signature, verdict=Verdict.NO_DEFECT)
    bench.floor.apply_alerts([closed], shown=True)
    page = (await operator.get("/password")).text
    token = page.split('name="token" value="')[1].split('"')[0]
    answer = await operator.post(
        f"{CARD}/respond",
        data={"token": token, "kind": "agreed", "verdict": verdict},
        headers={"Origin": "http://board.test"},
    )
    assert answer.status_code == 422
    assert bench.answers == []


async def test_statistics_stand_beside_the_usual_marks_and_show_no_small_group(operator: BoardClient) -> None:
    html = (await operator.get("/statistics?over=month")).text
    for words in ("per day", "IEC 62682", "floods", "fewer than 5 people", "No figure is made of one person"):
        assert words in html
    assert "K7" not in html
    rows = list(csv.DictReader(io.StringIO((await operator.get("/statistics.csv?over=month")).text.lstrip("\ufeff"))))
    assert {row["alerts"] for row in rows if row["announced"] != "0"} == {"too few people"}


async def test_the_load_stands_by_station_and_shift_beside_that_of_the_line(
    bench: Bench, operator: BoardClient
) -> None:
    whole = bench.floor.alarm_load(bench.clock.now(), 30 * DAY)
    groups = bench.floor.load_by_group(bench.clock.now(), 30 * DAY)
    assert sum(item.alerts for item in groups) == whole.alerts > 0
    html = (await operator.get("/statistics?over=month")).text
    section = html.split("Load by station and shift")[1].split("</section>")[0]
    assert section.count("<tr><th") == len(groups) + 1
    rows = list(csv.DictReader(io.StringIO((await operator.get("/statistics.csv?over=month")).text.lstrip("\ufeff"))))
    assert sum(int(row["announced"]) for row in rows) == whole.alerts
    assert {row["per_shift"] for row in rows} != {""}
    assert not any(row["confirmed"] for row in rows)
