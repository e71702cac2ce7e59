"""What late truth says of a model: recall, precision and false alarms, never without label coverage and lag.

A figure of the parts whose outcome has come is one of *those* parts. Where alarms are looked at sooner or more often
than other parts, bad parts among the others are missing, and recall is flattered: so the coverage of parts in alarm and
of the others stand beside each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineside.domain.performance.judged import JudgedParts
from lineside.domain.readiness import wilson


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """``hits`` of ``of``, with the share and its 90 % interval; no share of nothing."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % interval (Wilson)."""
        return wilson(self.hits, self.of)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What is known of parts judged.

    ``recall`` is of bad parts, ``precision`` of parts in alarm, ``false_alarms`` of good parts: all of those whose
    outcome has come. ``covered`` is the share of all parts whose outcome has come, ``covered_alarm`` of those in alarm.
    ``lag`` is the median from part to outcome (ns; None: no outcome), ``lag_p90`` its 90th percentile. Of
    ``contradicted`` parts one source says that they are bad and another that they are good.
    """

    parts: int
    recall: Share
    precision: Share
    false_alarms: Share
    covered: Share
    covered_alarm: Share
    lag: int | None
    lag_p90: int | None
    contradicted: int = 0


def measure(parts: JudgedParts) -> Measured:
    """Return what is known of parts judged."""
    known, bad, alarm = parts.known, parts.known & parts.bad, parts.alarm
    lags = parts.lag[known]
    return Measured(
        parts=len(parts),
        recall=_share(bad & alarm, bad),
        precision=_share(bad & alarm, known & alarm),
        false_alarms=_share(known & ~parts.bad & alarm, known & ~parts.bad),
        covered=_share(known, np.ones(len(parts), dtype=np.bool_)),
        covered_alarm=_share(known & alarm, alarm),
        lag=int(np.median(lags)) if len(lags) else None,
        lag_p90=int(np.quantile(lags, 0.9)) if len(lags) else None,
        contradicted=int(np.count_nonzero(parts.contradicted)),
    )


def _share(hits: np.ndarray, of: np.ndarray) -> Share:
    return Share(hits=int(np.count_nonzero(hits)), of=int(np.count_nonzero(of)))
