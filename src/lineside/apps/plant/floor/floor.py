"""The read model of one line: what went in, and the questions that pages and interface ask of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lineside.apps.plant.floor.alerts import AlertMemory, raised_at
from lineside.apps.plant.floor.cards import CardSight, build_card
from lineside.apps.plant.floor.labels import feature_labels, station_label
from lineside.apps.plant.floor.missing import MissingMemory
from lineside.apps.plant.floor.models import ModelMemory
from lineside.apps.plant.floor.notices import measured, notices_of
from lineside.apps.plant.floor.parts import OutcomeMemory, StationParts
from lineside.apps.plant.floor.partviews import feature_views, feedback_about, met_by, summarise
from lineside.apps.plant.floor.shifts import shift_at, shift_times
from lineside.apps.plant.floor.tiles import StationSight, build_tile
from lineside.apps.plant.floor.usual import bands, feature_trend, unsuspected
from lineside.apps.plant.floor.views import (
    Budget,
    Card,
    FeatureName,
    LinkStatus,
    ModelView,
    PartSummary,
    PartView,
    Series,
    ShiftView,
    Surrounding,
    Tile,
    Trend,
    Trust,
)
from lineside.domain.alarm_groups import GroupLoad, load_by_group
from lineside.domain.alarm_load import AlarmLoad, Flood, alarm_load, floods_of
from lineside.domain.alerting import reaction_for
from lineside.domain.alerts import Alert, AlertEvent
from lineside.domain.answers import Label, label_of
from lineside.domain.features.recipe import FeatureRecipe, recipe_for
from lineside.domain.nuisance import Decision, Grounds, Notice, Notices
from lineside.domain.outcomes import Outcome, is_nonconforming
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import Prediction
from lineside.domain.receipts import Receipt
from lineside.domain.remedies import Remedies, remedies
from lineside.domain.uptake import TooFew, Uptake, uptake

MOST_PARTS: Final = 2_000
MOST_ALERTS: Final = 1_000
MOST_OUTCOMES: Final = 20_000
_SILENCED: Final = Decision(notice=Notice.LOG, grounds=Grounds.KIND, value=0.0)


@dataclass(frozen=True, slots=True)
class Change:
    """What an ``apply_*`` or `Floor.reveal` made look different; ``withheld``: alerts wait for the audit record."""

    stations: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    links: bool = False
    withheld: bool = False


class Floor:
    """What the board shows of one line; see the package for its theory of operation.

    Args:
        plan: the control plan in force.
        most_parts: parts remembered per station.
        most_alerts: alerts remembered.
    """

    def __init__(self, plan: Plan, *, most_parts: int = MOST_PARTS, most_alerts: int = MOST_ALERTS) -> None:
        self.plan: Final = plan
        self._recipes: Final = {station.id: recipe_for(plan, station.id) for station in plan.stations}
        self._parts: Final = {station.id: StationParts(most_parts) for station in plan.stations}
        self._alerts: Final = AlertMemory(most_alerts)
        self._outcomes: Final = OutcomeMemory(MOST_OUTCOMES)
        self._models: Final = ModelMemory()
        self.missing: Final = MissingMemory()
        self._solved: dict[tuple[str, str, str], Remedies] = {}
        self._links: dict[str, LinkStatus] = {}
        self._notices: Notices | None = None
        self._opened: tuple[list[Alert], Notices, list[Alert]] | None = None
        self._listeners: list[Callable[[Change], None]] = []

    # -- what goes in -------------------------------------------------------------------------------------

    def apply_parts(self, parts: Iterable[PartRecord]) -> None:
        """Take in part records; those of stations that the plan does not know concern another line."""
        known = [part for part in parts if part.station in self._parts]
        self._tell(stations={part.station for part in known if self._parts[part.station].add(part)})

    def apply_predictions(self, predictions: Iterable[Prediction]) -> None:
        """Take in judgements; a judgement may come before its part."""
        known = [item for item in predictions if item.station in self._parts]
        for item in known:
            if self._parts[item.station].judge(item):
                self._models.add(item)
        self._tell(stations={item.station for item in known})

    def apply_alerts(self, events: Iterable[AlertEvent], *, shown: bool = False) -> None:
        """Take in alert events; ``shown`` says that the audit record holds them already (as after a restart)."""
        known = [event for event in events if event.station in self._parts]
        self._tell_alerts(self._alerts.add(known, shown=shown), withheld=bool(self._alerts.withheld()))

    def apply_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Take in what was found of units."""
        units = self._outcomes.add(outcomes)
        touched = {alert.id for alert in self._alerts.visible() if units.intersection(_units(alert))}
        if units:
            self._tell(stations=set(self._parts), alerts=touched)

    def apply_receipts(self, receipts: Iterable[Receipt]) -> None:
        """Take in receipts for what is missing from the record."""
        if self.missing.add(receipts):
            self._tell(stations=set(), links=True)

    def apply_status(self, links: Mapping[str, LinkStatus]) -> None:
        """Take in how links are doing; others stay as they were."""
        changed = {name for name, link in links.items() if self._links.get(name) != link}
        self._links.update(links)
        if changed:
            fed = {station for name in changed for station in links[name].stations}
            self._tell(stations=fed & set(self._parts), links=True)

    def open_conditions(self, station: str, writer: str) -> tuple[AlertEvent, ...]:
        """Return the condition events of the alerts of a station that a writer raised and nobody has closed."""
        found = [alert for alert in self._alerts.alerts.values() if alert.station == station and alert.closed is None]
        return tuple(event for alert in found for event in alert.events if event.writer == writer)

    def withheld(self) -> tuple[AlertEvent, ...]:
        """Return the alert events that nobody may see before the audit record holds them, oldest first."""
        return self._alerts.withheld()

    def reveal(self, event_ids: Iterable[str]) -> None:
        """Let alert events be seen: the audit record now holds them."""
        self._tell_alerts(self._alerts.reveal(event_ids))

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``listener`` after every change, in the caller's thread; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # -- what is asked ------------------------------------------------------------------------------------

    def stations(self) -> tuple[str, ...]:
        """Return the ids of the stations, in the plan's order."""
        return tuple(self._parts)

    def tile(self, station: str, now: int) -> Tile:
        """Return the tile of a station; raises `KeyError` where the plan has none of that id."""
        sight = StationSight(
            plan=self.plan,
            station=self.plan.station(station),
            recipe=self._recipes[station],
            parts=self._parts[station],
            alerts=(opened := tuple(alert for alert in self._open(now) if alert.station == station)),
            interrupting=frozenset(alert.id for alert in opened if self._interrupts(alert)),
            links=tuple(self._links.values()),
        )
        return build_tile(sight, now)

    def tiles(self, now: int) -> tuple[Tile, ...]:
        """Return the tile of every station, in the plan's order."""
        return tuple(self.tile(station, now) for station in self._parts)

    def open_alerts(self, now: int, most: int | None = None) -> tuple[Card, ...]:
        """Return the alerts that want an answer, all or the first: those that interrupt first, then the most urgent."""
        return tuple(self._card(alert, now) for alert in self._open(now)[:most])

    def count(self, now: int) -> tuple[int, int]:
        """Return how many alerts want an answer, and how many stand but are held back."""
        return len(self._open(now)), len(self._alerts.held(now))

    def logged_alerts(self, now: int) -> tuple[Card, ...]:
        """Return the alerts that stand but are only logged, because alerts of their cause are seldom right."""
        return tuple(self._card(alert, now) for alert in self._alerts.open(now) if self._logged(alert))

    def held_alerts(self, now: int) -> tuple[Card, ...]:
        """Return the alerts that stand but are held back, the newest first."""
        return tuple(self._card(alert, now) for alert in self._alerts.held(now))

    def alarm_load(self, now: int, over: int) -> AlarmLoad:
        """Return how many alerts came over the last ``over`` nanoseconds, with floods, chatter and silence."""
        seen = [alert for alert in self._alerts.visible() if raised_at(alert) > now - over]
        return alarm_load(seen, now - over, now, nonconforming=self._did_not_conform)

    def load_by_group(self, now: int, over: int) -> tuple[GroupLoad, ...]:
        """Return that load by station and shift."""
        seen = [alert for alert in self._alerts.visible() if raised_at(alert) > now - over]
        grouped = ((shift_at(self.plan, raised_at(alert)).id, alert) for alert in seen)
        times = shift_times(self.plan, now - over, now)
        return load_by_group(grouped, times, now - over, now, nonconforming=self._did_not_conform)

    def labels(self, now: int) -> tuple[tuple[Card, Label], ...]:
        """Return the answers that say whether an alert was right, newest first, with how far they can be believed."""
        found = ((alert, label_of(alert, measured=self._measured(alert))) for alert in self._alerts.visible())
        return tuple((self._card(alert, now), label) for alert, label in found if label is not None)

    def uptake(self, now: int, over: int) -> tuple[tuple[Uptake, ...], tuple[TooFew, ...]]:
        """Return what became of the alerts of the last ``over`` nanoseconds, by station and shift."""
        seen = (alert for alert in self._alerts.visible() if raised_at(alert) > now - over and not alert.suppressed)
        least = self.plan.privacy.least_group
        return uptake(((shift_at(self.plan, raised_at(alert)).id, alert) for alert in seen), now, least)

    def shift(self, now: int) -> ShiftView:
        """Return the shift that runs at ``now``."""
        return shift_at(self.plan, now)

    def flood(self, now: int) -> Flood | None:
        """Return the flood of alerts that lasts at ``now``, None where there is none."""
        times = sorted(raised_at(alert) for alert in self._alerts.visible() if not alert.suppressed)
        return next((flood for flood in floods_of(times, now) if flood.ends is None), None)

    def alerts(self, now: int, *, station: str | None = None, most: int = 100) -> tuple[Card, ...]:
        """Return the latest alerts, newest first."""
        wanted = [alert for alert in self._alerts.visible() if station in {None, alert.station}]
        return tuple(self._card(alert, now) for alert in wanted[:most])

    def notices(self) -> Notices:
        """Return how each announced alert makes itself known, and how each cause stands."""
        if self._notices is None:
            self._notices = notices_of(self.plan, self._alerts.visible(), self._outcomes.of)
        return self._notices

    def alert(self, alert_id: str) -> Alert | None:
        """Return an alert that may be seen, None where there is none of that id."""
        found = self._alerts.alerts.get(alert_id)
        return None if found is None or found.raised is None else found

    def card(self, alert_id: str, now: int) -> Card | None:
        """Return an alert in full, None where there is none of that id that may be seen."""
        found = self.alert(alert_id)
        return None if found is None else self._card(found, now)

    def parts(
        self, *, station: str | None = None, before: int | None = None, most: int = 100
    ) -> tuple[PartSummary, ...]:
        """Return the latest parts, newest first, of one station or of all; ``before``: ended before (UTC ns)."""
        chosen = [
            (part, memory)
            for name, memory in self._parts.items()
            if station in {None, name}
            for part in _first(memory, before, most)
        ]
        chosen.sort(key=lambda pair: (-pair[0].ended, pair[0].cycle_id, pair[0].unit))
        return tuple(summarise(part, memory, self._outcomes.of(part.unit)) for part, memory in chosen[:most])

    def part(self, station: str, cycle_id: str, unit: str | None, now: int) -> PartView | None:
        """Return everything known of one part; without a unit, the first of the cycle; None where forgotten."""
        memory = self._parts.get(station)
        record = None if memory is None else _find(memory, cycle_id, unit)
        if memory is None or record is None:
            return None
        outcomes = self._outcomes.of(record.unit)
        return PartView(
            summary=summarise(record, memory, outcomes),
            station_label=station_label(self.plan, station),
            context=dict(record.context),
            missing=record.missing,
            readings=record.readings,
            revision=record.revision,
            changed=record.changed,
            features=feature_views(self.plan, self._recipes[station], record, memory),
            predictions=tuple(memory.judgements(record).values()),
            outcomes=outcomes,
            feedback=feedback_about(self.plan, record.unit, self._alerts.visible(), now),
            elsewhere=tuple(item for item in self.unit(record.unit) if item.cycle_id != cycle_id),
        )

    def part_record(self, station: str, cycle_id: str, unit: str | None) -> PartRecord | None:
        """Return the record of one part, None where it is forgotten."""
        memory = self._parts.get(station)
        return None if memory is None else _find(memory, cycle_id, unit)

    def good_parts_before(self, part: PartRecord, most: int) -> tuple[PartRecord, ...]:
        """Return the newest parts of a part's station that ended before it began and that nothing speaks against."""
        good = unsuspected(self._parts[part.station])
        return tuple(item for item in good if item.ended <= part.started)[:most]

    def unit(self, unit: str) -> tuple[PartSummary, ...]:
        """Return the cycles that a unit passed, newest first, at every station."""
        found = [
            summarise(part, memory, self._outcomes.of(unit))
            for memory in self._parts.values()
            for part in memory.newest_first()
            if part.unit == unit
        ]
        return tuple(sorted(found, key=lambda item: -item.ended))

    def predictions(
        self, *, station: str | None = None, characteristic: str | None = None, most: int = 100
    ) -> tuple[Prediction, ...]:
        """Return the latest judgements, newest first."""
        found = [
            item
            for name, memory in self._parts.items()
            if station in {None, name}
            for judged in memory.predictions.values()
            for item in judged.values()
            if characteristic in {None, item.characteristic}
        ]
        return tuple(sorted(found, key=lambda item: (-item.judged, item.cycle_id))[:most])

    def trends(self, station: str, most: int = 60) -> tuple[Trend, ...]:
        """Return the trend of the first feature of each signal of a station, against what was usual of late."""
        memory, recipe = self._parts[station], self._recipes[station]
        usual = dict(zip(recipe.names, bands(memory, recipe), strict=True))
        labels = feature_labels(self.plan, recipe)
        first = {spec.signal: spec for spec in reversed(recipe.features)}
        found = [
            feature_trend(memory, recipe, spec.name, labels[spec.name], band=usual[spec.name], most=most)
            for spec in reversed(first.values())
        ]
        return tuple(trend for trend in found if trend is not None and trend.values)

    def features(self, station: str) -> tuple[FeatureName, ...]:
        """Return the features of a station, in the recipe's order."""
        recipe = self._recipes[station]
        labels = feature_labels(self.plan, recipe)
        return tuple(FeatureName(name=name, label=labels[name]) for name in recipe.names)

    def series(self, station: str, feature: str) -> Series:
        """Return the values of a feature over all parts that are remembered; raises `ValueError` for another name."""
        memory, recipe = self._parts[station], self._recipes[station]
        column = recipe.names.index(feature)
        known = [
            (part.ended, part.unit, float(part.features[column]))
            for part in memory.ordered
            if part.recipe == recipe.digest and math.isfinite(part.features[column])
        ]
        return Series(
            label=feature_labels(self.plan, recipe)[feature],
            unit=recipe.features[column].unit,
            times=tuple(item[0] for item in known),
            units=tuple(item[1] for item in known),
            values=tuple(item[2] for item in known),
        )

    def models(self) -> tuple[ModelView, ...]:
        """Return the models that have judged of late, the latest first."""
        return self._models.views()

    def budget(self, now: int) -> Budget:
        """Return this shift's interruptive alerts against what the plan allows."""
        shift = shift_at(self.plan, now)
        raised = [alert for alert in self._alerts.visible() if shift.starts <= raised_at(alert) <= now]
        standings = self.notices().standings
        levels = self.plan.service_levels
        return Budget(
            shift=shift,
            alerts=sum(self._interrupts(alert) for alert in raised),
            allowed=levels.interruptive_alerts_per_shift * levels.operators_per_shift,
            demoted=tuple(key for key, item in standings.items() if item.level is not Notice.INTERRUPT),
            trust=self._alerts.trust(),
            parts=sum(shift.starts <= part.ended <= now for memory in self._parts.values() for part in memory.ordered),
        )

    def surroundings(self, most: int = 2) -> tuple[Surrounding, ...]:
        """Return the environment as the latest parts met it; what the plan's envelope names comes first."""
        found: dict[str, Surrounding] = {}
        latest = [part for memory in self._parts.values() if (part := memory.latest()) is not None]
        for part in sorted(latest, key=lambda item: item.ended):
            found |= met_by(self.plan, self._recipes[part.station], part)
        order = [limit.signal for limit in self.plan.envelope if limit.signal in found]
        return tuple(found[name] for name in dict.fromkeys([*order, *found]))[:most]

    def trust(self, station: str, characteristic: str) -> Trust:
        """Return how the latest alerts of a characteristic at a station turned out."""
        return self._alerts.trust(station, characteristic)

    def links(self) -> tuple[LinkStatus, ...]:
        """Return how everything the plant depends on is doing, by name."""
        return tuple(sorted(self._links.values(), key=lambda link: link.name))

    def newest(self) -> int:
        """Return the receive time of the newest thing that came, 0 where nothing has; ``now`` less it is the age."""
        latest = [memory.latest() for memory in self._parts.values()]
        of_parts = [part.received for part in latest if part is not None]
        return max([0, *of_parts, *(link.last_received for link in self._links.values())])

    def recipe(self, station: str) -> FeatureRecipe:
        """Return the recipe of a station; raises `KeyError` where the plan has none of that id."""
        return self._recipes[station]

    # -- within -------------------------------------------------------------------------------------------

    def _did_not_conform(self, characteristic: str, unit: str) -> bool:
        found = [item for item in self._outcomes.of(unit) if item.characteristic == characteristic]
        known = self.plan.characteristic(characteristic)
        return any(is_nonconforming(known, item.value) for item in found)

    def _measured(self, alert: Alert) -> bool | None:
        said = measured(self.plan, alert, self._outcomes.of)
        return None if said is None else said[0]

    def _decision(self, alert: Alert) -> Decision:
        return self.notices().decisions.get(alert.id, _SILENCED)

    def _interrupts(self, alert: Alert) -> bool:
        return self._decision(alert).notice is Notice.INTERRUPT

    def _logged(self, alert: Alert) -> bool:
        return self._decision(alert).notice is Notice.LOG

    def _open(self, now: int) -> list[Alert]:
        """Return the open alerts that are announced; what stands first, of that what interrupts, then by urgency."""
        wanting, notices = self._alerts.open(now), self.notices()
        if self._opened is None or self._opened[0] is not wanting or self._opened[1] is not notices:
            announced = [alert for alert in wanting if not self._logged(alert)]
            announced.sort(key=lambda alert: (not alert.active, not self._interrupts(alert)))
            self._opened = wanting, notices, announced
        return self._opened[2]

    def _card(self, alert: Alert, now: int) -> Card:
        sight = CardSight(
            plan=self.plan,
            alert=alert,
            recipe=self._recipes[alert.station],
            parts=self._parts[alert.station],
            trust=self._alerts.trust(alert.station, alert.characteristic),
            decision=self._decision(alert),
            remedies=self._remedies(alert),
            outcomes_of=self._outcomes.of,
        )
        return build_card(sight, now)

    def _remedies(self, alert: Alert) -> Remedies:
        """Return what solved the alert's cause at its station before; kept until another alert changes."""
        key = (alert.station, alert.characteristic, alert.cause)
        if key not in self._solved:
            reaction = reaction_for(self.plan, alert.characteristic, alert.cause)
            same = (
                other for other in self._alerts.visible() if (other.station, other.characteristic, other.cause) == key
            )
            self._solved[key] = remedies(same, () if reaction is None else reaction.steps)
        return self._solved[key]

    def _tell_alerts(self, changed: set[str], *, withheld: bool = False) -> None:
        self._solved.clear()
        stations = {self._alerts.alerts[name].station for name in changed if name in self._alerts.alerts}
        self._tell(stations=stations, alerts=changed, withheld=withheld)

    def _tell(
        self, *, stations: set[str], alerts: set[str] | None = None, links: bool = False, withheld: bool = False
    ) -> None:
        if alerts:
            self._notices = None
        change = Change(frozenset(stations), frozenset(alerts or ()), links, withheld)
        if change != Change():
            for listener in tuple(self._listeners):
                listener(change)


def _first(memory: StationParts, before: int | None, most: int) -> list[PartRecord]:
    return [part for part, _ in zip(memory.newest_first(before), range(most), strict=False)]


def _find(memory: StationParts, cycle_id: str, unit: str | None) -> PartRecord | None:
    if unit is not None:
        return memory.by_key.get((cycle_id, unit))
    return next((part for part in memory.newest_first() if part.cycle_id == cycle_id), None)


def _units(alert: Alert) -> set[str]:
    return {*alert.suspects, *(event.unit for event in alert.events)}
