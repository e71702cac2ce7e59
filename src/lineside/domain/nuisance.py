"""Whether an alert interrupts, advises or is only logged: the nuisance budget.

People stop answering alarms that are right less often than about seven times in ten. So an alert interrupts only while
the record of its cause says that it will be right at least that often; down to one in two it advises; below that it is
logged. And in a shift a station, and an operator, is interrupted at most as often as the plan allows: what comes beyond
advises.

The record of a cause is a Beta posterior of its predictive value: what is assumed of any model counts as a few
verdicts, then what was found of its latest alerts. (What a model showed on parts held out is no better guess: an alert
is right if one of its parts is bad, a part in alarm if it is bad itself.) The record changes its level only after a
least number of verdicts, and with hysteresis, so that a few answers do not make it flap. A new model begins a new
record. All of it is a pure function of the alerts and their verdicts in the order of time, so that a restart changes
nothing.

Sources: predictive value and response: Dixon, Wickens & McCarley 2007 (aids below about 0.7 cost more than they give);
Wiczorek et al. (alarms at 0.5 or below are left unanswered); Beta-binomial posterior: Gelman et al., Bayesian Data
Analysis, 2.4.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import Final

INTERRUPTS_FROM: Final = 0.7
"""Least estimated predictive value of an alert that interrupts."""
ADVISES_FROM: Final = 0.5
"""Least estimated predictive value of an alert that advises."""
HYSTERESIS: Final = 0.03
"""How far beyond a bound the estimate must be for the level to change."""
LEAST_VERDICTS: Final = 5
"""Verdicts since the last change of level before another may follow."""
LATEST: Final = 20
"""Verdicts that are remembered, the newest."""
PRIOR_VALUE: Final = 0.8
"""Predictive value that is assumed of a model of which nothing has been found yet."""
PRIOR_WEIGHT: Final = 4.0
"""How many verdicts this is worth."""


class Notice(StrEnum):
    """How an alert makes itself known."""

    INTERRUPT = "interrupt"
    ADVISE = "advise"
    LOG = "log"


class Grounds(StrEnum):
    """Why an alert has its notice."""

    RECORD = "record"
    BUDGET = "budget"
    KIND = "kind"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An alert as the budget sees it.

    ``key`` is its station, characteristic and cause; ``shift`` the start of the shift in which it was raised; times are
    UTC ns. ``advisory``: it advises by its kind (late, outside experience, or so the plan says). ``right`` says whether
    it was right, found at ``found``; None while nobody knows.
    """

    id: str
    key: tuple[str, str, str]
    model: str
    raised: int
    shift: int
    advisory: bool = False
    right: bool | None = None
    found: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The notice of an alert, why, and the predictive value that was expected of it."""

    notice: Notice
    grounds: Grounds
    value: float


@dataclass(slots=True)
class _Record:
    """What is known of one cause under one model."""

    level: Notice = Notice.INTERRUPT
    verdicts: deque[bool] = field(default_factory=lambda: deque(maxlen=LATEST))
    since: int = 0

    def value(self) -> float:
        """Return the mean of the posterior."""
        return (PRIOR_VALUE * PRIOR_WEIGHT + sum(self.verdicts)) / (PRIOR_WEIGHT + len(self.verdicts))

    def learn(self, *, right: bool) -> None:
        """Take a verdict in; change the level where the record has moved far enough for long enough."""
        self.verdicts.append(right)
        self.since += 1
        wanted = _level(self.value(), self.level)
        if wanted is not self.level and self.since >= LEAST_VERDICTS:
            self.level, self.since = wanted, 0


def _level(value: float, level: Notice) -> Notice:
    """Return the level of a predictive value, with hysteresis about the present one."""
    upper = INTERRUPTS_FROM + (-HYSTERESIS if level is Notice.INTERRUPT else HYSTERESIS)
    lower = ADVISES_FROM + (HYSTERESIS if level is Notice.LOG else -HYSTERESIS)
    if value >= upper:
        return Notice.INTERRUPT
    return Notice.ADVISE if value >= lower else Notice.LOG


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a cause stands at the end: its level, the estimated predictive value, and how many verdicts it rests on."""

    model: str
    level: Notice
    value: float
    verdicts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Notices:
    """The decision on every alert, by id, and how each cause stands now."""

    decisions: Mapping[str, Decision]
    standings: Mapping[tuple[str, str, str], Standing]


def decide(seen: Iterable[Seen], allowed: int, *, operators: int = 1) -> Notices:
    """Decide on alerts in the order in which they were raised, each by the verdicts that were known by then.

    Args:
        seen: the alerts, in any order.
        allowed: the most that a station may interrupt in a shift, and the most that one operator may be interrupted.
        operators: how many share the line.
    """
    records: dict[tuple[str, str, str], tuple[str, _Record]] = {}
    spent: Counter[tuple[str, int]] = Counter()
    spent_in_all: Counter[int] = Counter()
    waiting: list[tuple[int, str, Seen]] = []
    decisions: dict[str, Decision] = {}
    for alert in sorted(seen, key=lambda item: (item.raised, item.id)):
        while waiting and waiting[0][0] <= alert.raised:
            _learn(records, heappop(waiting)[2])
        if alert.key not in records or records[alert.key][0] != alert.model:
            records[alert.key] = alert.model, _Record()
        record = records[alert.key][1]
        shift = alert.key[0], alert.shift
        within = spent[shift] < allowed and spent_in_all[alert.shift] < allowed * operators
        decisions[alert.id] = _decide(alert, record, within=within)
        interrupts = decisions[alert.id].notice is Notice.INTERRUPT
        spent[shift] += interrupts
        spent_in_all[alert.shift] += interrupts
        if alert.right is not None:
            heappush(waiting, (alert.found, alert.id, alert))
    while waiting:
        _learn(records, heappop(waiting)[2])
    return Notices(
        decisions=decisions,
        standings={
            key: Standing(model=model, level=item.level, value=item.value(), verdicts=len(item.verdicts))
            for key, (model, item) in records.items()
        },
    )


def _decide(alert: Seen, record: _Record, *, within: bool) -> Decision:
    value = record.value()
    if alert.advisory:
        return Decision(notice=Notice.ADVISE, grounds=Grounds.KIND, value=value)
    if record.level is Notice.INTERRUPT and not within:
        return Decision(notice=Notice.ADVISE, grounds=Grounds.BUDGET, value=value)
    return Decision(notice=record.level, grounds=Grounds.RECORD, value=value)


def _learn(records: Mapping[tuple[str, str, str], tuple[str, _Record]], alert: Seen) -> None:
    """Let a verdict count for the record of the model that raised the alert; an older model has no record any more."""
    model, record = records[alert.key]
    if model == alert.model and alert.right is not None:
        record.learn(right=alert.right)
