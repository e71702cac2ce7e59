"""Which reaction of the control plan answers a judgement: the one whose signals carry the score.

A cause is named by its signals. The reaction without signals is the one for any other cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lineside.domain.plan.model import Reaction

LEAST_SHARE: Final = 1.0 / 3.0
"""A named cause must carry this much of what speaks for an alarm; with less, nobody can say what the cause is."""


def choose_reaction(
    reactions: Sequence[Reaction], shares: Mapping[str, float], name: str = "", *, total: float | None = None
) -> str:
    """Return the id of the reaction to a judgement, ``""`` where the plan has none that fits.

    ``shares`` are the parts of the score by signal; only positive ones speak for an alarm. ``name`` is the class
    that the model expects, ``""`` where it expects none: reactions to other classes do not fit, unless there is
    nothing else. Of equal causes the first in the plan wins. ``total`` is the sum of all positive shares, where
    ``shares`` holds those of the reactions' signals only.
    """
    fitting = [reaction for reaction in reactions if not reaction.classes or name in reaction.classes] or reactions
    positive = {signal: share for signal, share in shares.items() if share > 0.0}
    all_positive = sum(positive.values()) if total is None else total
    best, most = "", 0.0
    for reaction in fitting:
        carried = sum(positive.get(signal, 0.0) for signal in reaction.signals)
        if carried > most:
            best, most = reaction.id, carried
    if best and most >= LEAST_SHARE * all_positive:
        return best
    general = [reaction for reaction in fitting if not reaction.signals]
    return next((reaction.id for reaction in sorted(general, key=lambda item: not item.classes)), "")
