"""Champion against challenger on the same parts, by a test that may be looked at any time.

Each part whose truth is known costs either of them something: an escape, a false alarm, or nothing. The difference
``d`` of the two losses, scaled to [-1, 1] by the greatest, is what the test sees of a part. To test that the challenger
is not better than the champion by more than ``-margin`` (``E[d] <= -margin``), a gambler starts with a capital of 1 and
bets on each part a share of it that only the parts before decide::

    K_t = prod_i (1 + b_i * (d_i + margin)),   0 <= b_i <= B,   B = 1 / (2 * (1 + margin))

If the statement is true, no way of betting can be expected to gain, so that K is a non-negative supermartingale and by
Ville's inequality ``P(K ever reaches 1/alpha) <= alpha``, however often one looks and whenever one stops. The bet is
the mean over the second moment of what was seen (aGRAPA, Waudby-Smith & Ramdas, *Estimating means of bounded random
variables by betting*, JRSS B 86, 2024, section B.3), shrunk by one part that would have shown nothing.

It holds for parts whose truth is found for reasons that do not depend on who judges right. Where the parts that alarm
are inspected and the others are not, both are compared on what the champion chose to be looked at: inspect some of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lineside.domain.errors import InputError

ALPHA: Final = 0.05
"""The chance, at most, that a challenger is called better (or worse) that is not."""
_PRIOR: Final = 1.0


class Relation(StrEnum):
    """What the comparison amounts to, so far."""

    BETTER = "better"
    NOT_WORSE = "not worse"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """What both made of one part, and what was found: each field is whether it is in alarm, or bad."""

    champion: bool
    challenger: bool
    bad: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Losses:
    """What being wrong costs, in one currency (a characteristic's ``cost``)."""

    escape: float
    false_alarm: float

    def of(self, *, alarm: bool, bad: bool) -> float:
        """Return the loss of a verdict."""
        if alarm == bad:
            return 0.0
        return self.escape if bad else self.false_alarm


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How far the comparison has come.

    ``gain`` is what the challenger saves per part, in the plan's currency. ``better``, ``not_worse`` and ``worse`` are
    the greatest capitals that betting on each has reached; 1/alpha is enough.
    """

    parts: int
    differing: int
    gain: float
    better: float
    not_worse: float
    worse: float
    relation: Relation


NOTHING_COMPARED: Final = Comparison(
    parts=0, differing=0, gain=0.0, better=1.0, not_worse=1.0, worse=1.0, relation=Relation.UNDECIDED
)


class Wager:
    """The capital of a gambler who bets that a mean in [-1, 1] is above ``-margin``; see the module."""

    def __init__(self, margin: float = 0.0) -> None:
        if not 0.0 <= margin < 1.0:
            raise InputError("not a margin", field="margin", value=margin, choices=("from 0, below 1",))
        self._margin = margin
        self._most = 0.5 / (1.0 + margin)
        self._sum = 0.0
        self._squares = _PRIOR
        self.capital = 1.0
        self.greatest = 1.0

    def see(self, difference: float) -> None:
        """Take in one part; what is bet on it was decided by the parts before."""
        gain = difference + self._margin
        bet = min(self._most, max(0.0, self._sum / self._squares))
        self.capital *= 1.0 + bet * gain
        self.greatest = max(self.greatest, self.capital)
        self._sum += gain
        self._squares += gain * gain


def compare(pairs: Iterable[Pair], losses: Losses, margin: float = 0.0, alpha: float = ALPHA) -> Comparison:
    """Compare challenger and champion on the same parts, in the order in which their truth was found.

    Args:
        pairs: what both made of each part, and what was found.
        losses: what being wrong costs.
        margin: how much worse the challenger may be, as a share of the greatest loss, and still be *not worse*.
        alpha: the chance, at most, of a wrong *better*, *not worse* or *worse*, each for itself.

    Raises:
        InputError: nothing that both could do costs anything, or a figure is out of its range.
    """
    greatest = max(losses.escape, losses.false_alarm)
    if greatest <= 0.0:
        raise InputError("nothing costs anything: there is nothing to compare", field="cost")
    if not 0.0 < alpha < 1.0:
        raise InputError("not a chance of error", field="alpha", value=alpha, choices=("above 0, below 1",))
    differences = [_difference(pair, losses) / greatest for pair in pairs]
    better, not_worse, worse = Wager(), Wager(margin), Wager()
    for difference in differences:
        better.see(difference)
        not_worse.see(difference)
        worse.see(-difference)
    capitals = (better.greatest, not_worse.greatest, worse.greatest)
    return Comparison(
        parts=len(differences),
        differing=sum(difference != 0.0 for difference in differences),
        gain=greatest * sum(differences) / len(differences) if differences else 0.0,
        better=capitals[0],
        not_worse=capitals[1],
        worse=capitals[2],
        relation=_relation(capitals, 1.0 / alpha),
    )


def _difference(pair: Pair, losses: Losses) -> float:
    return losses.of(alarm=pair.champion, bad=pair.bad) - losses.of(alarm=pair.challenger, bad=pair.bad)


def _relation(capitals: Sequence[float], enough: float) -> Relation:
    better, not_worse, worse = (capital >= enough for capital in capitals)
    if better and not worse:
        return Relation.BETTER
    if worse and not better:
        return Relation.WORSE if not not_worse else Relation.NOT_WORSE
    return Relation.NOT_WORSE if not_worse and not worse else Relation.UNDECIDED
