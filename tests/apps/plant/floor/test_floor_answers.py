"""What the floor answers, and what it never does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.apps.plant.floor import Change, Floor, LinkStatus
from lineside.apps.plant.floor.views import Condition
from lineside.domain.alerts import AlertEvent, AlertKind, AlertState, Verdict
from lineside.domain.nuisance import Grounds, Notice
from lineside.domain.outcomes import NONCONFORMING, Outcome
from lineside.domain.predictions import JudgementState
from lineside.domain.units import HOUR, MINUTE, SECOND
from lineside.testing.clocks import A_MOMENT
from lineside.testing.floors import ALERT, CYCLE, alert_event, busy_floor, part_at, prediction_of, sample_plan

NOW = A_MOMENT
PLAN = sample_plan()


def quiet_floor(**limits: int) -> Floor:
    floor = Floor(PLAN, **limits)
    parts = [part_at(PLAN, "cast", number, NOW - (40 - number) * CYCLE) for number in range(40)]
    floor.apply_parts(parts)
    floor.apply_predictions([prediction_of(part, "porosity") for part in parts])
    return floor


def test_every_station_of_the_busy_floor_says_its_own_condition() -> None:
    busy = busy_floor()
    assert {tile.station: tile.condition for tile in busy.floor.tiles(busy.now)} == {
        "cast": Condition.ALARM,
        "melt": Condition.NOT_JUDGED,
        "trim": Condition.OUTSIDE_EXPERIENCE,
        "quench": Condition.NORMAL,
        "xray": Condition.LEARNING,
        "leak_test": Condition.NO_DATA,
    }


def test_an_alert_is_in_no_answer_before_it_is_revealed() -> None:
    busy = busy_floor(shown=False)
    floor, now = busy.floor, busy.now
    assert floor.tile("cast", now).condition is Condition.NORMAL
    assert floor.open_alerts(now) == ()
    assert ALERT not in {card.id for card in floor.alerts(now)}
    assert floor.card(ALERT, now) is None
    assert floor.alert(ALERT) is None
    assert floor.budget(now).alerts == 0
    assert ALERT not in {item.alert_id for item in _part(floor, now).feedback}
    floor.reveal([event.id for event in floor.withheld()])
    assert floor.withheld() == ()
    assert floor.tile("cast", now).condition is Condition.ALARM
    assert floor.open_alerts(now)[0].id == ALERT
    assert ALERT in {item.alert_id for item in _part(floor, now).feedback}


def _part(floor: Floor, now: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a test's shorthand
    view = floor.part("cast", "cast-118203", "118203", now)
    assert view is not None
    return view


def test_an_update_that_waits_for_the_audit_record_changes_nothing_yet() -> None:
    busy = busy_floor()
    update = alert_event(AlertKind.UPDATED, busy.now, unit="118299", score=0.99, suspects=("118299",))
    busy.floor.apply_alerts([update])
    card = busy.floor.card(ALERT, busy.now)
    assert card is not None
    assert "118299" not in card.suspects
    busy.floor.apply_alerts([update], shown=True)
    card = busy.floor.card(ALERT, busy.now)
    assert card is not None
    assert card.score == 0.99


def test_an_answer_that_comes_before_its_alert_waits_for_it() -> None:
    floor = quiet_floor()
    floor.apply_alerts([alert_event(AlertKind.TAKEN, NOW, by="operator K7")])
    assert floor.alerts(NOW) == ()
    floor.apply_alerts([alert_event(AlertKind.RAISED, NOW - SECOND)], shown=True)
    assert floor.alerts(NOW)[0].taken_by == "operator K7"


def test_the_card_says_what_to_do_why_and_how_far_to_trust_it() -> None:
    busy = busy_floor()
    card = busy.floor.card(ALERT, busy.now)
    assert card is not None
    assert card.text.startswith("Porosity likely")
    assert card.steps[0].text == "Open cooling valve V3 to at least 12 l/min"
    assert [(why.label, why.unit) for why in card.why] == [
        ("Die temperature (moving half)", "degC"),
        ("Cooling water flow", "l/min"),
    ]
    assert (card.trust.confirmed, card.trust.checked) == (17, 20)
    assert card.suspects == ("118199", "118200", "118201", "118202", "118203", "118204")
    assert card.escalates_to == "process engineer"
    assert card.escalates_at == card.raised + 10 * MINUTE
    assert card.trend is not None
    assert card.trend.change is not None
    assert card.signals == 8


def test_an_alert_that_nobody_takes_goes_on_to_whom_the_plan_names_next() -> None:
    busy = busy_floor()

    def owners(after: int) -> tuple[str, str]:
        card = busy.floor.card(ALERT, raised + after)
        assert card is not None
        return card.owner, card.escalates_to

    first = busy.floor.card(ALERT, busy.now)
    assert first is not None
    raised = first.raised
    assert owners(0) == (first.owner, "process engineer")
    assert owners(10 * MINUTE) == ("process engineer", "plant manager")
    assert owners(31 * MINUTE) == ("plant manager", "")
    busy.floor.apply_alerts([alert_event(AlertKind.TAKEN, busy.now, by="operator K7")])
    assert owners(31 * MINUTE) == (first.owner, "")


def test_a_step_that_was_done_is_not_the_next_one() -> None:
    busy = busy_floor()
    busy.floor.apply_alerts([alert_event(AlertKind.STEP, busy.now, step=2, by="operator K7")])
    card = busy.floor.card(ALERT, busy.now)
    assert card is not None
    assert [step.done for step in card.steps] == [True, False, False, False]


@pytest.mark.parametrize(
    ("kind", "fields", "state", "still_open"),
    [
        (AlertKind.TAKEN, {}, AlertState.ACKNOWLEDGED, True),
        (AlertKind.SHELVED, {"until": NOW + HOUR}, AlertState.SHELVED, False),
        (AlertKind.SHELVED, {"until": NOW - 1}, AlertState.UNACKNOWLEDGED, True),
        (AlertKind.CLEARED, {}, AlertState.RETURNED, True),
        (AlertKind.CLOSED, {"verdict": Verdict.CONFIRMED}, AlertState.CLOSED, False),
    ],
)
def test_what_an_event_makes_of_the_alert(
    kind: AlertKind, fields: dict[str, object], state: AlertState, *, still_open: bool
) -> None:
    busy = busy_floor(NOW)
    busy.floor.apply_alerts([alert_event(kind, NOW - SECOND, **fields)], shown=True)
    card = busy.floor.card(ALERT, NOW)
    assert card is not None
    assert card.state is state
    assert (ALERT in {item.id for item in busy.floor.open_alerts(NOW)}) is still_open


def test_a_late_alert_is_a_containment_and_comes_after_live_ones() -> None:
    floor = quiet_floor()
    late = alert_event(AlertKind.RAISED, NOW, alert_id="late", late=True, suspects=("31", "32"))
    floor.apply_alerts([late], shown=True)
    assert floor.tile("cast", NOW).condition is Condition.CONTAINMENT
    floor.apply_alerts([alert_event(AlertKind.RAISED, NOW - MINUTE)], shown=True)
    assert [card.late for card in floor.open_alerts(NOW)] == [False, True]
    assert floor.budget(NOW).alerts == 1


def test_a_station_whose_link_is_lost_says_so_even_while_its_last_part_is_fresh() -> None:
    floor = quiet_floor()
    assert floor.tile("cast", NOW).condition is Condition.NORMAL
    floor.apply_status({"m": LinkStatus(name="m", ok=False, detail="source lost", stations=("cast",))})
    tile = floor.tile("cast", NOW)
    assert (tile.condition, tile.detail, tile.stale) == (Condition.NO_DATA, "source lost", True)
    floor.apply_status({"m": LinkStatus(name="m", ok=True, stations=("cast",))})
    assert floor.tile("cast", NOW).condition is Condition.NORMAL


def test_a_station_that_falls_silent_says_so_and_keeps_its_alert() -> None:
    floor = quiet_floor()
    much_later = NOW + HOUR
    assert floor.tile("cast", much_later).condition is Condition.NO_DATA
    floor.apply_alerts([alert_event(AlertKind.RAISED, NOW)], shown=True)
    tile = floor.tile("cast", much_later)
    assert (tile.condition, tile.stale) == (Condition.ALARM, True)


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        (JudgementState.NORMAL, Condition.NORMAL),
        (JudgementState.OUTSIDE_EXPERIENCE, Condition.OUTSIDE_EXPERIENCE),
        (JudgementState.WARMING_UP, Condition.LEARNING),
        (JudgementState.BAD_DATA, Condition.BAD_DATA),
    ],
)
def test_states_that_are_neither_good_nor_bad_are_told_apart(state: JudgementState, condition: Condition) -> None:
    floor = quiet_floor()
    part = part_at(PLAN, "cast", 99, NOW)
    floor.apply_parts([part])
    floor.apply_predictions([prediction_of(part, "porosity", state=state, reason="why")])
    tile = floor.tile("cast", NOW)
    assert (tile.condition, tile.detail) == (condition, "why")


def test_memory_is_bounded() -> None:
    floor = quiet_floor(most_parts=10, most_alerts=3)
    assert len(floor.parts(station="cast")) == 10
    assert len(floor.predictions()) == 10
    for number in range(6):
        raised = alert_event(AlertKind.RAISED, NOW + number, alert_id=f"a{number}")
        floor.apply_alerts([raised, alert_event(AlertKind.CLOSED, NOW + number, alert_id=f"a{number}")], shown=True)
    assert [card.id for card in floor.alerts(NOW + HOUR)] == ["a5", "a4", "a3"]


def test_an_alert_that_still_stands_outlives_newer_closed_ones() -> None:
    floor = quiet_floor(most_alerts=2)
    floor.apply_alerts([alert_event(AlertKind.RAISED, NOW, alert_id="stands")], shown=True)
    for number in range(3):
        name = f"a{number}"
        floor.apply_alerts(
            [
                alert_event(AlertKind.RAISED, NOW + MINUTE, alert_id=name),
                alert_event(AlertKind.CLOSED, NOW + MINUTE, alert_id=name),
            ],
            shown=True,
        )
    assert "stands" in {card.id for card in floor.alerts(NOW + HOUR)}


@given(st.permutations(range(12)), st.integers(0, 3))
def test_the_order_of_records_and_their_repetition_change_no_answer(order: list[int], repeats: int) -> None:
    parts = [part_at(PLAN, "cast", number, NOW - number * CYCLE) for number in range(12)]
    shuffled = Floor(PLAN)
    for _ in range(repeats + 1):
        for number in order:
            shuffled.apply_predictions([prediction_of(parts[number], "porosity", score=number / 100)])
            shuffled.apply_parts([parts[number]])
    plain = Floor(PLAN)
    plain.apply_parts(parts)
    plain.apply_predictions([prediction_of(part, "porosity", score=n / 100) for n, part in enumerate(parts)])
    assert shuffled.parts() == plain.parts()
    assert shuffled.tile("cast", NOW) == plain.tile("cast", NOW)
    assert [view.judged for view in shuffled.models()] == [12]


def test_a_part_shows_its_features_against_what_is_usual_under_its_conditions() -> None:
    view = _part(busy_floor().floor, NOW)
    die = next(item for item in view.features if item.name == "die_temperature_moving")
    assert (die.low, die.high, die.outside, die.by_model) == (198.0, 214.0, True, True)
    fill = next(item for item in view.features if item.name == "fill_time")
    assert fill.low is not None
    assert fill.high is not None
    assert fill.low < 41.0 < fill.high
    assert not fill.by_model


def test_a_feature_without_a_value_is_neither_inside_nor_outside() -> None:
    floor = quiet_floor()
    part = part_at(PLAN, "cast", 99, NOW)
    features = part.features.copy()
    features[2] = np.nan
    floor.apply_parts([replace(part, features=features, missing=("die_temperature_moving",))])
    view = floor.part("cast", part.cycle_id, "99", NOW)
    assert view is not None
    assert (view.features[2].value, view.features[2].outside) == (None, False)
    assert view.missing == ("die_temperature_moving",)


def test_a_part_of_an_older_plan_is_shown_without_its_features() -> None:
    floor = quiet_floor()
    floor.apply_parts([replace(part_at(PLAN, "cast", 99, NOW), recipe="older", features=np.zeros(2))])
    view = floor.part("cast", "cast-99", "99", NOW)
    assert view is not None
    assert view.features == ()
    assert floor.trends("cast")
    assert floor.tile("cast", NOW).last_part == NOW


def test_feedback_and_outcomes_stand_in_the_record_of_the_part() -> None:
    busy = busy_floor()
    closing = alert_event(
        AlertKind.CLOSED, NOW, verdict=Verdict.CONFIRMED, cause_code="porosity_cooling", by="operator K7"
    )
    busy.floor.apply_alerts([closing])
    busy.floor.apply_outcomes(
        [Outcome(unit="118203", characteristic="porosity", value=NONCONFORMING, found=NOW, source="inspection")]
    )
    view = _part(busy.floor, NOW)
    assert [(item.verdict, item.by) for item in view.feedback] == [(Verdict.CONFIRMED, "operator K7")]
    assert [item.value for item in view.outcomes] == [NONCONFORMING]
    card = busy.floor.card(ALERT, NOW)
    assert card is not None
    assert [item.unit for item in card.found] == ["118203"]


def test_of_revised_outcomes_the_highest_revision_holds_whatever_comes_first() -> None:
    floor = quiet_floor()
    first = Outcome(unit="3", characteristic="porosity", value="conforming", found=NOW, source="x-ray")
    second = replace(first, value=NONCONFORMING, revision=2)
    floor.apply_outcomes([second, first])
    assert floor.unit("3")[0].outcome == NONCONFORMING


def test_a_unit_shows_every_station_that_it_passed() -> None:
    assert {item.station for item in busy_floor().floor.unit("118200")} == {
        "cast", "melt", "trim", "quench", "xray", "leak_test",
    }  # fmt: skip


def test_listeners_hear_what_changed_until_they_stop() -> None:
    floor = Floor(PLAN)
    heard: list[Change] = []
    stop = floor.listen(heard.append)
    part = part_at(PLAN, "cast", 1, NOW)
    floor.apply_parts([part])
    floor.apply_parts([part])
    floor.apply_alerts([alert_event(AlertKind.RAISED, NOW)])
    floor.reveal([event.id for event in floor.withheld()])
    floor.apply_status({"m": LinkStatus(name="m", ok=True)})
    floor.apply_status({"m": LinkStatus(name="m", ok=True)})
    stop()
    floor.apply_parts([part_at(PLAN, "cast", 2, NOW)])
    assert heard == [
        Change(stations=frozenset({"cast"})),
        Change(withheld=True),
        Change(stations=frozenset({"cast"}), alerts=frozenset({ALERT})),
        Change(links=True),
    ]


def test_records_of_stations_that_the_plan_does_not_know_are_left_alone() -> None:
    floor = Floor(PLAN)
    stranger: AlertEvent = alert_event(AlertKind.RAISED, NOW, station="elsewhere")
    floor.apply_alerts([stranger], shown=True)
    floor.apply_parts([replace(part_at(PLAN, "cast", 1, NOW), station="elsewhere")])
    assert floor.parts() == ()
    assert floor.alerts(NOW) == ()


def test_the_age_of_the_data_is_that_of_the_newest_thing_received() -> None:
    floor = quiet_floor()
    newest = floor.newest()
    assert newest == NOW - CYCLE + SECOND // 5
    floor.apply_status({"m": LinkStatus(name="m", ok=True, last_received=NOW)})
    assert floor.newest() == NOW


def test_the_surroundings_begin_with_what_the_envelope_names() -> None:
    assert [item.signal for item in busy_floor().floor.surroundings()] == ["hall_temperature", "hall_humidity"]


def test_an_alert_that_is_over_but_not_answered_is_no_alarm_any_more_and_comes_last() -> None:
    busy = busy_floor()
    busy.floor.apply_alerts([alert_event(AlertKind.CLEARED, NOW)], shown=True)
    assert busy.floor.tile("cast", NOW).condition is Condition.RETURNED
    assert [card.station for card in busy.floor.open_alerts(NOW)] == ["trim", "cast"]


def test_a_tile_says_that_somebody_is_on_it() -> None:
    busy = busy_floor()
    assert not busy.floor.tile("cast", NOW).taken
    busy.floor.apply_alerts([alert_event(AlertKind.TAKEN, NOW, by="operator K7")])
    tile = busy.floor.tile("cast", NOW)
    assert (tile.condition, tile.taken) == (Condition.ALARM, True)


def test_the_curve_of_an_alert_that_is_over_ends_when_it_was() -> None:
    busy = busy_floor()
    over = NOW - SECOND
    busy.floor.apply_alerts([alert_event(AlertKind.CLEARED, over)], shown=True)
    busy.floor.apply_parts([part_at(PLAN, "cast", 118_205, NOW)])
    card = busy.floor.card(ALERT, NOW)
    assert card is not None
    assert card.trend is not None
    assert max(card.trend.times) < over


def raise_and_answer(floor: Floor, number: int, verdict: Verdict | None) -> str:
    """Let one alert of a cause come, go and be answered, an hour after the one before; return its id."""
    start = NOW + number * HOUR
    name = f"cast/porosity/porosity_cooling/{number}"
    events = [alert_event(AlertKind.RAISED, start, alert_id=name, id=f"{name}#raised", unit=f"U{number}")]
    if verdict is not None:
        events += [
            alert_event(AlertKind.CLEARED, start + 1, alert_id=name, id=f"{name}#cleared"),
            alert_event(AlertKind.CLOSED, start + 2, alert_id=name, id=f"{name}#closed", verdict=verdict),
        ]
    floor.apply_alerts(events, shown=True)
    return name


def test_a_cause_that_is_seldom_right_stops_interrupting_and_the_board_says_so() -> None:
    floor = quiet_floor()
    for number in range(6):
        raise_and_answer(floor, number, Verdict.NO_DEFECT)
    name = raise_and_answer(floor, 6, None)
    now = NOW + 6 * HOUR + 1
    card = floor.card(name, now)
    assert card is not None
    assert card.notice is Notice.LOG
    assert floor.open_alerts(now) == ()
    assert [item.id for item in floor.logged_alerts(now)] == [name]
    assert floor.budget(now).demoted == (("cast", "porosity", "porosity_cooling"),)
    assert floor.tile("cast", now).condition is not Condition.ALARM


def test_inspection_outweighs_what_was_answered() -> None:
    floor = quiet_floor()
    for number in range(6):
        raise_and_answer(floor, number, Verdict.NO_DEFECT)
    floor.apply_outcomes(
        Outcome(unit=f"U{number}", characteristic="porosity", value=NONCONFORMING, found=NOW + number, source="xray")
        for number in range(6)
    )
    [standing] = floor.notices().standings.values()
    assert standing.level is Notice.INTERRUPT


def test_more_alerts_than_the_shift_allows_advise_and_are_still_listed() -> None:
    floor = quiet_floor()
    names = []
    for number in range(6):
        name = f"cast/porosity/cause_{number}/x"
        names.append(name)
        floor.apply_alerts(
            [alert_event(AlertKind.RAISED, NOW + number, alert_id=name, id=name, cause=f"cause_{number}")], shown=True
        )
    cards = floor.open_alerts(NOW + 10)
    assert len(cards) == 6
    assert sum(card.notice is Notice.INTERRUPT for card in cards) == 4
    assert {card.grounds for card in cards[4:]} == {Grounds.BUDGET}


def test_a_shelved_cause_is_held_back_when_it_comes_again_and_can_be_shown() -> None:
    floor = quiet_floor()
    first = raise_and_answer(floor, 0, Verdict.CONFIRMED)
    shelved = alert_event(AlertKind.SHELVED, NOW + 3, alert_id=first, id="shelved", until=NOW + 4 * HOUR, writer="b")
    floor.apply_alerts([shelved], shown=True)
    second = raise_and_answer(floor, 1, None)
    assert [card.id for card in floor.held_alerts(NOW + HOUR + 1)] == [second]
    shown = alert_event(AlertKind.UNSHELVED, NOW + HOUR + 2, alert_id=second, id="shown", writer="b")
    floor.apply_alerts([shown], shown=True)
    assert [card.id for card in floor.open_alerts(NOW + HOUR + 3)] == [second]
