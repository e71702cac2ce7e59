"""A collector of OpenTelemetry on loopback: takes traces and metrics by OTLP over HTTP, and remembers them decoded."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenSpan:
    """A span as it came; ids are hexadecimal, times UTC ns."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    started: int
    ended: int
    facts: dict[str, Any]


@dataclass(slots=True)
class Collector:
    """What has come: spans in their order, and the last value of every metric by name and labels' values."""

    url: str = ""
    spans: list[TakenSpan] = field(default_factory=list)
    metrics: dict[tuple[str, ...], float] = field(default_factory=dict)
    growing: set[str] = field(default_factory=set)

    def named(self, name: str) -> list[TakenSpan]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]

    async def traces(self, request: Request) -> Response:
        """Take spans."""
        for group in ExportTraceServiceRequest.FromString(await _body(request)).resource_spans:
            service = _facts(group.resource.attributes).get("service.name", "")
            for item in (span for scope in group.scope_spans for span in scope.spans):
                self.spans.append(
                    TakenSpan(
                        service=service, name=item.name, trace=item.trace_id.hex(), id=item.span_id.hex(),
                        parent=item.parent_span_id.hex(), started=item.start_time_unix_nano,
                        ended=item.end_time_unix_nano, facts=_facts(item.attributes),
                    )
                )  # fmt: skip
        return Response(media_type="application/x-protobuf")

    async def figures(self, request: Request) -> Response:
        """Take metrics."""
        for group in ExportMetricsServiceRequest.FromString(await _body(request)).resource_metrics:
            for item in (metric for scope in group.scope_metrics for metric in scope.metrics):
                grows = item.WhichOneof("data") == "sum" and item.sum.is_monotonic
                if grows:
                    self.growing.add(item.name)
                for point in (item.sum if grows else item.gauge).data_points:
                    labels = _facts(point.attributes)
                    self.metrics[item.name, *sorted(labels.values())] = point.as_double
        return Response(media_type="application/x-protobuf")


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Run a collector for as long as the block lasts."""
    taken = Collector()
    routes = [
        Route("/v1/traces", taken.traces, methods=["POST"]),
        Route("/v1/metrics", taken.figures, methods=["POST"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    taken.url = f"http://127.0.0.1:{port}"
    try:
        yield taken
    finally:
        server.should_exit = True
        await serving


async def _body(request: Request) -> bytes:
    body = await request.body()
    return gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body


def _facts(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}
