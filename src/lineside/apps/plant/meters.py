"""What the plant measures of itself and of the line, made anew whenever it is asked for.

`Meters.figures` is the one source: Prometheus scrapes it as text, and OpenTelemetry sends the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from lineside.apps.gateway_figures import GatewayLook, gateway_figures
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.gateway_book import GatewayView
from lineside.apps.plant.watching import Watched
from lineside.domain.figures import Figure, single
from lineside.domain.performance.measured import Share
from lineside.domain.units import SECOND
from lineside.flows.correct import CorrectionCounts

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Counts = Callable[[], Mapping[str, Mapping[str, int]]]
_MODEL: Final = ("model", "station", "characteristic")


class Meters:
    """Reads what is asked for when it is asked.

    Args:
        floor: the line as it stands.
        gateways: the gateways as they stand.
        watched: the last look at the models in service.
        counts: records by what became of them (``landed``, ``refused``) and by kind or reason.
        corrections: what late readings have changed in the history since the start.
        now: the time of the line, UTC ns.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        gateways: Callable[[], Iterable[GatewayView]],
        watched: Callable[[], Watched],
        counts: Counts,
        corrections: Callable[[], CorrectionCounts] = CorrectionCounts,
        now: Callable[[], int],
    ) -> None:
        self._floor = floor
        self._gateways = gateways
        self._watched = watched
        self._counts = counts
        self._corrections = corrections
        self._now = now
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Scrape(self.figures))

    def text(self) -> bytes:
        """Return everything in the text format."""
        return bytes(generate_latest(self._registry))

    def figures(self) -> Iterable[Figure]:
        """Yield every figure."""
        yield from self._intake()
        yield from self._late()
        yield from self._line()
        yield from self._gateway_metrics()
        yield from self._models()

    def _intake(self) -> Iterable[Figure]:
        counts = self._counts()
        landed = _counter("lineside_records_landed", "Records made durable, by kind.", ("kind",))
        refused = _counter("lineside_records_refused", "Records refused, by reason.", ("reason",))
        for metric, name in ((landed, "landed"), (refused, "refused")):
            for key, count in sorted(counts.get(name, {}).items()):
                metric.add((key,), count)
            yield metric

    def _late(self) -> Iterable[Figure]:
        counts = self._corrections()
        late = _counter("lineside_late_readings", "Readings that came after their part was made.", ())
        late.add((), counts.readings)
        yield late
        parts = _counter("lineside_parts_corrected", "Parts corrected by late readings.", ("kind",))
        for name in ("revised", "made", "withdrawn"):
            parts.add((name,), getattr(counts, name))
        yield parts
        left = _counter(
            "lineside_corrections_left_alone", "Stretches that late readings left as they were.", ("reason",)
        )
        for reason, count in sorted(counts.left_alone.items()):
            left.add((reason.name.lower(),), count)
        yield left

    def _line(self) -> Iterable[Figure]:
        now = self._now()
        opened, held = self._floor.count(now)
        yield single("lineside_alerts_open", "Alerts that want an answer.", opened)
        yield single("lineside_alerts_held", "Alerts that stand and are held back.", held)
        budget = self._floor.budget(now)
        yield single("lineside_shift_alerts", "Interruptive alerts of this shift.", budget.alerts)
        yield single("lineside_shift_alerts_allowed", "What the plan allows of them.", budget.allowed)
        behind = max(now - self._floor.newest(), 0) / SECOND if self._floor.newest() else float("nan")
        yield single("lineside_newest_age_seconds", "Age of the newest that is known.", behind)

    def _gateway_metrics(self) -> Iterable[Figure]:
        return gateway_figures(
            GatewayLook(name=view.name, up=not view.gone, level=view.level, status=view.status)
            for view in self._gateways()
        )

    def _models(self) -> Iterable[Figure]:
        judged = _counter("lineside_model_judged", "Parts judged since the start.", _MODEL)
        alarms = _counter("lineside_model_alarms", "Parts above the limit since the start.", _MODEL)
        outside = _counter("lineside_model_outside", "Parts outside experience since the start.", labels=_MODEL)
        for view in self._floor.models():
            labels = (view.id, view.station, view.characteristic)
            judged.add(labels, view.judged)
            alarms.add(labels, view.alarms)
            outside.add(labels, view.outside)
        yield from (judged, alarms, outside)
        yield from self._watch()

    def _watch(self) -> Iterable[Figure]:
        shares = {
            name: Figure(f"lineside_model_{name}_ratio", help_, _MODEL)
            for name, help_ in (
                ("recall", "Of bad parts whose truth has come in 7 days."),
                ("precision", "Of parts in alarm whose truth has come in 7 days."),
                ("false_alarms", "Of good parts whose truth has come in 7 days."),
                ("covered", "Of parts of 7 days, whose truth has come."),
            )
        }
        left = Figure(
            "lineside_error_budget_left_ratio", "Of a service level's budget of 30 days.", labels=(*_MODEL, "level")
        )
        burning = Figure(
            "lineside_error_budget_burning", "1 where the budget burns too fast.", labels=(*_MODEL, "level")
        )
        damage = Figure("lineside_model_damage", "Findings of damage.", _MODEL)
        drifted = Figure("lineside_model_drifted_features", "Features that have drifted.", _MODEL)
        watched = self._watched()
        for report in watched.performance:
            labels = (report.model, report.station, report.characteristic)
            damage.add(labels, len(report.damage))
            for name, metric in shares.items():
                share: Share = getattr(report.measured, name)
                if share.value is not None:
                    metric.add(labels, share.value)
            for level in report.levels:
                burning.add((*labels, level.name), int(level.news))
                if level.left is not None:
                    left.add((*labels, level.name), level.left)
        for drift in watched.drift:
            drifted.add((drift.model, drift.station, drift.characteristic), len(drift.drifted))
        yield from (*shares.values(), left, burning, damage, drifted)


class _Scrape:
    """A collector of Prometheus."""

    def __init__(self, figures: Callable[[], Iterable[Figure]]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the line."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield every figure in Prometheus' form."""
        for item in self._figures():
            family = CounterMetricFamily if item.counter else GaugeMetricFamily
            metric = family(item.name, item.help, labels=item.labels)
            for labels, value in item.values:
                metric.add_metric(labels, value)
            yield metric


def _counter(name: str, help_: str, labels: tuple[str, ...]) -> Figure:
    return Figure(name, help_, labels, counter=True)
