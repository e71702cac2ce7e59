"""What a model expects of a variable, against what was measured since."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.domain.performance.measured import Share


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedValues:
    """Parts that were judged and measured; errors in the unit of the values.

    ``rmse`` is the root mean squared error of what was expected, ``off`` the mean of measured less expected, ``alone``
    the error of the model's own word where measured parts had corrected it (None: they had not). ``held`` says how many
    measured values lay within the interval that came with them.
    """

    rmse: float
    off: float
    held: Share
    alone: float | None = None
