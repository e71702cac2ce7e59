"""The language that somebody reads: what they chose, wherever they log in; else what the place or a browser says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from board_client import BoardClient, client_of
from board_pictures import CARD
from lineside.adapters.state_sql.screens import Screen
from lineside.apps.plant.board.tokens import hashed
from lineside.apps.plant.floor.views import Condition
from lineside.domain.access import AccessRole
from lineside.domain.alerts import AlertKind
from lineside.domain.judging.wording import word_outside
from lineside.domain.plan.model import Plan
from lineside.domain.said import Language
from lineside.domain.units import HOUR
from lineside.testing.boards import PASSWORD, Bench, make_bench
from lineside.testing.floors import alert_event, busy_floor, sample_plan


async def test_it_goes_with_the_account_to_another_browser(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        assert (await client.send_form("/", "/language", language="de")).status_code == 303
        assert '<html lang="de"' in (await client.get("/alerts")).text
    async with client_of(bench, "10.0.0.6") as elsewhere:
        elsewhere.headers["accept-language"] = "es"
        assert '<html lang="es"' in (await elsewhere.get("/login")).text
        await elsewhere.log_in("operator")
        assert '<html lang="de"' in (await elsewhere.get("/alerts")).text
    bench.state.close()


async def test_a_stranger_chooses_on_the_login_page_and_only_what_there_is(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        answer = await client.send_form("/login", "/login/language", language="pt")
        assert answer.headers["location"] == "/login"
        assert '<html lang="pt"' in (await client.get("/login")).text
        await client.send_form("/login", "/login/language", language="xx")
        assert '<html lang="en"' in (await client.get("/login")).text
    bench.state.close()


def speaking_plan() -> Plan:
    """The sample plan of a line that speaks German and has a station that speaks Chinese."""
    plan = sample_plan()
    line = plan.line.model_copy(update={"language": Language.GERMAN})
    stations = [
        item.model_copy(update={"language": Language.CHINESE}) if item.id == "trim" else item for item in plan.stations
    ]
    return plan.model_copy(update={"line": line, "stations": tuple(stations)})


async def test_a_screen_speaks_what_its_station_says_else_the_line_unless_somebody_chose(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, floor=busy_floor(plan=speaking_plan()).floor)
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        client.headers["accept-language"] = "es"
        assert '<html lang="de"' in (await client.get("/login")).text
        await client.log_in("operator")
        assert '<html lang="de"' in (await client.get("/")).text
        at_station = (await client.get("/stations/trim")).text
        assert '<html lang="zh"' in at_station
        assert 'data-live="/live?language=zh"' in at_station
        assert '<html lang="de"' in (await client.get("/stations/cast")).text
        card = next(card.id for card in bench.floor.alerts(bench.clock.now()) if card.station == "trim")
        assert '<html lang="zh"' in (await client.get(f"/alerts/{card}")).text
        await client.send_form("/", "/language", language="pt")
        assert '<html lang="pt"' in (await client.get("/stations/trim")).text
    bench.state.close()


async def test_an_address_may_say_a_language_below_what_somebody_chose(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, floor=busy_floor(plan=speaking_plan()).floor)
    async with client_of(bench) as client:
        assert '<html lang="es"' in (await client.get("/login?language=es")).text
        assert '<html lang="de"' in (await client.get("/login?language=xx")).text
        await client.send_form("/login", "/login/language", language="pt")
        assert '<html lang="pt"' in (await client.get("/login?language=es")).text
    bench.state.close()


async def test_the_andon_says_labels_and_texts_in_the_language_that_is_asked_for_and_states_as_ever(
    tmp_path: Path,
) -> None:
    plan = speaking_plan().model_copy(
        update={"words": {"de": {"Cast": "Gießen", "Porosity": "Porosität"}, "es": {"Cast": "Fundición"}}}
    )
    bench = make_bench(tmp_path, floor=busy_floor(plan=plan).floor)
    now = bench.clock.now()
    screen = Screen(id="s", label="s", stations=("cast",), origins=(), created=now, expires=now + HOUR)
    await bench.state.screens.add(screen, hashed("t"))
    async with client_of(bench) as client:
        for wish, language, label in (("", "de", "Gießen"), ("&language=es", "es", "Fundición")):
            said = (await client.get(f"/andon?token=t{wish}")).json()
            assert said["language"] == language
            [station] = said["stations"]
            assert (station["label"], station["state"]) == (label, "alarm")
    bench.state.close()


async def test_the_component_brings_every_state_in_every_language(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        script = (await client.get("/static/lineside-alerts.js")).text
    bench.state.close()
    words = json.loads(script.partition("const WORDS = ")[2].partition(";\n")[0])
    assert set(words) == set(Language)
    for said in words.values():
        assert set(said) == {*(condition.value for condition in Condition), "lost"}
    for name in ("alarm", "returned", "lost"):
        assert len({said[name] for said in words.values()}) == len(Language)


async def test_an_installed_board_is_described_in_the_language_of_its_place(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, floor=busy_floor(plan=speaking_plan()).floor)
    async with client_of(bench) as client:
        answer = await client.get("/static/lineside.webmanifest")
        assert answer.headers["content-type"] == "application/manifest+json"
        assert (answer.json()["lang"], answer.json()["id"]) == ("de", "/")
        assert answer.json()["description"].startswith("Was an der Linie")
    bench.state.close()


async def test_who_comes_by_a_messages_link_logs_in_in_its_language(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        answer = await client.get(f"{CARD}?language=de")
        assert answer.status_code == 303
        assert '<html lang="de"' in (await client.get(answer.headers["location"])).text
    bench.state.close()


async def test_a_refused_login_goes_on_in_the_language_of_its_address(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        there = "/login?language=es"
        answer = await client.send_form(there, there, name="nobody", password="not the one")
        assert answer.status_code == 401
        assert '<html lang="es"' in answer.text
        assert f'action="{there}"' in answer.text
    bench.state.close()


async def test_a_frame_that_shows_one_station_speaks_its_language(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, floor=busy_floor(plan=speaking_plan()).floor)
    now = bench.clock.now()
    for name, stations in (("one", ("trim",)), ("two", ("trim", "cast"))):
        screen = Screen(id=name, label=name, stations=stations, origins=(), created=now, expires=now + HOUR)
        await bench.state.screens.add(screen, hashed(name))
    async with client_of(bench) as client:
        assert '<html lang="zh"' in (await client.get("/embed?token=one")).text
        assert '<html lang="de"' in (await client.get("/embed?token=two")).text
        assert '<html lang="es"' in (await client.get("/embed?token=two&language=es")).text
    bench.state.close()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "dance"}, "Antwort"),
        ({"kind": "shelved", "note": "x"}, "Wie lange: sagen Sie, für wie lange: höchstens 4 h"),
        ({"kind": "shelved", "minutes": "15"}, "Warum: sagen Sie, warum"),
        ({"kind": "shelved", "minutes": "x"}, "Wie lange: eine ganze Zahl wird gebraucht"),
        ({"kind": "step", "step": "2", "value": "99,5"}, "Wert: 99,5 l/min kann nicht sein: zwischen 0 und 60. Lesen"),
        ({"kind": "step", "step": "2", "value": "viel"}, "Wert: das ist keine Zahl"),
        ({"kind": "step", "step": "3", "value": "4"}, "dieser Schritt nimmt keinen Wert"),
        ({"kind": "closed"}, "Ergebnis: sagen Sie, was sich ergeben hat"),
        ({"kind": "closed", "verdict": "no_defect", "cause_code": "moon"}, "keine Ursache dieses Alarms"),
        ({"kind": "agreed"}, "dieser Alarm ist noch nicht geschlossen"),
    ],
)
async def test_a_refused_answer_is_explained_in_the_readers_language(
    operator: BoardClient, bench: Bench, fields: dict[str, str], words: str
) -> None:
    await operator.send_form("/", "/language", language="de")
    answer = await operator.send_form(CARD, f"{CARD}/respond", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert bench.answers == []


async def test_refused_accounts_and_passwords_are_explained_in_the_readers_language(
    admin: BoardClient, bench: Bench
) -> None:
    await admin.send_form("/", "/language", language="de")
    off = await bench.account(AccessRole.OPERATOR, "off")
    await bench.state.accounts.set_disabled(off.id, disabled=True)
    said = [
        (await admin.send_form("/users", "/users", name="off", role="operator")).text,
        (await admin.send_form("/users", "/users", name="x", role="operator")).text,
        (await admin.send_form("/users", f"/users/{off.id}", do="reset")).text,
        (await admin.send_form("/users", f"/users/{off.id}", do="dance")).text,
        (await admin.send_form("/password", "/password", old=PASSWORD, password="a", again="b")).text,
        (await admin.send_form("/password", "/password", old=PASSWORD, password="short", again="short")).text,
        (await admin.send_form("/password", "/password", old="wrong", password="a", again="a")).text,
    ]
    for text, words in zip(
        said,
        (
            "Name: diesen Namen gibt es schon. Wählen Sie einen anderen.",
            "Name: nehmen Sie 2 bis 100 Zeichen",
            "Name: dieses Konto ist gesperrt. Geben Sie es zuerst wieder frei.",
            "Etwas in der Anfrage ist nicht, wie es sein muss.",
            "Passwort: die beiden Passwörter sind verschieden",
            "Passwort: nehmen Sie mindestens",
            "Das alte Passwort",
        ),
        strict=True,
    ):
        assert words in text


async def test_why_conditions_are_outside_experience_is_said_in_the_readers_language(tmp_path: Path) -> None:
    plan = sample_plan(words={"de": {"Hall": "Halle", "Look first.": "Zuerst hinsehen."}})
    bench = make_bench(tmp_path, floor=busy_floor(plan=plan).floor)
    outside = word_outside("Hall", 36.5, (12.0, 33.5), "degC")
    name = "trim/burr/outside_experience/trim-118204"
    raised = alert_event(
        AlertKind.RAISED, bench.clock.now(), alert_id=name, station="trim", characteristic="burr",
        cause="outside_experience", text=f"{outside} Look first.", unit="118204", cycle_id="trim-118204",
    )  # fmt: skip
    bench.floor.apply_alerts([raised], shown=True)
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        english = (await client.get(f"/alerts/{name}")).text
        assert f"{outside} Look first.".replace("36.5 degC", "36.5\N{NO-BREAK SPACE}°C") in english
        await client.send_form("/", "/language", language="de")
        html = (await client.get(f"/alerts/{name}")).text
    said = "Halle 36,5\N{NO-BREAK SPACE}°C: wärmer als alles Gelernte (bis 33,5)."
    assert f"{said} Kein Urteil und kein Hinweis auf einen Fehler; prüfen Sie, wie der Plan es sagt. Zuerst" in html
    bench.state.close()
