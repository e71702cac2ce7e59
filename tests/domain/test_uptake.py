from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.alerts import Alert, AlertEvent, AlertKind, Verdict, fold
from lineside.domain.errors import ConfigurationError
from lineside.domain.units import HOUR, MINUTE
from lineside.domain.uptake import LEAST_GROUP, uptake

PEOPLE = [f"operator P{number}" for number in range(LEAST_GROUP)]


def alert(number: int, *answers: tuple[AlertKind, str], station: str = "cast", **more: Any) -> Alert:
    name, start = f"{station}/{number}", number * HOUR
    where: dict[str, Any] = {
        "alert_id": name, "station": station, "characteristic": "porosity", "cause": "c", "writer": "w"
    }  # fmt: skip
    events = [AlertEvent(id=f"{name}#raised", kind=AlertKind.RAISED, time=start, **where)]
    events += [
        AlertEvent(id=f"{name}#{place}", kind=kind, time=start + (place + 1) * MINUTE, by=by, **where, **more)
        for place, (kind, by) in enumerate(answers)
    ]
    return fold(events)[name]


def taken(by: list[str], **more: Any) -> list[tuple[str, Alert]]:
    return [("early", alert(number, (AlertKind.TAKEN, who), **more)) for number, who in enumerate(by)]


def test_alerts_are_acted_on_overridden_or_ignored() -> None:
    others = [
        ("early", alert(10, (AlertKind.CLOSED, PEOPLE[0]), verdict=Verdict.NO_DEFECT)),
        ("early", alert(11, (AlertKind.SHELVED, PEOPLE[0]), until=99 * HOUR)),
        ("early", alert(12, (AlertKind.CLOSED, PEOPLE[0]), verdict=Verdict.CONFIRMED)),
        ("early", alert(13)),
    ]
    [figures], hidden = uptake([*taken(PEOPLE), *others], 20 * HOUR)
    assert (figures.alerts, figures.acted, figures.overridden, figures.ignored) == (9, 6, 2, 1)
    assert figures.median == MINUTE
    assert hidden == ()


def test_an_alert_is_not_ignored_before_its_hour_is_over() -> None:
    [figures], _ = uptake([*taken(PEOPLE), ("early", alert(30))], 30 * HOUR + 1)
    assert figures.ignored == 0


def test_of_fewer_people_than_five_there_are_no_figures() -> None:
    shown, [hidden] = uptake(taken(PEOPLE[:-1] * 5), 50 * HOUR)
    assert shown == ()
    assert (hidden.station, hidden.shift) == ("cast", "early")


def test_a_plant_may_ask_for_larger_groups_and_never_for_smaller_ones() -> None:
    assert uptake(taken(PEOPLE), 50 * HOUR, 6)[0] == ()
    with pytest.raises(ConfigurationError) as caught:
        uptake([], 0, 4)
    assert caught.value.field == "least_group"


@given(
    st.lists(st.tuples(st.sampled_from(["cast", "trim"]), st.sampled_from(["early", "night"]), st.integers(0, 9))),
    st.integers(LEAST_GROUP, 12),
)
def test_no_group_that_is_shown_is_smaller_than_the_least_and_none_names_a_person(
    drawn: list[tuple[str, str, int]], least: int
) -> None:
    made = [
        (shift, alert(number, (AlertKind.TAKEN, f"operator P{who}"), station=station))
        for number, (station, shift, who) in enumerate(drawn)
    ]
    shown, hidden = uptake(made, 1000 * HOUR, least)
    people: dict[tuple[str, str], set[int]] = {}
    for station, shift, who in drawn:
        people.setdefault((station, shift), set()).add(who)
    assert {(item.station, item.shift) for item in shown} == {key for key, who in people.items() if len(who) >= least}
    assert len(shown) + len(hidden) == len(people)
    assert not any("operator" in repr(item) for item in (*shown, *hidden))


def test_no_figures_of_fewer_than_five_people_can_be_made_at_all() -> None:
    [figures], _ = uptake(taken(PEOPLE), 50 * HOUR)
    with pytest.raises(ConfigurationError) as caught:
        replace(figures, people=4)
    assert caught.value.field == "people"


def test_what_was_closed_as_a_defect_and_as_none_is_counted_for_groups_that_are_large_enough() -> None:
    closed = [
        ("early", alert(20 + place, (AlertKind.CLOSED, who), verdict=verdict))
        for place, (who, verdict) in enumerate(
            [(PEOPLE[0], Verdict.CONFIRMED), (PEOPLE[1], Verdict.CONFIRMED), (PEOPLE[2], Verdict.NO_DEFECT)]
        )
    ]
    [found], _ = uptake([*taken(PEOPLE), *closed], 99 * HOUR)
    assert (found.confirmed, found.unfounded) == (2, 1)
    assert uptake(closed, 99 * HOUR)[0] == ()
