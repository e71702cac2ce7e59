"""A limit that follows slow change of normal, within a stated bound and by parts that nobody suspects.

Theory of operation
-------------------
A limit is set once; the process goes on changing. Adaptive conformal inference moves it with every part: up by
``step (1 - rate)`` when it was exceeded, down by ``step rate`` when it was not, so that over any long run the share of
parts above it is the rate, whatever the series (Gibbs and Candes, NeurIPS 2021; as quantile tracking: Angelopoulos,
Candes and Tibshirani, NeurIPS 2023, proposition 1). That supposes that every part's truth is known. At a line it is
not: a part above the limit may be bad, and a limit that learns from it learns the defect; one that leaves such parts
out never sees itself exceeded, and sinks.

So what is tracked is not the limit but a **watch line** far below it, which many conforming parts exceed, and the
limit moves along with it, at a fixed distance:

- *Who teaches.* A part teaches once `HOLD` parts after it came without suspicion; a part that is suspected (in alarm,
  outside experience) teaches nothing, and neither do those that still wait. While a fault keeps parts in alarm,
  nothing moves.
- *At what rate.* Of the parts that teach, the share above the watch line is lower than of all; so its target is what
  this very rule gives on the parts that set the limit (`follow_facts`), and on such parts the line stays where it is.
- *How far.* Never more than ``reach`` up or down. A fault that lifts scores above ``limit + reach`` is in alarm,
  whatever went before; one that is in alarm stays so for as long as it lasts. What can hide is a fault that grows more
  slowly than the line follows (`FollowFacts.parts_to_reach`) and stays below ``limit + reach``: that is the price, and
  it is the plan's to choose.

The state is a fold of what was observed: the same parts give the same limit, bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.readings import Float64

HOLD: Final = 20
"""Parts without suspicion that must come after a part before it teaches."""
WATCHED: Final = 0.2
"""Share of the parts that set the limit which lie above the watch line."""
PARTS: Final = 500
"""Parts, each worth one, in which the watch line makes up most of a lasting change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowFacts:
    """How a limit follows: scores' unit, except ``share``, which of the parts that teach should lie above ``watch``."""

    watch: float
    share: float
    step: float
    reach: float

    @property
    def parts_to_reach(self) -> int:
        """The fewest parts in which the limit can be moved by its whole reach."""
        return math.ceil(self.reach / (self.step * (1.0 - self.share)))


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowState:
    """Where a limit has got to: how far it is ``moved``, the scores that ``wait``, and the newest part's end (UTC ns).

    ``taught`` parts have taught so far, ``above`` of them were above the watch line.
    """

    moved: float = 0.0
    waiting: tuple[float, ...] = ()
    newest: int = 0
    taught: int = 0
    above: int = 0


class FollowedLimit:
    """The limit of one model as it follows.

    Args:
        limit: the limit that learning set.
        facts: how it follows.
        state: where it had got to.
    """

    def __init__(self, limit: float, facts: FollowFacts, state: FollowState | None = None) -> None:
        self._limit = limit
        self._facts = facts
        self._newest = 0
        self.restore(state or FollowState())

    @property
    def value(self) -> float:
        """The limit that the next part is held against."""
        return self._limit + self._moved

    def observe(self, score: float, *, ended: int, suspected: bool) -> None:
        """Take in a judged part that ended at ``ended`` (UTC ns); one older than the newest changes nothing."""
        if ended < self._newest:
            return
        self._newest = ended
        if suspected or score > self.value:
            self._waiting.clear()
            return
        self._waiting.append(score)
        if len(self._waiting) > HOLD:
            self._teach(self._waiting.pop(0))

    def state(self) -> FollowState:
        """Return it as plain values, for a checkpoint."""
        return FollowState(
            moved=self._moved,
            waiting=tuple(self._waiting),
            newest=self._newest,
            taught=self._taught,
            above=self._above,
        )

    def restore(self, state: FollowState) -> None:
        """Take over stored values; a limit never starts beyond its reach."""
        self._moved = min(max(state.moved, -self._facts.reach), self._facts.reach)
        self._waiting = list(state.waiting)
        self._newest, self._taught, self._above = state.newest, state.taught, state.above

    def _teach(self, score: float) -> None:
        facts = self._facts
        above = score > facts.watch + self._moved
        self._taught += 1
        self._above += above
        moved = self._moved + facts.step * (float(above) - facts.share)
        self._moved = min(max(moved, -facts.reach), facts.reach)


def follow_facts(scores: Float64, limit: float, effective: float, reach: float) -> FollowFacts | None:
    """Return how a limit follows, by the scores that set it; None where they cannot say it.

    Args:
        scores: finite scores of conforming parts in the order of judging ``(n,)``.
        limit: the limit.
        effective: how many independent rows they are worth: the less, the more slowly it follows.
        reach: how far it may follow, as a share of its distance from the watch line.
    """
    watch = float(np.quantile(scores, 1.0 - WATCHED))
    teaching = _teaching(scores, limit)
    excess = scores[scores > watch] - watch
    if not len(teaching) or not len(excess) or limit <= watch:
        return None
    share = float(np.mean(teaching > watch))
    parts = PARTS * len(scores) / max(effective, 1.0)
    if not 0.0 < share < 1.0:
        return None
    return FollowFacts(
        watch=watch, share=share, step=float(excess.mean()) / (WATCHED * parts), reach=reach * (limit - watch)
    )


def _teaching(scores: Float64, limit: float) -> Float64:
    """Return the scores that would teach: at most the limit, as are the `HOLD` after them."""
    quiet = np.concatenate(([0], np.cumsum(scores > limit)))
    first = np.arange(max(len(scores) - HOLD, 0))
    taken: Float64 = scores[first][quiet[first + HOLD + 1] == quiet[first]]
    return taken
