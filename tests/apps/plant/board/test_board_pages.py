"""What the pages show and what answering does."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from board_client import BoardClient
from lineside.domain.alerts import AlertKind, Verdict
from lineside.domain.receipts import Receipt
from lineside.domain.units import MINUTE
from lineside.testing.boards import Bench
from lineside.testing.floors import ALERT, alert_event, prediction_of

CARD = f"/alerts/{quote(ALERT)}"


async def test_the_overview_shows_every_station_and_the_first_step_of_the_most_urgent_alert(
    operator: BoardClient,
) -> None:
    html = (await operator.get("/")).text
    for words in (
        "Porosity likely",
        "Open cooling valve V3",
        "Outside experience",
        "watched, not judged",
        "learning",
        "No data for",
        "normal",
        "1 of 4",
        "confirmed 17 of the last 20 here",
        "Hall",
    ):
        assert words in html
    assert "None" not in html
    assert "nan" not in html


async def test_every_page_is_there_for_an_operator(operator: BoardClient) -> None:
    for path in (
        "/", "/alerts", CARD, f"{CARD}?ask=close", f"{CARD}?ask=problem", f"{CARD}?ask=later", "/stations/cast",
        "/stations/melt", "/parts", "/parts?station=cast", "/parts/cast/cast-118203?unit=118203", "/units/118200",
        "/models", "/missing", "/gateways", "/password",
    ):  # fmt: skip
        answer = await operator.get(path)
        assert answer.status_code == 200, path
        assert "Die casting DC-07" in answer.text


async def test_receipts_are_shown_and_the_overview_leads_to_them(operator: BoardClient, bench: Bench) -> None:
    assert "Missing readings" not in (await operator.get("/")).text
    receipt = Receipt(
        id="r", source="outbox", reason="the buffer was full", signals=("die_temp",), first=1, last=2, count=12345,
        recorded=3,
    )  # fmt: skip
    bench.floor.apply_receipts([receipt, receipt])
    assert "Missing readings <b>12345</b>" in (await operator.get("/")).text
    html = (await operator.get("/missing")).text
    assert "the buffer was full" in html
    assert "die_temp" in html


async def test_what_is_not_there_says_so(operator: BoardClient) -> None:
    for path in (
        "/stations/none",
        "/alerts/none",
        "/parts/cast/none",
        "/parts?station=none",
        "/units/none",
        "/nothing",
    ):
        assert (await operator.get(path)).status_code == 404, path


async def test_taking_an_alert_keeps_the_answer_before_it_shows_it(operator: BoardClient, bench: Bench) -> None:
    answer = await operator.send_form(CARD, f"{CARD}/respond", kind="taken")
    assert (answer.status_code, answer.headers["location"]) == (303, CARD)
    assert [event.kind for event in bench.answers] == [AlertKind.TAKEN]
    assert bench.answers[0].by.startswith("operator ")
    assert "taken by operator" in (await operator.get(CARD)).text


async def test_an_answer_that_cannot_be_kept_did_not_happen(operator: BoardClient, bench: Bench) -> None:
    bench.audit.broken = True
    answer = await operator.send_form(CARD, f"{CARD}/respond", kind="taken")
    assert answer.status_code == 503
    assert "taken by" not in (await operator.get(CARD)).text


async def test_a_double_tap_is_one_answer(operator: BoardClient, bench: Bench) -> None:
    for _ in range(2):
        await operator.send_form(CARD, f"{CARD}/respond", kind="help", once="same")
    assert len({event.id for event in bench.answers}) == 1
    card = bench.floor.card(ALERT, bench.clock.now())
    assert card is not None
    assert [entry.kind for entry in card.history].count("help") == 1


async def test_closing_takes_one_tap_and_stands_in_the_record_of_the_part(operator: BoardClient, bench: Bench) -> None:
    page = f"{CARD}?ask=close"
    await operator.send_form(page, f"{CARD}/respond", verdict="defect_confirmed", cause_code="porosity_cooling")
    assert bench.answers[0].verdict is Verdict.CONFIRMED
    html = (await operator.get("/parts/cast/cast-118203?unit=118203")).text
    assert "defect confirmed" in html
    late = await operator.post(f"{CARD}/respond", data={"kind": "taken"})
    assert late.status_code == 403


async def test_a_closed_alert_takes_no_more_answers(operator: BoardClient, bench: Bench) -> None:
    shown = (await operator.get(CARD)).text
    bench.floor.apply_alerts([alert_event(AlertKind.CLOSED, bench.clock.now(), verdict=Verdict.NO_DEFECT)])
    answer = await operator.post(
        f"{CARD}/respond", data={"kind": "taken", "token": shown.split('name="token" value="')[1].split('"')[0]}
    )
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "dance"}, "Answer: "),
        ({"kind": "shelved"}, "How long: "),
        ({"kind": "shelved", "minutes": "999"}, "at most 4 h"),
        ({"kind": "step"}, "Step: "),
        ({"kind": "closed"}, "Result: "),
        ({"kind": "closed", "verdict": "maybe"}, "Result: "),
        ({"kind": "closed", "verdict": "no_defect", "cause_code": "moon"}, "Cause: "),
    ],
)
async def test_an_answer_that_makes_no_sense_is_refused_with_the_field(
    operator: BoardClient, bench: Bench, fields: dict[str, str], words: str
) -> None:
    answer = await operator.send_form(CARD, f"{CARD}/respond", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert bench.answers == []


async def test_an_alert_is_put_off_no_longer_than_the_plan_allows(
    operator: BoardClient, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = bench.floor.plan.service_levels.model_copy(update={"longest_shelving": 20 * MINUTE})
    monkeypatch.setattr(bench.floor, "plan", bench.floor.plan.model_copy(update={"service_levels": levels}))
    asked = (await operator.get(f"{CARD}?ask=later")).text
    assert 'value="15"' in asked
    assert 'value="30"' not in asked
    refused = await operator.send_form(CARD, f"{CARD}/respond", kind="shelved", minutes="30", note="waiting")
    assert refused.status_code == 422
    taken = await operator.send_form(CARD, f"{CARD}/respond", kind="shelved", minutes="20", note="waiting")
    assert taken.status_code < 400
    assert [event.kind for event in bench.answers] == [AlertKind.SHELVED]


async def test_a_serial_number_leads_to_its_part(operator: BoardClient) -> None:
    answer = await operator.get("/parts?unit=118200")
    assert (answer.status_code, answer.headers["location"]) == (303, "/units/118200")


async def test_a_part_that_late_readings_have_corrected_says_so(operator: BoardClient, bench: Bench) -> None:
    record = bench.floor.part_record("cast", "cast-118200", "118200")
    assert record is not None
    assert "Corrected" not in (await operator.get("/parts/cast/cast-118200?unit=118200")).text
    bench.floor.apply_parts([replace(record, revision=1, changed=("die_temp.mean",), late=True)])
    html = (await operator.get("/parts/cast/cast-118200?unit=118200")).text
    assert "revision 1" in html
    assert "Changed: die_temp.mean" in html


async def test_a_value_that_measured_parts_have_corrected_says_by_how_much_and_by_how_many(
    operator: BoardClient, bench: Bench
) -> None:
    record = bench.floor.part_record("cast", "cast-118200", "118200")
    assert record is not None
    value = prediction_of(record, "weight")
    value = replace(value, predicted="1871.4", low=1866.0, high=1876.8, bias=3.25, measured=84, judged=value.judged + 1)
    bench.floor.apply_predictions([value])
    page = "/parts/cast/cast-118200?unit=118200"
    assert ", of it 3.25 by 84 measured parts" in (await operator.get(page)).text
    assert "davon 3,25 durch 84 gemessene Teile" in (await operator.get(f"{page}&language=de")).text


async def test_an_alert_is_on_no_page_before_the_audit_record_holds_it(bench: Bench, operator: BoardClient) -> None:
    bench.audit.broken = True
    text = "Never seen before the audit"
    bench.floor.apply_alerts([alert_event(AlertKind.RAISED, bench.clock.now(), alert_id="new", text=text)])
    for path in ("/", "/alerts", "/stations/cast"):
        assert text not in (await operator.get(path)).text
    assert (await operator.get("/alerts/new")).status_code == 404
    bench.audit.broken = False
    bench.floor.reveal(["new#raised@" + str(bench.clock.now())])
    assert text in (await operator.get("/alerts")).text


async def test_no_person_is_named_on_any_page_for_operators(operator: BoardClient, bench: Bench) -> None:
    await operator.send_form(CARD, f"{CARD}/respond", kind="taken")
    for path in ("/", "/alerts", "/stations/cast"):
        assert bench.answers[0].by.split()[1] not in (await operator.get(path)).text.split("</header>")[1]
