from __future__ import annotations

from lineside.domain.remembering import MOST, once_each


class Asked:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self, items: tuple[int, ...], name: str) -> list[object]:
        self.times += 1
        return [items, name]


def test_an_answer_is_made_once_for_the_same_things_and_the_same_text() -> None:
    counted = Asked()
    asked = once_each()(counted)
    items = tuple(range(300))
    first = asked(items, "press")
    assert asked(items, " press".strip()) is first
    assert counted.times == 1


def test_another_thing_that_is_alike_has_an_answer_of_its_own() -> None:
    counted = Asked()
    asked = once_each()(counted)
    one, other = tuple(range(300)), tuple(range(300))
    assert asked(one, "press")[0] is one
    assert asked(other, "press")[0] is other
    assert asked(one, "cast")[1] == "cast"
    assert counted.times == 3


def test_however_many_are_asked_each_answer_is_of_the_thing_it_was_made_of() -> None:
    counted = Asked()
    asked = once_each()(counted)
    for number in range(3 * MOST):
        assert asked((number, number), "press")[0] == (number, number)
    assert counted.times == 3 * MOST
