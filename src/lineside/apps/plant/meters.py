"""What the plant measures of itself and of the line, as Prometheus scrapes it; made anew at every scrape.

Names follow Prometheus' conventions: base units in the name, ``_total`` for what only grows. No label names a person,
a serial or an alert, so that their number is bounded by the plan, the gateways and the models kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from lineside.apps.plant.floor import Floor
from lineside.apps.plant.gateway_book import GatewayView
from lineside.apps.plant.watching import Watched
from lineside.domain.performance.measured import Share
from lineside.domain.units import SECOND

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Counts = Callable[[], Mapping[str, Mapping[str, int]]]
_MODEL: Final = ("model", "station", "characteristic")


class Meters:
    """A collector of Prometheus: reads what is asked for when it is asked.

    Args:
        floor: the line as it stands.
        gateways: the gateways as they stand.
        watched: the last look at the models in service.
        counts: records by what became of them (``landed``, ``refused``) and by kind or reason.
        now: the time of the line, UTC ns.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        gateways: Callable[[], Iterable[GatewayView]],
        watched: Callable[[], Watched],
        counts: Counts,
        now: Callable[[], int],
    ) -> None:
        self._floor = floor
        self._gateways = gateways
        self._watched = watched
        self._counts = counts
        self._now = now
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """Return everything in the text format."""
        return bytes(generate_latest(self._registry))

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the line."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield every metric."""
        yield from self._intake()
        yield from self._line()
        yield from self._gateway_metrics()
        yield from self._models()

    def _intake(self) -> Iterable[Metric]:
        counts = self._counts()
        landed = CounterMetricFamily("lineside_records_landed", "Records made durable, by kind.", labels=("kind",))
        refused = CounterMetricFamily("lineside_records_refused", "Records refused, by reason.", labels=("reason",))
        for metric, name in ((landed, "landed"), (refused, "refused")):
            for key, count in sorted(counts.get(name, {}).items()):
                metric.add_metric((key,), count)
            yield metric

    def _line(self) -> Iterable[Metric]:
        now = self._now()
        opened, held = self._floor.count(now)
        yield GaugeMetricFamily("lineside_alerts_open", "Alerts that want an answer.", value=opened)
        yield GaugeMetricFamily("lineside_alerts_held", "Alerts that stand and are held back.", value=held)
        budget = self._floor.budget(now)
        yield GaugeMetricFamily("lineside_shift_alerts", "Interruptive alerts of this shift.", value=budget.alerts)
        yield GaugeMetricFamily("lineside_shift_alerts_allowed", "What the plan allows of them.", value=budget.allowed)
        behind = max(now - self._floor.newest(), 0) / SECOND if self._floor.newest() else float("nan")
        yield GaugeMetricFamily("lineside_newest_age_seconds", "Age of the newest that is known.", value=behind)

    def _gateway_metrics(self) -> Iterable[Metric]:
        labels = ("gateway",)
        up = GaugeMetricFamily("lineside_gateway_up", "1 where the gateway is heard.", labels=labels)
        level = GaugeMetricFamily("lineside_gateway_health_level", "0 good, 1 attention, 2 bad.", labels=labels)
        backlog = GaugeMetricFamily("lineside_gateway_backlog_records", "Records that wait to be sent.", labels=labels)
        counters = {
            name: CounterMetricFamily(f"lineside_gateway_{name}", help_, labels=labels)
            for name, help_ in (
                ("readings", "Readings accepted."),
                ("parts", "Parts completed."),
                ("quarantined", "Readings set aside, with a reason."),
                ("dropped", "Readings dropped by the plan's rule, with a receipt."),
                ("late", "Readings that came late."),
            )
        }
        for view in self._gateways():
            up.add_metric((view.name,), 0 if view.gone else 1)
            level.add_metric((view.name,), view.level)
            if view.status is not None:
                backlog.add_metric((view.name,), view.status.backlog)
                for name, metric in counters.items():
                    metric.add_metric((view.name,), getattr(view.status, name))
        yield from (up, level, backlog, *counters.values())

    def _models(self) -> Iterable[Metric]:
        judged = CounterMetricFamily("lineside_model_judged", "Parts judged since the start.", labels=_MODEL)
        alarms = CounterMetricFamily("lineside_model_alarms", "Parts above the limit since the start.", labels=_MODEL)
        outside = CounterMetricFamily(
            "lineside_model_outside", "Parts outside experience since the start.", labels=_MODEL
        )
        for view in self._floor.models():
            labels = (view.id, view.station, view.characteristic)
            judged.add_metric(labels, view.judged)
            alarms.add_metric(labels, view.alarms)
            outside.add_metric(labels, view.outside)
        yield from (judged, alarms, outside)
        yield from self._watch()

    def _watch(self) -> Iterable[Metric]:
        shares = {
            name: GaugeMetricFamily(f"lineside_model_{name}_ratio", help_, labels=_MODEL)
            for name, help_ in (
                ("recall", "Of bad parts whose truth has come in 7 days."),
                ("precision", "Of parts in alarm whose truth has come in 7 days."),
                ("false_alarms", "Of good parts whose truth has come in 7 days."),
                ("covered", "Of parts of 7 days, whose truth has come."),
            )
        }
        left = GaugeMetricFamily(
            "lineside_error_budget_left_ratio", "Of a service level's budget of 30 days.", labels=(*_MODEL, "level")
        )
        burning = GaugeMetricFamily(
            "lineside_error_budget_burning", "1 where the budget burns too fast.", labels=(*_MODEL, "level")
        )
        damage = GaugeMetricFamily("lineside_model_damage", "Findings of damage.", labels=_MODEL)
        drifted = GaugeMetricFamily("lineside_model_drifted_features", "Features that have drifted.", labels=_MODEL)
        watched = self._watched()
        for report in watched.performance:
            labels = (report.model, report.station, report.characteristic)
            damage.add_metric(labels, len(report.damage))
            for name, metric in shares.items():
                share: Share = getattr(report.measured, name)
                if share.value is not None:
                    metric.add_metric(labels, share.value)
            for level in report.levels:
                burning.add_metric((*labels, level.name), int(level.news))
                if level.left is not None:
                    left.add_metric((*labels, level.name), level.left)
        for drift in watched.drift:
            drifted.add_metric((drift.model, drift.station, drift.characteristic), len(drift.drifted))
        yield from (*shares.values(), left, burning, damage, drifted)
