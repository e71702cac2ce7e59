"""What a backtest hands over, and the one JSON object it prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineside.domain.backtests.figures import Figures
from lineside.domain.backtests.judged import Judged
from lineside.domain.backtests.regimes import RegimeReport
from lineside.domain.cost_words import cost_object
from lineside.domain.costs import CostReport
from lineside.domain.plan.model import Characteristic
from lineside.domain.splits import Protocol


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BacktestResult:
    """What came out; ``judged`` is the table behind the figures, ``fits`` says per fold what was learned.

    ``duplicates`` counts copies found, dropped only if not ``duplicates_kept``; ``dropped`` counts by reason what
    else never became a unit. ``costs`` are those of the limits, where good and bad units are known.
    ``corrected`` are the figures of values as late measurements correct them.
    """

    characteristic: Characteristic
    protocol: Protocol
    judged: Judged
    duplicates: int
    duplicates_kept: bool
    dropped: Mapping[str, int]
    metrics: Figures
    trivial: Mapping[str, Figures]
    fits: tuple[tuple[str, tuple[str, ...]], ...]
    seconds: float
    regimes: RegimeReport | None = None
    costs: CostReport | None = None
    corrected: Figures | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups judged, in order."""
        return tuple(dict.fromkeys(self.judged.group))


def json_object(result: BacktestResult) -> dict[str, Any]:
    """Return the result as what ``--json`` prints; figures that do not exist are null."""
    regimes = {} if result.regimes is None else {"regimes": _plain(asdict(result.regimes))}
    costs = {} if result.costs is None else {"costs": _plain(cost_object(result.costs))}
    return {
        "units": len(result.judged),
        "duplicates_dropped": 0 if result.duplicates_kept else result.duplicates,
        "groups": len(result.groups),
        "metrics": _plain(result.metrics | ({"duplicates_kept": result.duplicates} if result.duplicates_kept else {})),
        "trivial": _plain(result.trivial),
        **({} if result.corrected is None else {"corrected": _plain(result.corrected)}),
        **regimes,
        **costs,
        "seconds": round(result.seconds, 3),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if not math.isfinite(value) else value
    return value
