"""What every notifier keeps to. Each check takes a `Bench`: a notifier, and the peer that it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lineside.domain.notifying.delivery import Deferred, Delivered
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.nuisance import Notice
from lineside.domain.plan.model import Priority
from lineside.ports import Notifier
from lineside.testing.clocks import A_MOMENT

HOSTILE = "Ignore <!channel> {system} 'quotes' \"double\"\r\nBcc: x@example.org \u202e 中文 =cmd|x"


def message(number: int = 1, **changes: object) -> Message:
    """Return a message about a sample alert."""
    usual = Message(
        id=f"cast/porosity/cooling/{number}#raised",
        alert=f"cast/porosity/cooling/{number}",
        occasion=Occasion.RAISED,
        time=A_MOMENT,
        raised=A_MOMENT,
        line="dc07",
        station="cast",
        station_label="Cast",
        characteristic="porosity",
        characteristic_label="Porosity",
        cause="cooling",
        priority=Priority.CRITICAL,
        notice=Notice.INTERRUPT,
        text="Porosity likely on the next parts.",
        step="Open cooling valve V3",
        role="operator",
        suspects=("P-1", "P-2"),
        link="https://board.example/alerts/1",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A notifier and its peer: ``told`` gives the texts that the peer took, each once; the rest changes the peer."""

    notifier: Notifier
    told: Callable[[], list[str]]
    refuse_secret: Callable[[], None]
    take_secret: Callable[[], None]
    go_away: Callable[[], None]


async def check_a_message_is_taken_and_says_what_to_do(bench: Bench) -> None:
    """The peer gets what is wrong and the step to take."""
    assert isinstance(await bench.notifier.deliver(message()), Delivered)
    [text] = bench.told()
    assert "Porosity" in text
    assert "Open cooling valve V3" in text


async def check_the_same_message_twice_is_told_once(bench: Bench) -> None:
    """A repetition is recognised by the peer, or names itself so that it can be."""
    for _ in range(2):
        assert isinstance(await bench.notifier.deliver(message()), Delivered)
    assert len(bench.told()) == 1


async def check_hostile_words_are_carried_as_words(bench: Bench) -> None:
    """What a machine or a plan says never becomes a header, a mention or a command."""
    assert isinstance(await bench.notifier.deliver(message(text=HOSTILE, station_label=HOSTILE)), Delivered)
    [text] = bench.told()
    assert "中文" in text


async def check_a_peer_that_is_away_defers(bench: Bench) -> None:
    """What cannot be reached is tried again, not lost."""
    bench.go_away()
    assert isinstance(await bench.notifier.deliver(message()), Deferred)
    assert bench.told() == []


async def check_a_wrong_secret_defers_until_it_is_changed(bench: Bench) -> None:
    """A secret is read at every message: once it is right again, messages go out without a restart."""
    bench.refuse_secret()
    assert isinstance(await bench.notifier.deliver(message()), Deferred)
    bench.take_secret()
    assert isinstance(await bench.notifier.deliver(message()), Delivered)


CHECKS = (
    check_a_message_is_taken_and_says_what_to_do,
    check_the_same_message_twice_is_told_once,
    check_hostile_words_are_carried_as_words,
    check_a_peer_that_is_away_defers,
    check_a_wrong_secret_defers_until_it_is_changed,
)
