"""The figures of gateways, as the plant gives them of all and a gateway of itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lineside.domain.figures import Figure
from lineside.wire.status import GatewayStatus

_COUNTED: Final = (
    ("readings", "Readings accepted."),
    ("parts", "Parts completed."),
    ("quarantined", "Readings set aside, with a reason."),
    ("dropped", "Readings dropped by the plan's rule, with a receipt."),
    ("late", "Readings that came late."),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayLook:
    """A gateway as it stands: whether it is heard, its gravest level, and its last status, None where none came."""

    name: str
    up: bool
    level: int
    status: GatewayStatus | None


def gateway_figures(gateways: Iterable[GatewayLook]) -> Iterable[Figure]:
    """Yield the figures of gateways."""
    labels = ("gateway",)
    up = Figure("lineside_gateway_up", "1 where the gateway is heard.", labels)
    level = Figure("lineside_gateway_health_level", "0 good, 1 attention, 2 bad.", labels)
    backlog = Figure("lineside_gateway_backlog_records", "Records that wait to be sent.", labels)
    counters = {name: Figure(f"lineside_gateway_{name}", help_, labels, counter=True) for name, help_ in _COUNTED}
    for look in gateways:
        up.add((look.name,), int(look.up))
        level.add((look.name,), look.level)
        if look.status is not None:
            backlog.add((look.name,), look.status.backlog)
            for name, figure in counters.items():
                figure.add((look.name,), getattr(look.status, name))
    yield from (up, level, backlog, *counters.values())
