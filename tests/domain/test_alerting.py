from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.alerting import AlertEngine, usual_deadband
from lineside.domain.alerts import AlertEvent, AlertKind, AlertState, fold
from lineside.domain.metrics.episodes import episodes_of
from lineside.domain.plan.model import AlertDelays, Plan, Priority
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.units import MINUTE
from lineside.testing.plans import CASTING

STEP = {"do": "adjust", "text": "Open the chiller valve"}
PLAN = Plan.model_validate(
    {
        **CASTING,
        "sources": [{"id": "machine", "kind": "opcua"}],
        "stations": [{"id": "cast", "cycle": {"by": "rows"}}],
        "signals": [{"id": "die_temp", "station": "cast", "source": "machine"}],
        "characteristics": [{"id": "porosity", "station": "cast"}],
        "reactions": [
            {
                "id": "cooling",
                "characteristic": "porosity",
                "signals": ["die_temp"],
                "text": "Porosity likely: cooling is too weak.",
                "priority": "critical",
                "steps": [STEP],
            },
            {"id": "other", "characteristic": "porosity", "text": "Porosity likely.", "steps": [STEP]},
        ],
    }
)


def judged(number: int, state: JudgementState, cause: str = "cooling", **more: Any) -> Prediction:
    return Prediction(
        cycle_id=f"cast-{number}",
        unit=f"U{number}",
        station="cast",
        characteristic="porosity",
        model="porosity-1",
        plan="digest",
        started=number,
        ended=number + 1,
        received=number + 1,
        judged=number + 2,
        state=state,
        score=1.0,
        limit=0.5,
        cause=cause,
        **more,
    )


def observe(engine: AlertEngine, *predictions: Prediction) -> list[AlertEvent]:
    return [event for item in predictions for event in engine.observe(item, item.judged)]


ALARM, NORMAL = JudgementState.ALARM, JudgementState.NORMAL


def test_repeats_extend_the_one_open_alert_with_their_suspect_parts() -> None:
    engine = AlertEngine(PLAN, "cast", "gateway-1")
    events = observe(engine, judged(1, ALARM), judged(2, ALARM), judged(3, ALARM))
    assert [event.kind for event in events] == [AlertKind.RAISED, AlertKind.UPDATED, AlertKind.UPDATED]
    [alert] = fold(events).values()
    assert alert.suspects == ("U1", "U2", "U3")
    assert events[0].priority is Priority.CRITICAL


def test_an_alert_clears_after_three_good_parts_in_a_row() -> None:
    engine = AlertEngine(PLAN, "cast", "gateway-1")
    states = (ALARM, NORMAL, ALARM, NORMAL, NORMAL)
    events = observe(engine, *(judged(number, state) for number, state in enumerate(states, 1)))
    assert AlertKind.CLEARED not in {event.kind for event in events}
    assert [event.kind for event in observe(engine, judged(6, NORMAL))] == [AlertKind.CLEARED]


def delayed(raise_after: int, clear_after: int) -> Plan:
    (porosity,) = PLAN.characteristics
    delays = AlertDelays(raise_after=raise_after, clear_after=clear_after)
    return PLAN.model_copy(update={"characteristics": (porosity.model_copy(update={"alert": delays}),)})


@given(
    st.lists(st.booleans(), max_size=40),
    st.integers(min_value=1, max_value=4),
    st.integers(min_value=1, max_value=5),
)
def test_alerts_are_raised_exactly_where_the_figures_count_episodes(
    alarms: list[bool], raise_after: int, clear_after: int
) -> None:
    engine = AlertEngine(delayed(raise_after, clear_after), "cast", "gateway-1")
    raised = [
        number
        for number, alarm in enumerate(alarms)
        for event in observe(engine, judged(number, ALARM if alarm else NORMAL))
        if event.kind is AlertKind.RAISED
    ]
    episodes = episodes_of(np.array(alarms, dtype=np.bool_), ["run"] * len(alarms), clear_after, raise_after)
    assert raised == [item.first for item in episodes]


def test_an_alert_that_waited_for_more_parts_names_them_all_as_suspects() -> None:
    engine = AlertEngine(delayed(3, 3), "cast", "gateway-1")
    events = observe(engine, *(judged(number, ALARM) for number in (1, 2, 3)))
    assert [event.kind for event in events] == [AlertKind.RAISED]
    assert events[0].suspects == ("U1", "U2", "U3")


def test_another_cause_opens_another_alert() -> None:
    engine = AlertEngine(PLAN, "cast", "gateway-1")
    assert len(fold(observe(engine, judged(1, ALARM), judged(2, ALARM, "vacuum")))) == 2


def test_a_part_judged_too_late_raises_a_containment_alert_that_interrupts_nobody() -> None:
    engine = AlertEngine(PLAN, "cast", "gateway-1")
    [event] = observe(engine, judged(1, ALARM, late=True))
    assert event.late
    assert event.priority is Priority.ADVISORY


