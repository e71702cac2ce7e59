"""The context gate: in which parts the plan asks for silence, and why.

A changeover, a warm-up, a planned stop, maintenance, a new lot or a faulty sensor explain an alarm better than the
process does. The gate only names the reason; the alert is recorded all the same (suppressed by design, ISA-18.2), so
that a nonconforming part that passed in silence is counted against the rule that silenced it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Silence

_REMEMBERED: Final = 2_000


@dataclass(slots=True)
class _Count:
    """What one rule has seen: the signal's last value, and how many parts of its silence are left."""

    rule: Silence
    value: str | None = None
    left: int = 0


class ContextGate:
    """Says of each part of one station, in the order in which parts close, whether there is silence and why.

    Args:
        rules: the plan's contexts of silence; where several hold, the first in the plan's order is named.
    """

    def __init__(self, rules: Iterable[Silence]) -> None:
        self._counts = [_Count(rule=rule) for rule in rules]
        self._ended: int | None = None
        self._reasons: dict[str, str] = {}

    def take_rules(self, rules: Iterable[Silence]) -> None:
        """Take the rules of a new revision of the plan; those that stay keep their counts."""
        known = {count.rule: count for count in self._counts}
        self._counts = [known.get(rule, _Count(rule=rule)) for rule in rules]

    def see(self, part: PartRecord) -> str:
        """Return why there is silence for a part, ``""`` where there is none; asked again, the answer is the same."""
        if part.cycle_id in self._reasons:
            return self._reasons[part.cycle_id]
        gap = 0 if self._ended is None else max(0, part.started - self._ended)
        reasons = [count.rule.reason for count in self._counts if _holds(count, part, gap)]
        self._ended = part.ended if self._ended is None else max(self._ended, part.ended)
        self._reasons[part.cycle_id] = reasons[0] if reasons else ""
        if len(self._reasons) > _REMEMBERED:
            del self._reasons[next(iter(self._reasons))]
        return self._reasons[part.cycle_id]

    def reason(self, cycle_id: str) -> str:
        """Return what was said of a part seen lately, ``""`` where nothing was."""
        return self._reasons.get(cycle_id, "")


def _holds(count: _Count, part: PartRecord, gap: int) -> bool:
    """Return whether a rule asks for silence, and go on in its count; ``gap``: the standstill before the part, ns."""
    rule = count.rule
    if rule.signal is not None and rule.equals is not None:
        return part.context.get(rule.signal) == rule.equals
    if rule.signal is not None:
        value = part.context.get(rule.signal, count.value)
        if count.value is not None and value != count.value:
            count.left = rule.parts
        count.value = value
    elif rule.after_stop is not None:
        if gap >= rule.after_stop:
            count.left = rule.parts
    elif rule.reason == "sensor_fault":
        return bool(part.missing)
    count.left, silent = max(0, count.left - 1), count.left > 0
    return silent
