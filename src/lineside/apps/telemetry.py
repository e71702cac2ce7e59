"""Whether telemetry is sent: where the environment names a collector and the extra is installed, and else not at all.

Without both nothing of OpenTelemetry is imported, and no hook is put into a flow.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Final

from lineside.domain.plan.model import Plan
from lineside.ports import Clock, Telemetry

ENDPOINTS: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
NEEDS: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def open_telemetry(service: str, instance: str, plan: Plan, clock: Clock) -> Telemetry | None:
    """Return what sends telemetry; None where nobody wants it, or where the extra is missing, which is said.

    Args:
        service: what the process is, ``gateway`` or ``plant``.
        instance: its name.
        plan: the line's plan.
        clock: the line's time.
    """
    wanted = any(os.environ.get(name) for name in ENDPOINTS)
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if not all(_is_there(name) for name in NEEDS):
        sys.stderr.write("lineside: no telemetry is sent: it needs the extra 'otel' (pip install 'lineside[otel]')\n")
        return None
    from lineside.adapters.otel import OtelTelemetry  # noqa: PLC0415 - an extra, and slow to load

    resource = {
        "service.namespace": "lineside",
        "service.name": f"lineside-{service}",
        "service.instance.id": instance,
        "lineside.site": plan.site.id,
        "lineside.line": plan.line.id,
    }
    return OtelTelemetry(resource, f"{plan.site.id}/{plan.line.id}", clock)


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