def test_outside_experience_is_no_alert_unless_the_plan_reacts_to_it() -> None:
    engine = AlertEngine(PLAN, "cast", "gateway-1")
    assert observe(engine, judged(1, JudgementState.OUTSIDE_EXPERIENCE)) == []
    content = PLAN.model_dump(mode="json")
    unknown = {"id": "unknown", "characteristic": "porosity", "when": "outside_experience"}
    content["reactions"].append({**unknown, "text": "Conditions are new.", "steps": [STEP]})
    engine = AlertEngine(Plan.model_validate(content), "cast", "gateway-1")
    [event] = observe(engine, judged(1, JudgementState.OUTSIDE_EXPERIENCE))
    assert (event.cause, event.text) == ("outside_experience", "Conditions are new.")
    assert event.priority is Priority.ADVISORY


def test_the_card_of_unknown_conditions_says_first_which_condition_it_is() -> None:
    content = PLAN.model_dump(mode="json")
    unknown = {"id": "unknown", "characteristic": "porosity", "when": "outside_experience"}
    content["reactions"].append({**unknown, "text": "Look at one part in twenty.", "steps": [STEP]})
    engine = AlertEngine(Plan.model_validate(content), "cast", "gateway-1")
    found = replace(judged(1, JudgementState.OUTSIDE_EXPERIENCE), reason="Hall 36 degC: warmer than learned.")
    [event] = observe(engine, found)
    assert event.text == "Hall 36 degC: warmer than learned. Look at one part in twenty."


def test_a_restored_engine_goes_on_with_the_alert_that_was_open() -> None:
    engine = AlertEngine(PLAN, "cast", "gateway-1")
    before = observe(engine, judged(1, ALARM))
    again = AlertEngine(PLAN, "cast", "gateway-1")
    again.restore(before)
    [event] = observe(again, judged(2, ALARM))
    assert (event.kind, event.alert_id) == (AlertKind.UPDATED, before[0].alert_id)


STATES = st.lists(st.sampled_from([ALARM, ALARM, NORMAL, NORMAL, JudgementState.WARMING_UP]), max_size=40)


@given(STATES, st.lists(st.sampled_from(["cooling", "vacuum"]), min_size=40, max_size=40), st.integers(0, 40))
def test_an_engine_that_a_restart_cut_says_the_same_as_one_that_went_on(
    states: list[JudgementState], causes: list[str], cut: int
) -> None:
    predictions = [judged(number, state, causes[number]) for number, state in enumerate(states)]
    whole = AlertEngine(delayed(2, 3), "cast", "g")
    before, after = observe(whole, *predictions[:cut]), observe(whole, *predictions[cut:])
    again = AlertEngine(delayed(2, 3), "cast", "g")
    again.restore(before, predictions[:cut])
    assert observe(again, *predictions[cut:]) == after


def test_an_alert_whose_beginning_is_no_longer_known_goes_on() -> None:
    events = observe(AlertEngine(PLAN, "cast", "g"), *(judged(number, ALARM) for number in (1, 2, 3)))
    again = AlertEngine(PLAN, "cast", "g")
    again.restore(events[2:], [judged(3, ALARM)])
    [event] = observe(again, judged(4, ALARM))
    assert (event.kind, event.alert_id) == (AlertKind.UPDATED, events[0].alert_id)


def test_an_alert_that_was_raised_anew_after_its_closing_is_the_one_that_goes_on() -> None:
    engine = AlertEngine(with_delays(realarm_after="10 min"), "cast", "g")
    [raised] = observe(engine, judged(1, ALARM))
    engine.hear(fold([raised, answer(AlertKind.CLOSED, 100)])[raised.alert_id])
    [anew] = engine.observe(judged(2, ALARM), 100 + 10 * MINUTE)
    again = AlertEngine(with_delays(realarm_after="10 min"), "cast", "g")
    again.restore([raised, anew], [judged(1, ALARM), judged(2, ALARM)])
    [event] = observe(again, judged(3, ALARM))
    assert (event.kind, event.alert_id) == (AlertKind.UPDATED, anew.alert_id)


@given(st.lists(st.sampled_from([ALARM, NORMAL, JudgementState.WARMING_UP]), max_size=40), st.randoms())
def test_the_events_of_an_alert_make_the_same_alert_in_any_order_and_number(
    states: list[JudgementState], shuffle: Any
) -> None:
    events = observe(AlertEngine(PLAN, "cast", "g"), *(judged(n, state) for n, state in enumerate(states)))
    mixed = events + events[::2]
    shuffle.shuffle(mixed)
    assert fold(mixed) == fold(events)
    assert sum(alert.active for alert in fold(events).values()) <= 1


def answer(kind: AlertKind, time: int, **more: Any) -> AlertEvent:
    where: dict[str, Any] = {"station": "cast", "characteristic": "porosity", "cause": "cooling", "writer": "plant"}
    alert_id = "cast/porosity/cooling/cast-1"
    return AlertEvent(id=f"{kind}{time}", alert_id=alert_id, kind=kind, time=time, **where, **more)


