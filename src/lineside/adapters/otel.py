"""Traces and figures to an OpenTelemetry collector, by OTLP over HTTP; needs the extra ``otel``.

Where to send, how often and what to sample is said by OpenTelemetry's own environment variables. Nothing here waits for
the collector: spans queue up to a bound and then are dropped, and a figure that does not get through is sent again as
it is at the next time.

The trace of a part has its id, and that of its whole path, from the part's cycle: gateway and plant work out the same,
and so does a sampler by share, so that a trace is kept as a whole or not at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from lineside import __version__
from lineside.domain.figures import Figure
from lineside.domain.part_path import Step
from lineside.ports import Clock

CLOSING_SECONDS: Final = 2.0
"""Seconds that what waits is sent for at the end, at most."""
_EVERY_SECONDS: Final = 60.0
_LOG: Final = logging.getLogger(__name__)


class _PlannedIds(RandomIdGenerator):
    """Gives the next span the ids that were planned for it."""

    def __init__(self) -> None:
        self.planned: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self.planned is None else self.planned[0]

    def generate_span_id(self) -> int:
        return super().generate_span_id() if self.planned is None else self.planned[1]


class OtelTelemetry:
    """Sends steps as spans and figures as metrics; used from one thread, that of the event loop.

    Args:
        resource: what the process is, by OpenTelemetry's names; the environment holds before it.
        line: site and line, which make cycles' ids their own.
        clock: the line's time.
    """

    def __init__(self, resource: dict[str, str], line: str, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._began = clock.now()
        self._resource = Resource.create({**resource, **OTELResourceDetector().detect().attributes})
        self._ids = _PlannedIds()
        self._provider = TracerProvider(resource=self._resource, id_generator=self._ids, shutdown_on_exit=False)
        self._spans = os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "none"
        if self._spans:
            self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("lineside", __version__)
        self._metrics = OTLPMetricExporter() if os.environ.get("OTEL_METRICS_EXPORTER", "otlp") != "none" else None

    def steps(self, steps: Iterable[Step]) -> None:
        """Queue steps to be sent."""
        if self._spans:
            try:
                for step in steps:
                    self._span(step)
            except Exception:  # noqa: BLE001 - a step that cannot be told must not stop a line
                _LOG.exception("steps could not be sent")

    def _span(self, step: Step) -> None:
        trace_id, whole_id = self.ids_of(step.cycle)
        facts = {f"lineside.{name}": value for name, value in step.facts.items()}
        facts["lineside.cycle"] = step.cycle
        started, ended = min(step.started, step.ended), step.ended
        if step.whole:
            self._ids.planned = trace_id, whole_id
            context = trace.set_span_in_context(trace.INVALID_SPAN)
        else:
            kept = (
                self._provider.sampler.should_sample(None, trace_id, step.name).decision is Decision.RECORD_AND_SAMPLE
            )
            flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if kept else trace.TraceFlags.DEFAULT)
            whole = trace.SpanContext(trace_id, whole_id, is_remote=True, trace_flags=flags)
            context = trace.set_span_in_context(trace.NonRecordingSpan(whole))
        try:
            span = self._tracer.start_span(step.name, context=context, attributes=facts, start_time=started)
        finally:
            self._ids.planned = None
        span.end(end_time=ended)

    def ids_of(self, cycle: str) -> tuple[int, int]:
        """Return the ids of a cycle's trace and of the span of its whole path."""
        digest = hashlib.sha256(f"{self._line}/{cycle}".encode()).digest()
        return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1

    async def run(self, figures: Callable[[], Iterable[Figure]]) -> None:
        """Send figures again and again until cancelled; what goes wrong is said and stops nothing."""
        if self._metrics is None:
            return
        while True:
            try:
                data = self._data(figures())
                await _in_background(partial(self._metrics.export, data))
            except Exception:  # noqa: BLE001 - a figure that cannot be made must not stop a line
                _LOG.exception("figures could not be sent")
            await asyncio.sleep(_every_seconds())

    def _data(self, figures: Iterable[Figure]) -> MetricsData:
        now = self._clock.now()
        scope = ScopeMetrics(
            scope=InstrumentationScope("lineside", __version__),
            metrics=[_metric(item, self._began, now) for item in figures if item.values],
            schema_url="",
        )
        return MetricsData([ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")])

    async def close(self) -> None:
        """Send what waits, for a short time at most, and let go."""

        def end() -> None:
            self._provider.shutdown()
            if self._metrics is not None:
                self._metrics.shutdown()

        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await _in_background(end)
        except TimeoutError:
            _LOG.warning("the collector takes too long: what waited for it is lost")


def _metric(figure: Figure, began: int, now: int) -> Metric:
    points = [
        NumberDataPoint(
            attributes=dict(zip(figure.labels, labels, strict=True)),
            start_time_unix_nano=began,
            time_unix_nano=now,
            value=value,
        )
        for labels, value in figure.values
    ]
    data = (
        Sum(data_points=points, aggregation_temporality=AggregationTemporality.CUMULATIVE, is_monotonic=True)
        if figure.counter
        else Gauge(data_points=points)
    )
    return Metric(name=figure.name, description=figure.help, unit="", data=data)


def _every_seconds() -> float:
    try:
        return max(1e-3, float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", "")) / 1e3)
    except ValueError:
        return _EVERY_SECONDS


async def _in_background(work: Callable[[], object]) -> None:
    """Wait for work in a thread that keeps no process from ending, as those of an executor would."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("telemetry could not be sent")
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="telemetry", daemon=True).start()
    await done.wait()
