from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.nuisance import LEAST_VERDICTS, Grounds, Notice, Seen, decide

KEY = ("cast", "porosity", "cooling")


def seen(number: int, *, right: bool | None = None, **more: Any) -> Seen:
    values: dict[str, Any] = {
        "id": f"a{number:04d}", "key": KEY, "model": "m1", "raised": number * 10, "shift": number, "right": right,
        "found": number * 10 + 5, **more,
    }  # fmt: skip
    return Seen(**values)


def notices(*alerts: Seen, allowed: int = 4, **more: Any) -> list[Notice]:
    decided = decide(alerts, allowed, **more).decisions
    return [decided[alert.id].notice for alert in sorted(alerts, key=lambda item: item.raised)]


def test_a_cause_that_is_never_right_goes_from_interrupting_by_advice_to_the_log() -> None:
    told = notices(*(seen(number, right=False) for number in range(30)))
    assert told[:LEAST_VERDICTS] == [Notice.INTERRUPT] * LEAST_VERDICTS
    assert told[LEAST_VERDICTS] is not Notice.INTERRUPT
    assert told[-1] is Notice.LOG


def test_it_interrupts_again_when_its_record_has_recovered() -> None:
    bad = [seen(number, right=False) for number in range(12)]
    good = [seen(number, right=True) for number in range(12, 60)]
    told = notices(*bad, *good)
    assert told[12] is Notice.LOG
    assert told[-1] is Notice.INTERRUPT


def test_one_wrong_alert_in_four_still_interrupts() -> None:
    told = notices(*(seen(number, right=number % 4 != 0) for number in range(80)))
    assert set(told) == {Notice.INTERRUPT}


@given(st.lists(st.booleans(), max_size=200))
def test_no_level_changes_twice_within_the_least_number_of_verdicts(right: list[bool]) -> None:
    told = notices(*(seen(number, right=value) for number, value in enumerate(right)))
    changes = [place for place in range(1, len(told)) if told[place] is not told[place - 1]]
    assert all(later - first >= LEAST_VERDICTS for first, later in pairwise(changes))


@given(
    st.lists(
        st.tuples(st.sampled_from(["cast", "trim"]), st.integers(0, 3), st.none() | st.booleans(), st.booleans()),
        max_size=60,
    ),
    st.integers(0, 5),
    st.integers(1, 3),
    st.randoms(),
)
def test_no_station_interrupts_more_often_in_a_shift_than_is_allowed(
    drawn: list[tuple[str, int, bool | None, bool]], allowed: int, operators: int, shuffle: Any
) -> None:
    alerts = [
        seen(number, key=(station, "porosity", "cooling"), shift=shift, right=right, advisory=advisory)
        for number, (station, shift, right, advisory) in enumerate(sorted(drawn, key=lambda item: item[1]))
    ]
    decided = decide(alerts, allowed, operators=operators).decisions
    spent = Counter((a.key[0], a.shift) for a in alerts if decided[a.id].notice is Notice.INTERRUPT)
    assert max(spent.values(), default=0) <= allowed
    together: Counter[int] = Counter()
    for (_, shift), count in spent.items():
        together[shift] += count
    assert max(together.values(), default=0) <= allowed * operators
    mixed = list(alerts)
    shuffle.shuffle(mixed)
    assert decide(mixed, allowed, operators=operators).decisions == decided


def test_what_is_over_budget_says_so_and_the_next_shift_begins_anew() -> None:
    alerts = [seen(number, shift=number // 3) for number in range(6)]
    decided = decide(alerts, 2).decisions
    assert [decided[alert.id].grounds for alert in alerts] == [Grounds.RECORD, Grounds.RECORD, Grounds.BUDGET] * 2
    assert decided["a0002"].notice is Notice.ADVISE


def test_a_verdict_counts_only_for_alerts_after_it_was_found() -> None:
    alerts = [seen(number, right=False, found=1000) for number in range(20)]
    assert set(notices(*alerts)) == {Notice.INTERRUPT}
    assert notices(*alerts, seen(200))[-1] is Notice.LOG


def test_a_new_model_begins_a_new_record() -> None:
    bad = [seen(number, right=False) for number in range(12)]
    told = notices(*bad, seen(20), replace(seen(21), model="m2"))
    assert told[-2:] == [Notice.LOG, Notice.INTERRUPT]


def test_how_a_cause_stands_is_told_with_the_verdicts_that_it_rests_on() -> None:
    standing = decide([seen(1, right=True), seen(2, right=False), seen(3)], 4).standings[KEY]
    assert (standing.model, standing.level, standing.verdicts) == ("m1", Notice.INTERRUPT, 2)
    assert 0.69 < standing.value < 0.71