def state_after(*events: AlertEvent, now: int = 100) -> AlertState:
    raised = observe(AlertEngine(PLAN, "cast", "g"), judged(1, ALARM))
    return fold([*raised, *events])[raised[0].alert_id].state(now)


def test_the_life_of_an_alert_follows_the_table_of_states() -> None:
    assert state_after() is AlertState.UNACKNOWLEDGED
    assert state_after(answer(AlertKind.TAKEN, 5)) is AlertState.ACKNOWLEDGED
    assert state_after(answer(AlertKind.CLEARED, 6)) is AlertState.RETURNED
    assert state_after(answer(AlertKind.TAKEN, 5), answer(AlertKind.CLEARED, 6)) is AlertState.NORMAL
    assert state_after(answer(AlertKind.SHELVED, 5, until=200)) is AlertState.SHELVED
    assert state_after(answer(AlertKind.SHELVED, 5, until=50)) is AlertState.UNACKNOWLEDGED
    assert state_after(answer(AlertKind.CLOSED, 9)) is AlertState.CLOSED


def with_delays(**delays: Any) -> Plan:
    (porosity,) = PLAN.characteristics
    return PLAN.model_copy(update={"characteristics": (porosity.model_copy(update={"alert": AlertDelays(**delays)}),)})


def test_a_score_within_the_deadband_below_the_limit_does_not_clear_the_alert() -> None:
    engine = AlertEngine(with_delays(clear_after=1, deadband=0.1), "cast", "g")
    observe(engine, judged(1, ALARM))
    near = replace(judged(2, NORMAL), score=0.46, limit=0.5)
    assert observe(engine, near) == []
    assert [event.kind for event in observe(engine, replace(near, score=0.44))] == [AlertKind.CLEARED]


def test_the_deadband_is_by_the_kind_of_the_causes_signals_unless_the_plan_says() -> None:
    assert [usual_deadband(unit) for unit in ("l/min", "bar", "degC", "", "1")] == [0.05, 0.02, 0.01, 0.0, 0.0]
    content = with_delays(clear_after=1).model_dump(mode="json")
    content["signals"][0]["unit"] = "l/min"
    engine = AlertEngine(Plan.model_validate(content), "cast", "g")
    observe(engine, judged(1, ALARM))
    assert observe(engine, replace(judged(2, NORMAL), score=0.48, limit=0.5)) == []
    assert observe(engine, replace(judged(3, NORMAL), score=0.47, limit=0.5)) != []


def test_a_closed_alert_whose_condition_stands_is_raised_anew_after_its_time() -> None:
    engine = AlertEngine(with_delays(realarm_after="10 min"), "cast", "g")
    [raised] = observe(engine, judged(1, ALARM))
    closed = answer(AlertKind.CLOSED, 100)
    engine.hear(fold([raised, closed])[raised.alert_id])
    [soon] = engine.observe(judged(2, ALARM), 100 + 10 * MINUTE - 1)
    assert (soon.kind, soon.alert_id) == (AlertKind.UPDATED, raised.alert_id)
    [again] = engine.observe(judged(3, ALARM), 100 + 10 * MINUTE)
    assert (again.kind, again.alert_id) == (AlertKind.RAISED, "cast/porosity/cooling/cast-3")


def test_an_alarm_in_a_context_of_silence_is_recorded_and_shown_once_it_outlasts_it() -> None:
    engine = AlertEngine(PLAN, "cast", "g")
    first = engine.observe(judged(1, ALARM), 1, "warm_up")
    [alert] = fold(first).values()
    assert (alert.state(5), alert.suppressed) == (AlertState.SUPPRESSED, "warm_up")
    later = engine.observe(judged(2, ALARM), 2)
    [alert] = fold([*first, *later]).values()
    assert alert.state(5) is AlertState.UNACKNOWLEDGED
    assert alert.suspects == ("U1", "U2")


def test_shelving_holds_back_the_next_alert_of_the_same_cause_too() -> None:
    first = observe(AlertEngine(PLAN, "cast", "g"), judged(1, ALARM))
    second = observe(AlertEngine(PLAN, "cast", "g"), judged(7, ALARM))
    other = observe(AlertEngine(PLAN, "cast", "g"), judged(8, ALARM, "vacuum"))
    told = fold([*first, answer(AlertKind.SHELVED, 5, until=200), *second, *other])
    assert told[second[0].alert_id].state(100) is AlertState.SHELVED
    assert told[second[0].alert_id].state(200) is AlertState.UNACKNOWLEDGED
    assert told[other[0].alert_id].state(100) is AlertState.UNACKNOWLEDGED


def test_a_latching_alert_stays_after_its_condition_until_it_is_closed() -> None:
    content = PLAN.model_dump(mode="json")
    content["reactions"][0]["latch"] = True
    raised = observe(AlertEngine(Plan.model_validate(content), "cast", "g"), judged(1, ALARM))
    over = [*raised, answer(AlertKind.TAKEN, 5), answer(AlertKind.CLEARED, 6)]
    assert fold(over)[raised[0].alert_id].state(100) is AlertState.LATCHED
