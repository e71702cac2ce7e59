"""Troubles that last are told once, and counted."""

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.troubles import REPORT_EVERY, Troubles
from lineside.domain.units import SECOND

SILENT = refuse(Reason.NO_ANSWER)
REFUSED = refuse(Reason.MACHINE_EXCEPTION)


class Told:
    def __init__(self) -> None:
        self.counts: list[tuple[str, int]] = []

    def __call__(self, refusal: Refusal, *, received: int, signal: str = "", raw: bytes = b"", count: int = 1) -> None:
        del received, signal, raw
        self.counts.append((refusal.reason.value, count))


def test_the_first_occurrence_is_told_at_once_and_the_others_as_a_number() -> None:
    told = Told()
    troubles = Troubles(told, SourceRecord())
    for number in range(10):
        troubles.note("a", SILENT, now=number)
    assert told.counts == [("no_answer", 1)]
    troubles.over("a", 11)
    assert told.counts == [("no_answer", 1), ("no_answer", 9)]
    assert not troubles


def test_places_and_reasons_are_troubles_of_their_own() -> None:
    told = Told()
    troubles = Troubles(told, SourceRecord())
    troubles.note("a", SILENT, now=0)
    troubles.note("a", REFUSED, now=0)
    troubles.note("b", SILENT, now=0)
    assert len(told.counts) == 3
    troubles.over("a", 1)
    troubles.note("a", SILENT, now=2)
    troubles.note("b", SILENT, now=2)
    assert len(told.counts) == 4


def test_one_that_lasts_is_told_again_now_and_then() -> None:
    told = Told()
    troubles = Troubles(told, SourceRecord())
    troubles.note("a", SILENT, now=0)
    troubles.note("a", SILENT, now=1)
    troubles.tick(REPORT_EVERY - 1)
    assert len(told.counts) == 1
    troubles.tick(REPORT_EVERY)
    assert told.counts[1:] == [("no_answer", 1)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.booleans()), max_size=60))
def test_every_occurrence_is_told_exactly_once(happenings: list[tuple[str, int, bool]]) -> None:
    told, now, happened = Told(), 0, 0
    troubles = Troubles(told, SourceRecord())
    for place, seconds, good in happenings:
        now += seconds * SECOND
        if good:
            troubles.over(place, now)
        else:
            troubles.note(place, SILENT, now=now)
            happened += 1
        troubles.tick(now)
    troubles.flush(now)
    assert sum(count for _, count in told.counts) == happened
