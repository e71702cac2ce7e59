"""What was measured, as gateways ask for it."""

from __future__ import annotations

from lineside.apps.plant.measured_book import MOST_KEPT, MeasuredBook
from lineside.domain.outcomes import Outcome
from lineside.flows.measurements import MOST_TOLD, Asked, Told
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan

PLAN = modelling_plan(2, kind="variable")


def found(number: int, value: str = "10.0", characteristic: str = CHARACTERISTIC) -> Outcome:
    return Outcome(unit=f"u{number}", characteristic=characteristic, value=value, found=1, source="lab")


def asked(told: Told | None = None) -> Asked:
    return Asked((CHARACTERISTIC,)) if told is None else Asked((CHARACTERISTIC,), told.count, told.last)


def test_who_asks_again_hears_only_what_is_new() -> None:
    book = MeasuredBook(PLAN)
    book.take([found(1), found(2)])
    first = book.tell(asked())
    assert [(item.unit, item.value) for item in first.items] == [("u1", 10.0), ("u2", 10.0)]
    assert book.tell(asked(first)).items == ()
    book.take([found(3)])
    assert [item.unit for item in book.tell(asked(first)).items] == ["u3"]


def test_the_first_value_of_a_part_stands_and_what_is_no_number_is_passed_over() -> None:
    book = MeasuredBook(PLAN)
    book.take([found(1), found(1, "11.0"), found(2, "nan"), found(3, "ok"), found(4, "1.0", "another")])
    assert [(item.unit, item.value) for item in book.tell(asked()).items] == [("u1", 10.0)]


def test_much_is_told_in_pieces_and_the_oldest_is_let_go() -> None:
    book = MeasuredBook(PLAN)
    book.take([found(number) for number in range(MOST_KEPT + 5)])
    told, units = book.tell(asked()), 0
    while told.more:
        assert len(told.items) == MOST_TOLD
        units += len(told.items)
        told = book.tell(asked(told))
    assert units + len(told.items) == MOST_KEPT


def test_a_plant_that_has_started_anew_tells_all_that_it_has() -> None:
    old, new = MeasuredBook(PLAN), MeasuredBook(PLAN)
    old.take([found(number) for number in range(9)])
    new.take([found(1)])
    assert [item.unit for item in new.tell(asked(old.tell(asked()))).items] == ["u1"]


def test_an_attribute_is_not_measured() -> None:
    book = MeasuredBook(modelling_plan(2))
    book.take([found(1)])
    assert book.variables == ()
    assert book.tell(asked()).items == ()
