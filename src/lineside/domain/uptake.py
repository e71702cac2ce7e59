"""Whether alerts are acted on: by station and shift, never by person.

An alert was *acted on* if somebody took it, did a step or confirmed a defect; *overridden* if it was closed as no
defect or put off without either; *ignored* if nobody had answered when it was over, or an hour after it was raised.
Figures are made of groups of people that are large enough to tell nothing of one of them (`LEAST_GROUP`); smaller
groups have none.
Nothing here takes a name, and nothing can be asked of one person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from lineside.domain.alerts import RESPONSE_KINDS, Alert, AlertEvent, AlertKind, Verdict
from lineside.domain.errors import ConfigurationError
from lineside.domain.units import HOUR

LEAST_GROUP: Final = 5
"""Fewest people of whom figures are shown; a plant may ask for more, never for fewer."""
ANSWERED_WITHIN: Final = HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Uptake:
    """What became of the alerts of a station in one kind of shift.

    ``people`` is how many answered; fewer than `LEAST_GROUP` make no figures. ``median`` and ``p90`` are the times from
    the alert to the first answer (ns), None where nobody answered. ``confirmed`` and ``unfounded`` count the alerts
    that were closed as a defect and as none.

    Raises:
        ConfigurationError: the group is too small.
    """

    station: str
    shift: str
    alerts: int
    acted: int
    overridden: int
    ignored: int
    median: int | None
    p90: int | None
    people: int
    confirmed: int
    unfounded: int

    def __post_init__(self) -> None:
        """Refuse figures of a group that is too small."""
        _check_group("people", self.people)


@dataclass(frozen=True, kw_only=True, slots=True)
class TooFew:
    """A station and shift of which no figures are shown, because too few people answered."""

    station: str
    shift: str


def uptake(
    alerts: Iterable[tuple[str, Alert]], now: int, least_group: int = LEAST_GROUP
) -> tuple[tuple[Uptake, ...], tuple[TooFew, ...]]:
    """Return the figures of each station and shift, and those of which there are none.

    Args:
        alerts: the alerts that were announced, each with the shift in which it was raised.
        now: UTC ns.
        least_group: fewest people of whom figures are shown.

    Raises:
        ConfigurationError: fewer are asked for than may be.
    """
    _check_group("least_group", least_group)
    groups: dict[tuple[str, str], list[Alert]] = {}
    for shift, alert in alerts:
        groups.setdefault((alert.station, shift), []).append(alert)
    shown, hidden = [], []
    for (station, shift), found in sorted(groups.items()):
        people = {event.by for alert in found for event in alert.events if event.kind in RESPONSE_KINDS and event.by}
        if len(people) < least_group:
            hidden.append(TooFew(station=station, shift=shift))
        else:
            shown.append(_figures(station, shift, found, now, len(people)))
    return tuple(shown), tuple(hidden)


def _check_group(field: str, people: int) -> None:
    if people < LEAST_GROUP:
        least = f"{LEAST_GROUP} or more"
        raise ConfigurationError(
            "figures of so few people would tell of single ones", field=field, value=people, choices=(least,)
        )


def _figures(station: str, shift: str, alerts: Collection[Alert], now: int, people: int) -> Uptake:
    settled = [word for alert in alerts if (word := _what_became(alert, now))]
    waits = sorted(wait for alert in alerts if (wait := _wait(alert)) is not None)
    return Uptake(
        station=station,
        shift=shift,
        alerts=len(alerts),
        acted=settled.count("acted"),
        overridden=settled.count("overridden"),
        ignored=settled.count("ignored"),
        median=waits[len(waits) // 2] if waits else None,
        p90=_p90(waits),
        people=people,
        confirmed=_closed_as(alerts, Verdict.CONFIRMED),
        unfounded=_closed_as(alerts, Verdict.NO_DEFECT),
    )


def _closed_as(alerts: Collection[Alert], verdict: Verdict) -> int:
    return sum(alert.closed is not None and alert.closed.verdict is verdict for alert in alerts)


def _p90(waits: list[int]) -> int | None:
    if len(waits) < 2:
        return waits[0] if waits else None
    return round(quantiles(waits, n=10, method="inclusive")[-1])


def _what_became(alert: Alert, now: int) -> str:
    """Return what people made of an alert, ``""`` while it is too early to say."""
    kinds = {event.kind for event in alert.events}
    closed = alert.closed
    if kinds & {AlertKind.TAKEN, AlertKind.STEP} or (closed is not None and closed.verdict is Verdict.CONFIRMED):
        return "acted"
    if closed is not None or kinds & {AlertKind.SHELVED, AlertKind.OUT_OF_SERVICE}:
        return "overridden"
    if kinds & {AlertKind.ACKNOWLEDGED, AlertKind.HELP}:
        return "acted"
    raised = alert.raised
    late = raised is not None and now - raised.time > ANSWERED_WITHIN
    return "ignored" if late or not alert.active else ""


def _wait(alert: Alert) -> int | None:
    first: AlertEvent | None = next((event for event in alert.events if event.kind in RESPONSE_KINDS), None)
    return None if first is None or alert.raised is None else max(0, first.time - alert.raised.time)
