"""What becomes of a prototype when a sensor says nothing, or the same thing for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lineside.domain.adoption.case import Bools
from lineside.domain.metrics.confusion import confusion
from lineside.domain.readings import Float64

MOST_ROWS: Final = 4_000
SHOWN: Final = 5
Score = Callable[[Float64], Float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Disturbed:
    """Recall and false-alarm rate at one limit, before and after one input is ``missing`` or ``stuck``.

    ``unanswered`` is the share of parts to which the prototype gives no answer any more.
    """

    input: str
    fault: Literal["missing", "stuck"]
    recall: float
    recall_after: float
    false_alarm_rate: float
    false_alarm_rate_after: float
    unanswered: float

    @property
    def harm(self) -> float:
        """How much recall is lost and how many false alarms are added, as a share; no answer counts in full."""
        lost = max(self.recall - self.recall_after, 0.0)
        added = max(self.false_alarm_rate_after - self.false_alarm_rate, 0.0)
        return float(np.nan_to_num(lost)) + float(np.nan_to_num(added)) + self.unanswered


def disturb(names: tuple[str, ...], inputs: Float64, bad: Bools, score: Score, limit: float) -> tuple[Disturbed, ...]:
    """Return what each input's failure does, the worst first.

    A stuck input keeps the first value that it has; a missing one is NaN. ``inputs`` ``(n, k)`` stand in order of time.
    """
    before = confusion(bad, score(inputs) > limit)
    found = []
    for j, name in enumerate(names):
        known = np.flatnonzero(np.isfinite(inputs[:, j]))
        for fault in ("missing", "stuck"):
            changed = inputs.copy()
            changed[:, j] = inputs[known[0], j] if fault == "stuck" and len(known) else np.nan
            given = score(changed)
            after = confusion(bad, given > limit)
            found.append(
                Disturbed(
                    input=name,
                    fault="missing" if fault == "missing" else "stuck",
                    recall=before.recall,
                    recall_after=after.recall,
                    false_alarm_rate=before.false_alarm_rate,
                    false_alarm_rate_after=after.false_alarm_rate,
                    unanswered=float(np.mean(~np.isfinite(given))),
                )
            )
    return tuple(sorted(found, key=lambda item: -item.harm))
