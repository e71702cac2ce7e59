from lineside.domain.holders import SILENT, Holders, Standing
from lineside.domain.units import SECOND

ALONE = Standing()


def test_a_restart_takes_the_name_over_at_once() -> None:
    holders = Holders()
    assert holders.speak("gw", "e", "first", 0) == ALONE
    assert holders.speak("gw", "e", "second", SECOND) == ALONE
    assert holders.speak("gw", "e", "second", 2 * SECOND) == ALONE


def test_one_that_was_taken_over_and_speaks_again_is_a_second_live_holder() -> None:
    holders = Holders()
    holders.speak("gw", "e", "first", 0)
    holders.speak("gw", "e", "second", SECOND)
    assert holders.speak("gw", "e", "first", 2 * SECOND) == Standing(second=True, refused=True)


def test_two_that_do_not_share_an_outbox_are_seen_and_not_refused() -> None:
    holders = Holders()
    holders.speak("gw", "e1", "first", 0)
    holders.speak("gw", "e2", "second", SECOND)
    assert holders.speak("gw", "e1", "first", 2 * SECOND) == Standing(second=True)


def test_the_older_may_go_on_once_the_other_is_silent() -> None:
    holders = Holders()
    holders.speak("gw", "e", "first", 0)
    holders.speak("gw", "e", "second", SECOND)
    assert holders.speak("gw", "e", "first", SECOND + SILENT) == ALONE


def test_names_do_not_meet() -> None:
    holders = Holders()
    assert holders.speak("a", "e", "first", 0) == ALONE
    assert holders.speak("b", "e", "second", 0) == ALONE
    assert holders.speak("a", "e", "first", 1) == ALONE
