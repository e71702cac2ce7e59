from __future__ import annotations

from typing import Any

import pytest

from lineside.domain.alerts import Alert, AlertEvent, AlertKind, Verdict, fold
from lineside.domain.answers import Label, Standing, label_of, outcome_from
from lineside.domain.outcomes import AGREED, CONFORMING, NONCONFORMING
from lineside.testing.floors import sample_plan

POROSITY = sample_plan().characteristic("porosity")
WHERE: dict[str, Any] = {"alert_id": "a", "station": "cast", "characteristic": "porosity", "cause": "c", "writer": "w"}


def alert(*answers: tuple[AlertKind, str, Verdict]) -> Alert:
    events = [AlertEvent(id="raised", kind=AlertKind.RAISED, time=1, unit="P1", **WHERE)]
    events += [
        AlertEvent(id=f"{place}", kind=kind, time=10 + place, by=by, verdict=verdict, **WHERE)
        for place, (kind, by, verdict) in enumerate(answers)
    ]
    return fold(events)["a"]


CLOSED = (AlertKind.CLOSED, "operator A", Verdict.NO_DEFECT)


def label(*answers: tuple[AlertKind, str, Verdict], measured: bool | None = None) -> Label:
    found = label_of(alert(*answers), measured=measured)
    assert found is not None
    return found


def test_what_one_person_says_trains_nothing() -> None:
    found = label(CLOSED)
    assert (found.standing, found.trains) == (Standing.QUARANTINED, False)
    assert outcome_from(alert(CLOSED), POROSITY, 50) is None


def test_a_second_person_who_agrees_makes_it_a_label_of_the_part() -> None:
    second = (AlertKind.AGREED, "operator B", Verdict.NO_DEFECT)
    assert label(CLOSED, second).trains
    outcome = outcome_from(alert(CLOSED, second), POROSITY, 50)
    assert outcome is not None
    assert (outcome.unit, outcome.value, outcome.source) == ("P1", CONFORMING, AGREED)


@pytest.mark.parametrize(
    "second",
    [
        (AlertKind.AGREED, "operator A", Verdict.NO_DEFECT),
        (AlertKind.AGREED, "operator B", Verdict.CONFIRMED),
        (AlertKind.AGREED, "", Verdict.NO_DEFECT),
        (AlertKind.CLOSED, "operator A", Verdict.NO_DEFECT),
    ],
)
def test_oneself_nobody_and_somebody_who_says_otherwise_are_no_second(second: tuple[AlertKind, str, Verdict]) -> None:
    assert label(CLOSED, second).standing is Standing.QUARANTINED


def test_a_measurement_confirms_or_contradicts_whatever_people_say() -> None:
    second = (AlertKind.AGREED, "operator B", Verdict.NO_DEFECT)
    assert label(CLOSED, measured=False).standing is Standing.MEASURED
    against = label(CLOSED, second, measured=True)
    assert (against.standing, against.trains) == (Standing.CONTRADICTED, False)


def test_a_confirmed_defect_is_a_nonconforming_part() -> None:
    said = [(AlertKind.CLOSED, "operator A", Verdict.CONFIRMED), (AlertKind.AGREED, "engineer C", Verdict.CONFIRMED)]
    outcome = outcome_from(alert(*said), POROSITY, 50)
    assert outcome is not None
    assert outcome.value == NONCONFORMING


def test_not_checked_says_nothing() -> None:
    assert label_of(alert((AlertKind.CLOSED, "operator A", Verdict.NOT_CHECKED)), measured=None) is None
