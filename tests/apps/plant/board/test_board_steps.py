"""The steps of the reaction on the card: measured, checked off, with pictures, and answers that are sent again."""

from __future__ import annotations

from urllib.parse import quote

from httpx import Response

from board_client import ORIGIN, BoardClient
from lineside.domain.alerts import AlertKind
from lineside.domain.units import MINUTE
from lineside.testing.boards import Bench
from lineside.testing.floors import ALERT

CARD = f"/alerts/{quote(ALERT)}"
RESPOND = f"{CARD}/respond"


async def test_a_step_that_measures_takes_the_value_and_the_card_and_the_answer_hold_it(
    operator: BoardClient, bench: Bench
) -> None:
    answer = await operator.send_form(CARD, RESPOND, step="2", value="13,5")
    assert answer.status_code == 303
    (event,) = bench.answers
    assert (event.kind, event.step, event.measured, event.measured_unit) == (AlertKind.STEP, 2, 13.5, "l/min")
    assert event.text == "Open cooling valve V3 to at least 12 l/min"
    html = (await operator.get(CARD)).text
    assert "measured <b>13.50 l/min</b>" in html or "measured <b>13.5 l/min</b>" in html
    assert "not right yet" not in html


async def test_a_value_that_is_not_right_is_kept_and_leaves_the_step_to_be_done(
    operator: BoardClient, bench: Bench
) -> None:
    await operator.send_form(CARD, RESPOND, step="2", value="7.9")
    html = (await operator.get(CARD)).text
    assert "not right yet" in html
    assert "right: 12 to 20 l/min" in html
    card = bench.floor.card(ALERT, bench.clock.now())
    assert card is not None
    assert (card.steps[0].measured, card.steps[0].done) == (7.9, False)


async def test_what_cannot_be_a_value_of_the_step_is_refused_and_nothing_is_kept(
    operator: BoardClient, bench: Bench
) -> None:
    refused = {
        ("2", "999"): "999 l/min cannot be: between 0 and 60",
        ("2", "nan"): "",
        ("2", "a lot"): "Value: this is not a number",
        ("2", ""): "say what was measured, in l/min",
        ("3", "4"): "this step takes no value",
        ("9", ""): "say which step of the reaction was done",
    }
    for (step, value), words in refused.items():
        answer = await operator.send_form(CARD, RESPOND, kind="step", step=step, value=value)
        assert answer.status_code == 422, (step, value)
        assert words in answer.text
    assert bench.answers == []


async def test_a_minus_may_be_typed_as_it_is_printed(operator: BoardClient, bench: Bench) -> None:
    answer = await operator.send_form(CARD, RESPOND, kind="step", step="2", value="\N{MINUS SIGN}3,5")
    assert "-3.5 l/min cannot be" in answer.text
    assert bench.answers == []


async def test_the_step_that_solved_the_cause_before_comes_first_with_how_often(operator: BoardClient) -> None:
    html = (await operator.get(CARD)).text
    assert html.index("Open cooling valve V3") < html.index("Clean filter F3") < html.index("Set aside all parts")
    assert "solved it 11 of 17 times here" in html
    assert "solved it 6 of 17 times here" in html


async def test_a_question_that_the_card_cannot_ask_hides_nothing(operator: BoardClient) -> None:
    assert "asking" in (await operator.get(f"{CARD}?ask=close")).text
    assert "asking" not in (await operator.get(f"{CARD}?ask=service")).text
    await operator.send_form(CARD, RESPOND, kind="taken")
    assert "asking" not in (await operator.get(f"{CARD}?ask=close")).text


async def test_pictures_and_documents_come_by_the_plans_names_and_no_other(operator: BoardClient) -> None:
    picture = await operator.get("/plan-files/valve-v3.png")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert (await operator.get("/plan-files/wi-0312.pdf")).headers["content-type"] == "application/pdf"
    for name in ("plan.yaml", "..%2fplan.yaml", "%2e%2e/%2e%2e/etc/passwd", "valve-v3.png/"):
        assert (await operator.get(f"/plan-files/{name}")).status_code == 404, name


async def test_strangers_get_no_picture(stranger: BoardClient) -> None:
    assert (await stranger.get("/plan-files/valve-v3.png")).status_code == 303


async def test_an_answer_that_is_sent_again_changes_nothing_even_when_it_closed_the_alert(
    operator: BoardClient, bench: Bench
) -> None:
    first = {"kind": "closed", "verdict": "defect_confirmed", "once": "abc"}
    assert [(await _answer(operator, first)).status_code for _ in range(2)] == [303, 303]
    assert len(bench.answers) == 1
    assert (await _answer(operator, first | {"once": "other"})).status_code == 409


async def test_an_answer_that_waited_for_a_connection_counts_from_when_it_was_given(
    operator: BoardClient, bench: Bench
) -> None:
    await operator.send_form(CARD, RESPOND, kind="taken", held=str(2 * 60_000))
    (event,) = bench.answers
    assert event.time == bench.clock.now() - 2 * MINUTE
    assert event.received == bench.clock.now()


async def _answer(client: BoardClient, fields: dict[str, str]) -> Response:
    html = (await client.get("/alerts")).text
    token = html.split('name="token" value="', 1)[1].split('"', 1)[0]
    return await client.post(RESPOND, data={**fields, "token": token}, headers={"Origin": ORIGIN})
