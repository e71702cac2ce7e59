"""Edge nodes that speak Sparkplug B, by way of a broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from lineside.domain.errors import PlanError
from lineside.domain.plan.basics import PositiveDuration
from lineside.domain.plan.sources.base import SourceKind
from lineside.domain.plan.sources.mqtt import BrokerSource
from lineside.domain.units import MILLISECOND


class SparkplugSpec(BrokerSource):
    """Edge nodes and their devices, as Sparkplug B names them."""

    kind: Literal[SourceKind.SPARKPLUG] = Field(description="Edge nodes that speak Sparkplug B, by way of a broker.")
    host: str = Field(
        "",
        pattern=r"^[^+#/\s]*$",
        description="Id under which this gateway is the primary host; empty: it is none, and publishes no state.",
    )
    rebirth: bool = Field(
        True, description="Whether an edge node is asked for its births again when its data cannot be read without."
    )
    reorder_within: PositiveDuration = Field(
        500 * MILLISECOND, description="How long messages behind a gap in their sequence wait for the missing one."
    )


@dataclass(frozen=True, slots=True)
class MetricAddress:
    """Where a metric is: the edge node of a group, one of its devices (empty: the node itself), and its name."""

    group: str
    edge: str
    device: str
    metric: str


def parse_metric_address(text: str) -> MetricAddress:
    """Return the address written as ``group/edge/device#metric``, or ``group/edge#metric`` for one of the node itself.

    Ids hold neither ``/`` nor ``#`` (Sparkplug 3.0, 4.1), and names of metrics often hold ``/``; so the first ``#``
    ends the ids and everything after it is the name.

    Raises:
        PlanError: it is neither.
    """
    place, mark, metric = text.partition("#")
    ids = place.split("/")
    if not mark or not metric or len(ids) not in {2, 3} or not all(ids) or "+" in place or not text.isprintable():
        raise PlanError(
            "not the address of a metric",
            value=text,
            next_step="write group/edge/device#metric, or group/edge#metric for a metric of the edge node itself",
        )
    return MetricAddress(ids[0], ids[1], ids[2] if len(ids) == 3 else "", metric)
